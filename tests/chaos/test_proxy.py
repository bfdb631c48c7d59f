"""The proxy does to requests what the weather says, and nothing else."""

import http.client
import threading
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest
from pytest_mock import MockerFixture

from devhost.azurite import Ports
from tests.chaos.journal import Journal
from tests.chaos.proxy import StorageProxy
from tests.chaos.weather import Fault, Seen, Trap, Weather

_PATH = "/account/jobs/one/job.json?sig=secret%2B"


class _Storage(ThreadingHTTPServer):
    """Answers everything, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, str, bytes]] = []
        self.status = 201


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Storage

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "5")
        self.send_header("ETag", '"0x1"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"reply")

    do_GET = do_PUT = do_HEAD = _answer  # noqa: N815 - http.server's names

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Tests stay silent."""


class _Reply(NamedTuple):
    """`status` 0: the connection ended without a word. Names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class _Bench(NamedTuple):
    storage: _Storage
    proxy: StorageProxy
    weather: Weather
    journal: Journal

    def ask(self, method: str = "PUT", host: str = "a", headers: dict[str, str] | None = None) -> _Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy.ports(host).blob, timeout=10)
        try:
            connection.request(method, _PATH, b"body" if method == "PUT" else None, headers or {})
            reply = connection.getresponse()
            return _Reply(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())
        except (ConnectionError, http.client.HTTPException):
            return _Reply(0, {}, b"")
        finally:
            connection.close()

    def storm(self, fault: Fault) -> None:
        self.weather.rate, self.weather.fault = 1.0, fault


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[_Bench]:
    journal = Journal(tmp_path / "journal.log")
    weather = Weather(journal, seed=1)
    with _Storage() as storage:
        thread = threading.Thread(target=storage.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        port = storage.server_address[1]
        with StorageProxy(Ports(port, port, 1), ["a", "b"], weather) as proxy:
            yield _Bench(storage, proxy, weather, journal)
        storage.shutdown()
        thread.join()
    journal.close()


def test_in_fair_weather_requests_and_replies_pass_as_they_are(bench: _Bench) -> None:
    put, head, get = (bench.ask(method) for method in ("PUT", "HEAD", "GET"))
    assert bench.storage.asked == [("PUT", _PATH, b"body"), ("HEAD", _PATH, b""), ("GET", _PATH, b"")]
    assert (put.status, put.body, put.headers["etag"]) == (201, b"reply", '"0x1"')
    assert (head.status, head.body, head.headers["content-length"]) == (201, b"", "5")
    assert get.body == b"reply"
    assert not bench.journal.hits


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [(Fault.INTERNAL_ERROR, 500, "InternalError"), (Fault.BUSY, 503, "ServerBusy"), (Fault.CLOSED, 0, None)],
)
def test_what_fails_before_storage_never_reaches_it(bench: _Bench, fault: Fault, status: int, code: str | None) -> None:
    bench.storm(fault)
    reply = bench.ask()
    assert (reply.status, reply.headers.get("x-ms-error-code")) == (status, code)
    assert bench.storage.asked == []
    assert bench.journal.hits == {fault: 1}


def test_a_lost_reply_is_that_of_a_write_which_storage_has(bench: _Bench) -> None:
    bench.storm(Fault.REPLY_LOST)
    assert bench.ask("GET").status == 201
    assert not bench.journal.hits
    assert bench.ask("PUT").status == 0
    assert [method for method, _, _ in bench.storage.asked] == ["GET", "PUT"]
    assert bench.journal.hits == {Fault.REPLY_LOST: 1}
    bench.storage.status = 412
    assert bench.ask("PUT").status == 412
    assert bench.journal.hits == {Fault.REPLY_LOST: 1}


def test_a_slow_reply_comes_late_and_whole(bench: _Bench, mocker: MockerFixture) -> None:
    delay = mocker.patch.object(bench.weather, "delay_s", return_value=0.05)
    bench.storm(Fault.SLOW)
    assert bench.ask().body == b"reply"
    delay.assert_called_once_with()
    assert bench.journal.hits == {Fault.SLOW: 1}


def test_a_fault_strikes_only_a_part_of_the_requests(bench: _Bench) -> None:
    bench.storm(Fault.BUSY)
    bench.weather.rate = 0.5
    statuses = [bench.ask().status for _ in range(40)]
    assert 5 < statuses.count(503) < 35
    assert statuses.count(201) == 40 - statuses.count(503)


def test_a_trap_springs_once_when_storage_has_the_write_and_tells_whose_it_was(bench: _Bench) -> None:
    sprung: list[Seen] = []
    trap = bench.weather.trap = Trap("gap", r"^PUT jobs/[^/]+/job\.json \(create\)$", sprung.append, count=2)
    creating = {"If-None-Match": "*"}
    assert bench.ask(headers=creating).status == 201
    assert bench.ask().status == 201
    assert not trap.sprung.is_set()
    assert bench.ask(host="b", headers=creating).status == 0
    assert bench.ask(headers=creating).status == 201
    assert trap.sprung.is_set()
    assert [(seen.host, seen.line) for seen in sprung] == [("b", "PUT jobs/one/job.json (create)")]
    assert trap.victim == sprung[0]
    assert len(bench.storage.asked) == 4


def test_a_trap_lets_pass_what_storage_refused(bench: _Bench) -> None:
    trap = bench.weather.trap = Trap("gap", "^PUT", lambda seen: None)
    bench.storage.status = 409
    assert bench.ask().status == 409
    assert not trap.sprung.is_set()


def test_storage_that_is_away_is_a_connection_that_ends(bench: _Bench) -> None:
    bench.storage.shutdown()
    bench.storage.server_close()
    assert bench.ask().status == 0
    assert bench.proxy.away == {"a": 1}


def test_a_host_whose_clock_is_off_is_known_by_the_dates_of_its_requests(bench: _Bench) -> None:
    bench.ask(headers={"x-ms-date": formatdate(usegmt=True)})
    bench.ask(host="b", headers={"x-ms-date": formatdate(1e9, usegmt=True)})
    assert abs(bench.proxy.clocks["a"]) < 5
    assert bench.proxy.clocks["b"] < -3600


def test_the_journal_tells_every_hit_without_signatures(bench: _Bench, tmp_path: Path) -> None:
    bench.storm(Fault.BUSY)
    bench.ask()
    (line,) = (tmp_path / "journal.log").read_text().splitlines()
    assert line.endswith(" s  hit: answered 503: a: PUT jobs/one/job.json")

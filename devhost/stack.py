"""Storage, token issuer and host for one app: what a demo, a test or a benchmark runs against."""

import json
import os
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from devhost.azurite import Azurite, Ports
from devhost.host_process import HostProcess
from devhost.issuer import DEFAULT_CLIENT, DEFAULT_TENANT
from devhost.processes import Child, free_port, is_listening, python_module

_REPOSITORY = Path(__file__).parents[1]


class Stack:
    """Three child processes on loopback ports, which are known before anything is started.

    `settings` are the app's settings; they may be changed until the host starts. Logs are
    `azurite.log`, `issuer.log` and `host.log` in `work_dir`, storage's data in `work_dir/azurite`.
    `another_host` adds hosts on the same storage.
    """

    def __init__(
        self,
        app_dir: Path,
        work_dir: Path,
        settings: Mapping[str, str] | None = None,
        *,
        port: int | None = None,
        issuer_port: int | None = None,
        azurite_ports: Ports | None = None,
        tenant: str = DEFAULT_TENANT,
        extra_accounts: Sequence[str] = (),
        python: str = sys.executable,
    ) -> None:
        self.app_dir = app_dir.resolve()
        self.work_dir = work_dir.resolve()
        self.tenant = tenant
        self.issuer_port = issuer_port or free_port()
        self.azurite = Azurite(self.work_dir / "azurite", self.work_dir / "azurite.log", azurite_ports, extra_accounts)
        self.settings = dict(settings or {})
        self._issuer = Child(
            "the issuer",
            python_module("devhost.issuer", "--port", str(self.issuer_port), "--tenant", tenant),
            self.work_dir / "issuer.log",
            self.app_dir,
        )
        self._host = HostProcess(
            "the host", self.app_dir, self.work_dir / "host.log", lambda: self.environ, port, python
        )
        self.port = self._host.port
        self.host_log = self._host.log
        self._other_hosts: list[HostProcess] = []

    @property
    def url(self) -> str:
        return self._host.url

    @property
    def issuer_url(self) -> str:
        return f"http://127.0.0.1:{self.issuer_port}"

    @property
    def issuer(self) -> str:
        """`iss` of the issuer's v2.0 tokens."""
        return f"{self.issuer_url}/{self.tenant}/v2.0"

    @property
    def connection_string(self) -> str:
        return self.azurite.connection_string

    @property
    def host_pid(self) -> int | None:
        return self._host.pid

    @property
    def host_running(self) -> bool:
        return self._host.running

    def start(self) -> "Stack":
        """Start everything; whatever was started is stopped again if a part does not come up."""
        try:
            self.start_storage()
            self.start_issuer()
            self.start_host()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop what runs, storage last and cleanly."""
        try:
            for host in (*self._other_hosts, self._host):
                host.stop()
            self._issuer.stop()
        finally:
            self.azurite.stop()

    def start_storage(self) -> None:
        self.azurite.start()

    def start_issuer(self) -> None:
        self._issuer.start(self.environ, lambda: is_listening(self.issuer_port), 20.0)

    def start_host(self, deadline_s: float = 60.0) -> None:
        self._host.start(deadline_s)

    def another_host(self, name: str, settings: Mapping[str, str] | None = None) -> HostProcess:
        """One more host on the same storage, not started yet; `settings` go over the app's, its log is `{name}.log`.

        Durable state is each host's own. A dropped blob may be handed to both, timers tick in both.
        """
        own = dict(settings or {})
        log = self.work_dir / f"{name}.log"
        host = HostProcess(f"the host '{name}'", self.app_dir, log, lambda: {**self.environ, **own})
        self._other_hosts.append(host)
        return host

    def stop_host(self) -> int | None:
        """SIGTERM, wait, and return the exit status."""
        return self._host.stop()

    def kill_host(self) -> None:
        """SIGKILL; storage and issuer go on."""
        self._host.kill()

    def token(self, roles: Iterable[str], audience: str, *, oid: str = DEFAULT_CLIENT, lifetime_s: int = 3600) -> str:
        """An app-only access token with these roles."""
        form = {
            "grant_type": "client_credentials",
            "client_id": oid,
            "oid": oid,
            "scope": f"{audience}/.default",
            "roles": " ".join(roles),
            "lifetime_s": str(lifetime_s),
        }
        url = f"{self.issuer_url}/{self.tenant}/oauth2/v2.0/token"
        request = urllib.request.Request(url, urllib.parse.urlencode(form).encode())  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310 - loopback
            return str(json.load(reply)["access_token"])

    def __enter__(self) -> "Stack":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def environ(self) -> dict[str, str]:
        """What the host's process is started with."""
        path = os.pathsep.join(filter(None, [str(_REPOSITORY), os.environ.get("PYTHONPATH", "")]))
        return {
            **os.environ,
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "AzureWebJobsStorage": self.connection_string,
            **self.settings,
            "PYTHONPATH": path,
        }

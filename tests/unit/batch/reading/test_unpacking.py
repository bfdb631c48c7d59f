"""A compressed file is unpacked once, in bounded memory, whatever it claims to be."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from shared.batch.reading import unpacking
from shared.errors import InputChanged, PayloadTooLarge, SlipwayError, UnreadableInput
from shared.models.signature import Column, Signature
from tests.support.reading import MemorySource, Plan, plan, rows_of

LIMIT = 1024 * 1024
SIGNATURE = Signature(columns=(Column(name="a", type="long"), Column(name="b", type="string")))
PATH = "inbox/flights/month.csv.gz"


def table(rows: int) -> bytes:
    return b"a,b\n" + b"".join(b"%d,text %d\n" % (row, row) for row in range(rows))


def zstd(data: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(data, asbytes=True))


PACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstd}
type Pack = Callable[[bytes], bytes]


@pytest.fixture(params=[7, 64, 4 * 1024 * 1024], ids=["tiny-chunks", "small-chunks", "real-chunks"])
def chunk_bytes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Sizes at which pieces of the packed and of the unpacked file end at all sorts of places."""
    monkeypatch.setattr(unpacking, "CHUNK_BYTES", request.param)
    return int(request.param)


@pytest.fixture(params=["gzip", "zstd"])
def pack(request: pytest.FixtureRequest) -> Pack:
    return PACK[request.param]


def planned(data: bytes, chunk_bytes: int = 4096, limit: int = LIMIT) -> Plan:
    return plan(MemorySource(data, PATH, chunk_bytes), SIGNATURE, limit, mini_batch_size=40)


def refused(data: bytes, kind: type[SlipwayError], chunk_bytes: int = 4096, limit: int = LIMIT) -> str:
    with pytest.raises(kind) as raised:
        planned(data, chunk_bytes, limit)
    assert raised.value.message.startswith(f"{PATH}: ")
    return raised.value.message.removeprefix(f"{PATH}: ")


@pytest.mark.parametrize("members", [1, 2, 3, 50])
def test_a_packed_file_of_any_number_of_members_is_one_file(pack: Pack, chunk_bytes: int, members: int) -> None:
    data = table(100)
    size = -(-len(data) // members)
    made = planned(b"".join(pack(data[start : start + size]) for start in range(0, len(data), size)), chunk_bytes)
    assert made.planned.source.read(0, LIMIT) == data
    assert made.staging.suffixes == [".csv"]
    assert [span.rows for span in made.spans] == [40, 40, 20]


def test_empty_members_are_nothing(pack: Pack, chunk_bytes: int) -> None:
    nothing = pack(b"")
    made = planned(nothing + pack(table(10)) + nothing + nothing, chunk_bytes)
    assert [span.rows for span in made.spans] == [10]


@pytest.mark.parametrize("zeros", [1, 512, 200_000])
def test_zeros_behind_a_gzip_are_padding(chunk_bytes: int, zeros: int) -> None:
    padded = gzip.compress(table(10)) + bytes(zeros)
    assert [span.rows for span in planned(padded, chunk_bytes).spans] == [10]
    more = padded + gzip.compress(b"10,more\n")
    assert [span.rows for span in planned(more + bytes(zeros), chunk_bytes).spans] == [11]
    assert refused(more[:-1], UnreadableInput, chunk_bytes) == "the gzip ends too early: pack and drop it again"
    assert refused(padded + b"junk", UnreadableInput, chunk_bytes) == "the gzip is broken: pack it again"


def test_frames_that_are_to_be_skipped_are(chunk_bytes: int) -> None:
    skipped = b"\x5a\x2a\x4d\x18\x04\x00\x00\x00abcd"
    assert [span.rows for span in planned(skipped + zstd(table(10)) + skipped, chunk_bytes).spans] == [10]


@pytest.mark.parametrize("kept", [4, 10, 50, -1, -8, -9])
def test_a_file_that_was_cut_off_is_told(pack: Pack, chunk_bytes: int, kept: int) -> None:
    told = refused(pack(table(1000))[:kept], UnreadableInput, chunk_bytes)
    assert told in {f"the {kind} ends too early: pack and drop it again" for kind in ("gzip", "zstd file")}


def test_a_second_member_that_was_cut_off_is_told(pack: Pack, chunk_bytes: int) -> None:
    packed = pack(table(100)) + pack(b"1,2\n")[:-1]
    assert "ends too early: pack and drop it again" in refused(packed, UnreadableInput, chunk_bytes)


@pytest.mark.parametrize("harm", ["header", "data", "checksum", "length", "tail"])
def test_a_damaged_gzip_is_told(chunk_bytes: int, harm: str) -> None:
    packed = bytearray(gzip.compress(table(100)))
    if harm == "tail":
        packed += b"and something else"
    else:
        packed[{"header": 2, "data": 30, "checksum": -6, "length": -1}[harm]] ^= 0xFF
    assert refused(bytes(packed), UnreadableInput, chunk_bytes) == "the gzip is broken: pack it again"


@pytest.mark.parametrize("harm", ["block", "tail"])
def test_a_damaged_zstd_file_is_told(chunk_bytes: int, harm: str) -> None:
    packed = bytearray(zstd(table(100)))
    if harm == "tail":
        packed += b"and something else"
    else:
        packed[6:12] = b"\xff" * 6
    told = refused(bytes(packed), UnreadableInput, chunk_bytes)
    assert told == "the zstd file is broken, or needs too much memory: pack it again"


def test_a_zstd_file_that_wants_gigabytes_is_refused() -> None:
    # A frame without its size, with a window of 2 GiB.
    frame = b"\x28\xb5\x2f\xfd\x00" + bytes([21 << 3]) + b"\x01\x00\x00"
    assert refused(frame, UnreadableInput) == "the zstd file is broken, or needs too much memory: pack it again"


def test_a_gzip_of_too_many_members_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "_MAX_GZIP_MEMBERS", 5)
    assert len(planned(gzip.compress(table(1)) + gzip.compress(b"") * 5).spans) == 1
    packed = gzip.compress(table(1)) + gzip.compress(b"") * 6
    assert refused(packed, UnreadableInput) == "the gzip has more than 5 members: pack it as one"


@pytest.mark.parametrize("data", [b"", b"\n"])
def test_an_empty_file_that_was_packed_is_an_empty_file(pack: Pack, chunk_bytes: int, data: bytes) -> None:
    assert refused(pack(data), UnreadableInput, chunk_bytes).startswith("the file is empty")


@pytest.mark.parametrize("members", [1, 3])
def test_a_file_that_unpacks_to_too_much_is_stopped_at_the_limit(pack: Pack, members: int) -> None:
    bomb = pack(b"a,b\n" + b"1,2\n" * (50 * LIMIT // 4 // members)) * members
    assert len(bomb) < LIMIT
    assert refused(bomb, PayloadTooLarge) == f"it unpacks to more than {LIMIT} bytes: split it"


def test_a_file_as_large_as_the_limit_is_taken_and_one_byte_more_is_not(pack: Pack) -> None:
    data = table(100)
    for packed in (data, pack(data)):
        assert sum(span.rows for span in planned(packed, limit=len(data)).spans) == 100
        refused(packed, PayloadTooLarge, limit=len(data) - 1)


def test_a_plain_file_that_is_too_large_is_told_its_size() -> None:
    data = table(100)
    told = refused(data, PayloadTooLarge, limit=100)
    assert told == f"it has {len(data)} bytes, but at most 100 are taken: split it"


def test_a_compressed_file_in_a_compressed_file_is_refused(pack: Pack) -> None:
    for inner in PACK.values():
        assert refused(pack(inner(table(10))), UnreadableInput) == "it holds a compressed file: compress tables once"


def _zip() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("../../day.csv", table(10))
    return held.getvalue()


def _tar(mode: str = "w") -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode=mode) as archive:  # type: ignore[call-overload]
        link = tarfile.TarInfo("day.csv")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return held.getvalue()


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("zip", _zip()),
        ("tar", _tar()),
        ("tar", _tar("w:gz")),
        ("zip", zstd(_zip())),
        ("bzip2", bz2.compress(table(10))),
        ("bzip2", bz2.compress(b"")),
        ("xz", lzma.compress(table(10))),
        ("7z", b"7z\xbc\xaf\x27\x1c\x00\x04"),
        ("rar", b"Rar!\x1a\x07\x01\x00"),
    ],
)
def test_archives_and_other_ways_of_packing_are_refused_by_name(kind: str, data: bytes) -> None:
    assert refused(data, UnreadableInput) == (
        f"this is a {kind} file: unpack it, and give the tables plain, or each compressed with gzip or zstd"
    )


class Broken(MemorySource):
    """Is changed while it is read."""

    def read(self, offset: int, length: int) -> bytes:
        if offset:
            raise InputChanged("the file was changed")
        return super().read(offset, length)


def test_an_error_of_the_source_passes_as_it_is(pack: Pack) -> None:
    with pytest.raises(InputChanged, match=r"^the file was changed$"):
        plan(Broken(pack(table(1000)), PATH, 100), SIGNATURE)


def test_a_header_that_the_model_cannot_take_stops_the_copy() -> None:
    source = MemorySource(gzip.compress(b"x,y\n" + table(200_000)), PATH, 1000)
    with pytest.raises(UnreadableInput, match="the header lacks the columns a, b"):
        plan(source, SIGNATURE)
    assert source.calls < 200


TEXTS = "a,b\n1,größe\n2,straße\n"


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_another_encoding_becomes_utf_8(encoding: str, size: int, pack: Pack) -> None:
    data = TEXTS.encode(encoding)
    options: dict[str, Any] = {"csv": {"encoding": encoding}, "mini_batch_size": 1}
    for given in (data, pack(data)):
        made = plan(MemorySource(given, "day.csv", size), SIGNATURE, **options)
        assert made.planned.columns == ("a", "b")
    (first, second) = rows_of(data, "day.csv", SIGNATURE, **options)
    assert first.features["b"].tolist() + second.features["b"].tolist() == ["größe", "straße"]


@pytest.mark.parametrize(
    ("encoding", "data", "at"),
    [
        ("utf-16", "a,b\n1,2\n".encode("utf-16") + b"\x00\xd8\x20\x00", 18),
        ("cp1252", b"a,b\n1,\x81\n", 6),
        ("euc_jp", b"a,b\n1,\xff\n", 6),
    ],
)
@pytest.mark.parametrize("size", [1, 5, 100])
def test_bytes_that_are_not_of_the_encoding_are_named(encoding: str, data: bytes, at: int, size: int) -> None:
    source = MemorySource(data, "day.csv", size)
    with pytest.raises(UnreadableInput, match=f"the byte {at} is not text in {encoding}: set csv.encoding"):
        plan(source, SIGNATURE, csv={"encoding": encoding})

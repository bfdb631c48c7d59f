"""Packed bodies: unpacked, or refused clearly and in bounded memory."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import MalformedRequest, PayloadTooLarge, RequestError, UnsupportedMediaType
from shared.online.unpack import unpacked

TEXT = b'{"input_data": [[1, 2, 3]]}' * 10
LIMIT = 10_000


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zlib": zlib.compress, "raw": raw_deflate}
PACKED = {kind: pack(TEXT) for kind, pack in PACKERS.items()}
ENCODINGS = {"gzip": "gzip", "zlib": "deflate", "raw": "deflate"}
KINDS = sorted(PACKED)


@pytest.mark.parametrize("encoding", [None, "", "identity", " Identity "])
def test_a_plain_body_stays_as_it_is(encoding: str | None) -> None:
    assert unpacked(TEXT, encoding, LIMIT) is TEXT


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", " gzip ", "x-gzip"])
def test_gzip_is_unpacked(encoding: str) -> None:
    assert unpacked(PACKED["gzip"], encoding, LIMIT) == TEXT


@pytest.mark.parametrize("kind", ["zlib", "raw"])
def test_deflate_is_unpacked_with_its_header_and_without(kind: str) -> None:
    assert unpacked(PACKED[kind], "deflate", LIMIT) == TEXT


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "gzip, identity", "deflate,gzip", "*"])
def test_other_encodings_and_several_at_once_are_refused(encoding: str) -> None:
    with pytest.raises(UnsupportedMediaType, match="gzip or deflate"):
        unpacked(PACKED["gzip"], encoding, LIMIT)


@pytest.mark.parametrize("kind", KINDS)
def test_a_body_that_was_cut_anywhere_is_refused(kind: str) -> None:
    for length in range(len(PACKED[kind])):
        with pytest.raises(MalformedRequest, match=r"ends in the middle|damaged"):
            unpacked(PACKED[kind][:length], ENCODINGS[kind], LIMIT)


@pytest.mark.parametrize("kind", KINDS)
def test_what_follows_the_end_is_refused(kind: str) -> None:
    with pytest.raises(MalformedRequest, match="goes on behind the end"):
        unpacked(PACKED[kind] + b"x", ENCODINGS[kind], LIMIT)
    with pytest.raises(MalformedRequest, match="goes on behind the end"):
        unpacked(PACKED[kind] * 2, ENCODINGS[kind], LIMIT)


def test_a_damaged_check_sum_is_refused() -> None:
    damaged = PACKED["gzip"][:-8] + bytes(8)
    with pytest.raises(MalformedRequest, match="damaged"):
        unpacked(damaged, "gzip", LIMIT)


@pytest.mark.parametrize("encoding", [None, "gzip", "br"])
def test_the_bound_holds_for_what_is_sent(encoding: str | None) -> None:
    with pytest.raises(PayloadTooLarge, match="10001 bytes, but at most 10000"):
        unpacked(bytes(LIMIT + 1), encoding, LIMIT)


@pytest.mark.parametrize("kind", KINDS)
def test_the_bound_holds_for_what_comes_out(kind: str) -> None:
    assert unpacked(PACKERS[kind](bytes(LIMIT)), ENCODINGS[kind], LIMIT) == bytes(LIMIT)
    with pytest.raises(PayloadTooLarge, match="unpacks to more than 10000 bytes"):
        unpacked(PACKERS[kind](bytes(LIMIT + 1)), ENCODINGS[kind], LIMIT)


def test_a_bomb_costs_no_more_memory_than_the_bound() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    tracemalloc.start()
    with pytest.raises(PayloadTooLarge):
        unpacked(bomb, "gzip", 100_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


@given(st.binary(max_size=100), st.sampled_from([None, "gzip", "deflate", "br", ""]) | st.text(max_size=8))
def test_any_body_under_any_encoding_is_unpacked_or_refused(body: bytes, encoding: str | None) -> None:
    try:
        assert len(unpacked(body, encoding, 200)) <= 200
    except RequestError as error:
        assert error.message  # noqa: PT017 - either outcome is right

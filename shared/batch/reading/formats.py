"""What a file is: by what its job says, by its name, and by its first bytes."""

import re
from pathlib import PurePosixPath
from typing import Final, Literal

from shared.endpoints.batch_settings import CsvOptions, Format, InputFormat
from shared.errors import UnreadableInput

type Packing = Literal["gzip", "zstd"]

# So many of a file's first bytes tell what it is.
HEAD_BYTES: Final = 512
BOM: Final = b"\xef\xbb\xbf"
_PACKED_SUFFIXES: Final = frozenset({".gz", ".zst", ".zstd"})
_TAB_SUFFIX: Final = ".tsv"
_FORMATS: Final[dict[str, Format]] = {
    ".csv": "csv",
    _TAB_SUFFIX: "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pqt": "parquet",
}
_GZIP: Final = b"\x1f\x8b"
# A frame, or one of the sixteen kinds of frames that are to be skipped.
_ZSTD: Final = re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18", re.DOTALL)
_PARQUET: Final = re.compile(rb"PAR[1E]")
_ARCHIVES: Final = (
    ("zip", re.compile(rb"PK(\x03\x04|\x05\x06)")),
    ("tar", re.compile(rb".{257}ustar", re.DOTALL)),
    ("7z", re.compile(rb"7z\xbc\xaf\x27\x1c")),
    ("rar", re.compile(rb"Rar!\x1a\x07")),
    ("xz", re.compile(rb"\xfd7zXZ\x00")),
    ("bzip2", re.compile(rb"BZh[1-9](1AY&SY|\x17\x72\x45\x38\x50\x90)")),
)


def is_table(name: str) -> bool:
    """By its suffix, also before that of a compression."""
    return _suffix(name) in _FORMATS


def packing(head: bytes) -> Packing | None:
    """How the file is compressed. Raises UnreadableInput for an archive, and for what is compressed in another way."""
    for archive, magic in _ARCHIVES:
        if magic.match(head):
            raise UnreadableInput(
                f"this is a {archive} file: unpack it, and give the tables plain, or each compressed with gzip or zstd"
            )
    if head.startswith(_GZIP):
        return "gzip"
    return "zstd" if _ZSTD.match(head) else None


def format_of(asked: InputFormat, name: str, head: bytes) -> Format:
    """`head`: of the unpacked file."""
    if asked in ("csv", "jsonl", "parquet"):
        return asked
    known = _FORMATS.get(_suffix(name))
    if known is not None:
        return known
    if _PARQUET.match(head):
        return "parquet"
    return "jsonl" if head.removeprefix(BOM).lstrip()[:1] in (b"{", b"[") else "csv"


def dialect(options: CsvOptions, name: str) -> CsvOptions:
    """A `.tsv` has tabs, unless another delimiter than the comma is asked for. Raises UnreadableInput."""
    if options.delimiter == "," and _suffix(name) == _TAB_SUFFIX:
        options = options.model_copy(update={"delimiter": "\t"})
    if options.delimiter == options.quote_char:
        raise UnreadableInput("csv.delimiter and csv.quote_char must be two different characters")
    return options


def _suffix(name: str) -> str:
    path = PurePosixPath(name.lower())
    return PurePosixPath(path.stem).suffix if path.suffix in _PACKED_SUFFIXES else path.suffix

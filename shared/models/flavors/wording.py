"""What foreign code says, made fit for callers."""

import re
from typing import Final

# Paths of this machine, between quotes with their spaces; a slash within a word, or between numbers, may stay.
_PATH: Final = re.compile(r"""(?<=["'])(?:~|\.{1,2})?/[^"']*(?=["'])|(?<![\w.])(?:~|\.{1,2})?/[^\s"'(),:;]+""")
_LONGEST: Final = 300


def one_line(text: str) -> str:
    """No line ends, no path, nothing that UTF-8 cannot hold, and not too long."""
    return _PATH.sub("…", " ".join(encodable(text).split()))[:_LONGEST]


def encodable(text: str) -> str:
    """Half a surrogate pair, as decoding with `surrogateescape` leaves it behind, becomes a question mark."""
    return text.encode(errors="replace").decode()

"""What the worker of a score.py answers to a mini-batch of files, held to what was agreed."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shared.errors import ScoringFailed
from shared.models.flavors.pyfunc import UNREADABLE
from shared.models.flavors.wording import one_line
from shared.models.returned import columns_of
from shared.models.sandbox.arrays import unpack
from shared.models.sandbox.output_folder import MOST_FILES, VARIABLE
from shared.models.sandbox.tagging import unpacked
from shared.models.signature import Array


def read_outputs(header: dict[str, Any], parts: Sequence[memoryview]) -> tuple[int, dict[str, Array]]:
    """The number of rows, and column to array. Raises ScoringFailed."""
    try:
        if "items" in header:
            items = unpacked(header["items"], parts[0])
            return len(items), columns_of(items)
        rows, outputs = int(header["rows"]), unpack(header["arrays"], parts)
        if all(len(array) == rows for array in outputs.values()):
            return rows, outputs
    except (ValueError, TypeError, LookupError, RecursionError):
        pass
    raise ScoringFailed(UNREADABLE)


def written_files(folder: Path) -> dict[str, Path]:
    """All files below the folder, by their path in it. Raises ScoringFailed for links, pipes and the like."""
    found: dict[str, Path] = {}
    for here, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(here, name)
            place, mode = path.relative_to(folder).as_posix(), path.lstat().st_mode
            if stat.S_ISDIR(mode):
                continue
            if not stat.S_ISREG(mode) or not place.isprintable():
                shown = one_line(ascii(place))
                raise ScoringFailed(
                    f"the score.py wrote {shown} below {VARIABLE}: only files with plain names are kept"
                )
            found[place] = path
            if len(found) > MOST_FILES:
                raise ScoringFailed(f"the score.py wrote more than {MOST_FILES} files for one mini-batch")
    return found

"""Azure ML's batch contract: `run(mini_batch)` is given paths of files, and returns a data frame or a list.

numpy and pandas are asked for only where the script has made something of theirs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from .output_folder import OutputFolder
from .serving import Frame, tell
from .tagging import packed

_UNNAMED = "prediction"


def answer_files(run: Callable[[list[str]], Any], paths: Sequence[str], output: OutputFolder, folder: str) -> Frame:
    """`folder`: where the app wants the files that run() writes.

    Answers `rows` and, by column, `arrays`; or `items`: how the part that holds them is packed.
    """
    try:
        output.clear()
        answer = _frame(run(list(paths)))
        output.hand_over(folder)
    except Exception as error:
        return {"error": tell(error)}, ()
    return answer


def _frame(result: Any) -> Frame:
    """Raises TypeError for what is no data frame, series, array, list or tuple, or holds what cannot be sent."""
    if isinstance(result, (list, tuple)):
        kind, part = packed(result)
        return {"items": kind}, (part,)
    pandas, numpy = sys.modules.get("pandas"), sys.modules.get("numpy")
    if pandas is not None and isinstance(result, (pandas.DataFrame, pandas.Series)):
        return _arrays(len(result), _columns(result))
    if numpy is not None and isinstance(result, numpy.ndarray) and result.ndim:
        flat = result.ndim == 2 and result.shape[1] == 1
        return _arrays(len(result), {_UNNAMED: result.reshape(-1) if flat else result})
    raise TypeError(
        f"run() returned {type(result).__name__}: return a pandas DataFrame or a list, an entry for each success"
    )


def _columns(result: Any) -> dict[str, Any]:
    """By name, the index left out. Raises ValueError for two of one name."""
    from .predictions import as_array

    if result.ndim == 1:
        return {result.name if isinstance(result.name, str) else _UNNAMED: as_array(result)}
    columns: dict[str, Any] = {}
    for place, name in enumerate(map(str, result.columns)):
        if name in columns:
            raise ValueError(f"run() returned a data frame with two columns named {name}")
        columns[name] = as_array(result.iloc[:, place])
    return columns


def _arrays(rows: int, columns: dict[str, Any]) -> Frame:
    from .arrays import pack

    specs, parts = pack(columns)
    return {"rows": rows, "arrays": specs}, parts

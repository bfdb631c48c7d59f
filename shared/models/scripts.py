"""score.py in batch jobs: mini-batches of files as Azure ML's `run(mini_batch)` takes them, and rows as online.

A script has no signature: its columns are named by what it returns.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from shared.errors import ModelNotReady, SchemaMismatch, ScoringFailed
from shared.models.flavor import Abort, FilesAnswer, RawCall, RawReply
from shared.models.flavors.wording import one_line
from shared.models.json_values import listed, special
from shared.models.loaded import LoadedScript
from shared.models.returned import PREDICTION, array_of, columns_of
from shared.models.scoring import Predictions
from shared.models.served import ServedModel
from shared.models.signature import Array, Inputs, count_rows

_JSON: Final = {"content-type": "application/json"}
# What scripts call the list of their entries, where they say more beside it.
_KNOWN: Final = ("predictions", "prediction", "results", "result", "outputs", "output")
_EXPECTED: Final = "return a list with an entry a row, or an object that holds one"


def run_files(served: ServedModel, paths: Sequence[Path], abort: Abort | None = None) -> FilesAnswer:
    """Blocks. The caller removes the answer's folder.

    Raises ScoringFailed when the script raises or returns what is no table or list, ScoringTimeout, ModelNotReady.
    """
    return _script(served).run_files(paths, abort)


def run_rows(served: ServedModel, inputs: Inputs, abort: Abort | None = None) -> Predictions:
    """Sends the rows as one request of Azure ML's form, with `params` where there are any. Blocks.

    The answer: a list with an entry a row, objects of which make columns; or an object that holds such a list, as its
    `predictions` or `result` or its only list; several others are columns by their keys. It may come as JSON within a
    text, as json.dumps in a script makes it.

    Raises SchemaMismatch for values that JSON cannot hold, ScoringFailed for any other answer, ScoringTimeout,
    ModelNotReady.
    """
    rows = count_rows(inputs.features)
    if not rows:
        return Predictions(0, {})
    reply = _script(served).run(RawCall("POST", "", _JSON, _request(inputs, rows)), abort)
    return Predictions(rows, _outputs(reply, rows))


def _script(served: ServedModel) -> LoadedScript:
    loaded = served.loaded("")
    if not isinstance(loaded, LoadedScript):
        raise ModelNotReady("this deployment serves a model, and no score.py")
    return loaded


def _request(inputs: Inputs, rows: int) -> bytes:
    columns = [listed(array) for array in inputs.features.values()]
    table = {"columns": list(inputs.features), "index": list(range(rows)), "data": list(zip(*columns, strict=True))}
    document = {"input_data": table, "params": inputs.params} if inputs.params else {"input_data": table}
    try:
        return orjson.dumps(document, special, orjson.OPT_NON_STR_KEYS)
    except TypeError as error:
        raise SchemaMismatch(f"the rows cannot be written as JSON: {error}") from None


def _outputs(reply: RawReply, rows: int) -> dict[str, Array]:
    if not 200 <= reply.status < 300:
        raise ScoringFailed(f"the score.py answered with status {reply.status}: {_message(reply.body)}")
    try:
        answer = _parsed(reply.body)
    except ValueError:
        raise ScoringFailed(f"the score.py answered what is no JSON: {_EXPECTED}") from None
    if isinstance(answer, list):
        return _columns({PREDICTION: answer}, rows)
    if not isinstance(answer, dict):
        raise ScoringFailed(f"the score.py answered a single value to {rows} rows: {_EXPECTED}")
    lists = {name: value for name, value in answer.items() if isinstance(value, list)}
    known = next((name for name in _KNOWN if name in lists), None)
    return _columns(lists if known is None else {known: lists[known]}, rows)


def _columns(lists: Mapping[str, list[Any]], rows: int) -> dict[str, Array]:
    """One list is that of the entries, whatever it is called; several are a column each."""
    wrong = [len(each) for each in lists.values() if len(each) != rows]
    if wrong or not lists:
        found = f"{wrong[0]} entries" if wrong else "no list"
        raise ScoringFailed(f"the score.py answered {found} to {rows} rows: {_EXPECTED}")
    if len(lists) == 1:
        return columns_of(next(iter(lists.values())))
    return {name: array_of(entries) for name, entries in lists.items()}


def _parsed(body: bytes) -> Any:
    """Raises ValueError."""
    answer = orjson.loads(body)
    return orjson.loads(answer) if isinstance(answer, str) else answer


def _message(body: bytes) -> str:
    """Its own words, be they in Azure ML's form or not."""
    try:
        told = orjson.loads(body)
    except ValueError:
        told = body.decode(errors="replace")
    if isinstance(told, dict):
        told = told.get("message") or told.get("error") or told
    return one_line(str(told)) or "its log tells more"

"""MLflow's scoring server: four forms of JSON, CSV and Parquet in, `{"predictions": ...}` out.

Source: mlflow.pyfunc.scoring_server, whose messages and error codes are kept where clients may look at them; its
`stack_trace`, which shows the model's source, is not.
"""

from typing import Any, Final, Literal, NamedTuple, cast

import orjson

from shared.errors import MalformedRequest, SchemaMismatch, SlipwayError, UnsupportedMediaType
from shared.models.features import Converter
from shared.models.json_body import check_row_count, check_rows, read_json
from shared.models.scoring import Predictions
from shared.models.signature import Features, Inputs, count_rows
from shared.online.exchange import Answered, Message, Rendered
from shared.online.protocols.json_reply import dumps, records, writable

NAME: Final = "mlflow"
TAKES_SCRIPTS: Final = False

type Form = Literal["dataframe_split", "dataframe_records", "instances", "inputs", "csv", "parquet"]

_JSON_FORMS: Final = ("dataframe_split", "dataframe_records", "instances", "inputs")
_BY_CONTENT_TYPE: Final = {"application/json": "", "text/csv": "csv", "application/vnd.apache.parquet": "parquet"}
_ONE_FORM: Final = (
    f"The input must be a JSON dictionary with exactly one of the input fields {{{', '.join(_JSON_FORMS)}}}"
)
# What an output is called that neither the model nor its signature has named: it came as an array.
_UNNAMED: Final = frozenset({"", "predictions"})
# By HTTP status: the codes that MLflow has, some of which its scoring server never comes to use.
_CODES: Final = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    408: "DEADLINE_EXCEEDED",
    429: "REQUEST_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
}


class _NoParams(MalformedRequest):
    """Params that are no dictionary, which MLflow tells with a code of its own."""


class Request(NamedTuple):
    """`data`: the JSON value of the form, or the bytes of a CSV or a Parquet file.

    `model`: never told in the body, where MLflow takes any other member for none of its business.
    """

    form: Form
    data: Any
    params: dict[str, Any] | None = None
    model: str | None = None


def read(message: Message) -> Request:
    form = _form_of(message.content_type)
    return Request(form, message.body) if form else _read_json(message.body)


def _form_of(content_type: str | None) -> Form | Literal[""]:
    """Without a content type the body is taken as JSON. Raises UnsupportedMediaType."""
    if content_type is None:
        return ""
    kind, *given = [part.strip() for part in content_type.split(";")]
    form = _BY_CONTENT_TYPE.get(kind.lower())
    if form is None:
        types = ", ".join(_BY_CONTENT_TYPE)
        raise UnsupportedMediaType(f"This predictor only supports the following content types: {types}.")
    parameters = {name.strip().lower(): value for name, _, value in (part.partition("=") for part in given if part)}
    if parameters.pop("charset", "utf-8").strip(' "').lower() != "utf-8":
        raise UnsupportedMediaType("The scoring server only supports UTF-8")
    if parameters:
        raise UnsupportedMediaType(
            f"Unrecognized content type parameters: {', '.join(parameters)[:200]}. The only one is charset=utf-8."
        )
    return cast(Form, form)


def _read_json(body: bytes) -> Request:
    try:
        document = read_json(body, takes_nan=True)  # as MLflow's own client writes what pandas says is missing
    except MalformedRequest as error:
        raise _invalid(f"Ensure that input is a valid JSON formatted string. Error: {error.message}") from None
    if type(document) is not dict:
        found = "a list" if type(document) is list else "neither a dictionary nor a list"
        raise _invalid(f"{_ONE_FORM}. Received {found}.")
    given = [form for form in _JSON_FORMS if form in document]
    if len(given) != 1:
        fields = ", ".join(map(repr, document))[:200]
        raise MalformedRequest(f"{_ONE_FORM}. Received dictionary with input fields: [{fields}]")
    params = document.get("params")
    if not isinstance(params, dict | None):
        raise _NoParams(f"Invalid input. Parameters must be a dictionary. Got {_named(params)}.")
    return Request(cast(Form, given[0]), document[given[0]], params)


def convert(request: Request, converter: Converter) -> Inputs:
    return Inputs(_features(request, converter), converter.params(request.params))


def _features(request: Request, converter: Converter) -> Features:
    data = request.data
    match request.form:
        case "dataframe_split":
            return _split(data, converter)
        case "dataframe_records":
            if type(data) is not list:
                raise _invalid(f"Dataframe records format must be a list of records. Got {_named(data)}.")
            return _records(data, converter)
        case "csv" | "parquet":
            return _file(request, converter)
    if type(data) is list and data and type(data[0]) is dict:
        return _records(data, converter)
    if type(data) not in (list, dict):
        raise _invalid(f"{request.form} must be a list or a dictionary. Got {_named(data)}.")
    check_rows(*(data.values() if type(data) is dict else [data]))
    return converter.tensors(data)


def _file(request: Request, converter: Converter) -> Features:
    # Few requests need it, and importing pyarrow takes longer than the rest of a cold start's reading.
    from shared.models.bodies import strict_from_csv, strict_from_parquet

    strict = strict_from_csv if request.form == "csv" else strict_from_parquet
    features = strict(request.data, converter)
    check_row_count(count_rows(features))
    return features


def _split(data: Any, converter: Converter) -> Features:
    if type(data) is not dict:
        raise _invalid(f"Dataframe split format must be a dictionary. Got {_named(data)}.")
    if "data" not in data or data.keys() - {"columns", "data", "index"}:
        fields = ", ".join(map(repr, data))[:200]
        raise _invalid(
            "Dataframe split format must have 'data' field and optionally 'columns' and 'index' fields. "
            f"Got {{{fields}}}."
        )
    names, rows, index = data.get("columns"), data["data"], data.get("index")
    if type(rows) is not list or not {*map(type, rows)} <= {list}:
        raise _no_frame("split", "the data must be a list of rows, and each row a list of values")
    check_rows(rows)
    widths = {*map(len, rows)}
    if names is not None:
        # pandas numbers the columns that have no name.
        if type(names) is not list or not {*map(type, names)} <= {str, int}:
            raise _no_frame("split", "the columns must be a list of names")
        names = [str(name) for name in names]
        widths.add(len(names))
    if len(widths) > 1:
        raise _no_frame("split", f"the rows differ in length, or from the columns: {sorted(widths)} values")
    if index is not None and (type(index) is not list or len(index) != len(rows)):
        raise _no_frame("split", "the index must have one entry for each row")
    return converter.table(names, rows)


def _records(data: list[Any], converter: Converter) -> Features:
    if not {*map(type, data)} <= {dict}:
        raise _no_frame("records", "each record must be a dictionary")
    check_rows(data)
    return converter.records(data)


def _invalid(message: str) -> MalformedRequest:
    return MalformedRequest(f"Invalid input. {message}")


def _no_frame(orient: str, reason: str) -> MalformedRequest:
    return _invalid(
        f"Provided dataframe_{orient} field is not a valid dataframe representation in '{orient}' format. "
        f"Error: {reason}"
    )


def _named(value: object) -> str:
    return "dictionary" if type(value) is dict else "list" if type(value) is list else f"type {type(value).__name__}"


def render(predictions: Predictions, request: Request, answered: Answered) -> Rendered:
    """An array comes back as a list with an entry a row, a table as records, and named tensors each as a list."""
    outputs = predictions.outputs
    told: Any
    if len(outputs) == 1 and outputs.keys() <= _UNNAMED:
        told = writable(next(iter(outputs.values())))
    elif answered.takes_tensors:
        told = {name: writable(array) for name, array in outputs.items()}
    else:
        told = records(predictions)
    return Rendered(dumps({"predictions": told}), "application/json")


def render_error(error: SlipwayError, status: int) -> bytes:
    invalid = isinstance(error, _NoParams) or (isinstance(error, SchemaMismatch) and bool(error.missing))
    code = "INVALID_PARAMETER_VALUE" if invalid else _CODES.get(status, "BAD_REQUEST")
    return orjson.dumps({"error_code": code, "message": error.message})

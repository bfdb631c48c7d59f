"""The decision questions, and what somebody answers. Each field is a question: what it asks and why stands beside it.

Answers come all at once (`read_answers`) or one by one (`check_answer`, in the order of `questions()`).
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args

from pydantic import BeforeValidator, Field, ValidationError
from pydantic.fields import FieldInfo

from shared.documents import Document
from shared.endpoints.batch_settings import Schedule
from shared.endpoints.deployment import Name
from shared.errors import MalformedRequest

type Use = Literal["now", "stored", "both"]
type Start = Literal["drop", "schedule", "rest"]
type Operations = Literal["none", "part_time", "team"]
type Kind = Literal["text", "number", "choice", "yes_no", "duration"]

_UNITS_S: Final = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_DURATION: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|min|h|d)\s*")


class Ask(NamedTuple):
    """How a field is asked. `of`: only where predictions are used so; both: always."""

    text: str
    why: str
    unit: str = ""
    of: Use = "both"


class Question(NamedTuple):
    """`choices`: of kind choice; `default`: what counts where nobody answers."""

    key: str
    text: str
    kind: Kind
    choices: tuple[str, ...]
    unit: str
    default: object
    why: str
    of: Use


def _seconds(written: object) -> object:
    found = _DURATION.fullmatch(written) if isinstance(written, str) else None
    if found:
        return float(found[1]) * _UNITS_S[found[2]]
    if isinstance(written, str) and not re.fullmatch(r"\s*[\d.]+\s*", written):
        raise ValueError("write a duration as 300 ms, 2 s, 15 min, 6 h or 1 d")
    return written


def _cron(written: str) -> str:
    try:
        return Schedule(name="asked", cron=written, input="inbox/").cron
    except ValidationError as error:
        raise ValueError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None


type Seconds = Annotated[float, Field(gt=0, le=31 * 86_400, allow_inf_nan=False), BeforeValidator(_seconds)]
type Amount = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
type Megabytes = Annotated[float, Field(gt=0, le=1e7, allow_inf_nan=False)]


class Answers(Document):
    """What is asked for: load, deadlines, model, compute, operations. Times in s, memory in MB, load by the day."""

    name: Annotated[Name, Ask("What is the endpoint called?", "it is the endpoint's address and name")] = "my-model"
    use: Annotated[
        Use,
        Ask(
            "Are predictions used at once by who asks (now), kept for later (stored), or both?",
            "who waits needs an endpoint that answers; what is kept can be made in bulk, at the lowest cost",
        ),
    ] = "now"
    requests_per_day: Annotated[
        Amount,
        Ask("How many requests come on a day?", "serverless is paid by use, always-on by the hour", "requests", "now"),
    ] = 1000
    peak_requests_per_s: Annotated[
        Amount,
        Ask("How many come in the busiest second?", "an always-on endpoint is sized for its peak", "requests/s", "now"),
    ] = 1
    rows_per_request: Annotated[
        Annotated[int, Field(ge=1, le=1_000_000_000)],
        Ask("How many rows has a request?", "many rows in one call are a job rather than a request", "rows", "now"),
    ] = 1
    answer_within_s: Annotated[
        Seconds,
        Ask("How soon must a caller have the answer?", "a cold start may take longer than that", "s", "now"),
    ] = 1.0
    jobs_per_day: Annotated[
        Amount,
        Ask(
            "How many jobs, or files, come on a day?",
            "a cluster is started and paid for each of them",
            "jobs",
            "stored",
        ),
    ] = 0
    rows_per_job: Annotated[
        Annotated[int, Field(ge=0, le=1_000_000_000_000)],
        Ask("How many rows has a job?", "rows and their CPU time are what a job costs", "rows", "stored"),
    ] = 0
    job_within_s: Annotated[
        Seconds,
        Ask("How soon after its start must a job be done?", "it says how much must run side by side", "s", "stored"),
    ] = 4 * 3600.0
    start: Annotated[
        Start,
        Ask(
            "What starts a job: a dropped file, a schedule, or a REST call?",
            "it becomes the endpoint's file",
            "",
            "stored",
        ),
    ] = "schedule"
    cron: Annotated[
        Annotated[str, Field(max_length=200), BeforeValidator(lambda written: _cron(str(written)))],
        Ask("At what times, if it is a schedule?", "six fields: {sec} {min} {hour} {day} {month} {dow}", "", "stored"),
    ] = "0 0 2 * * *"
    model_mb: Annotated[
        Megabytes, Ask("How large is the model's file?", "a cold start loads it, and it must fit an instance", "MB")
    ] = 50
    memory_mb: Annotated[
        Annotated[float, Field(ge=0, le=1e7, allow_inf_nan=False)],
        Ask(
            "How much memory does it take when loaded? 0: not known, twice its file",
            "instances have 4096 MB at most",
            "MB",
        ),
    ] = 0
    cpu_s_per_1000_rows: Annotated[
        Amount,
        Ask(
            "How long do 1000 rows compute, on one core or, if it needs one, on the GPU?",
            "it is what all compute costs are calculated from",
            "s",
        ),
    ] = 0.5
    gpu: Annotated[bool, Ask("Does the model need a GPU?", "Azure Functions has none")] = False
    always_warm: Annotated[
        bool,
        Ask("Must no caller ever meet a cold start?", "always-ready instances cost money day and night", "", "now"),
    ] = False
    private_network: Annotated[
        bool, Ask("Must nothing be reachable from the internet?", "private endpoints are paid by the hour")
    ] = False
    operations: Annotated[
        Operations,
        Ask(
            "Who can look after a Function app: nobody (none), somebody now and then (part_time), a team?",
            "Slipway is deployed and updated by you; Azure ML's endpoints are run by Microsoft",
        ),
    ] = "part_time"


def questions(use: Use = "both") -> tuple[Question, ...]:
    """Those that matter where predictions are used so, in the order in which they are best asked."""
    every = (_question(key, field) for key, field in Answers.model_fields.items())
    return tuple(question for question in every if use == "both" or question.of in ("both", use))


def _question(key: str, field: FieldInfo) -> Question:
    ask = next(item for item in field.metadata if isinstance(item, Ask))
    alias = getattr(field.annotation, "__value__", field.annotation)
    choices = tuple(str(choice) for choice in get_args(alias)) if alias is not None and _is_choice(alias) else ()
    return Question(key, ask.text, _kind(key, field, choices), choices, ask.unit, field.default, ask.why, ask.of)


def _is_choice(annotation: Any) -> bool:
    return getattr(annotation, "__origin__", None) is Literal


def _kind(key: str, field: FieldInfo, choices: tuple[str, ...]) -> Kind:
    if choices:
        return "choice"
    if isinstance(field.default, bool):
        return "yes_no"
    if key.endswith("_within_s"):
        return "duration"
    return "text" if isinstance(field.default, str) else "number"


def check_answer(key: str, written: object) -> object:
    """One answer, as `Answers` keeps it. Raises MalformedRequest."""
    try:
        return getattr(Answers.model_validate({key: written}), key)
    except ValidationError as error:
        raise MalformedRequest("; ".join(_problem(detail)[1] for detail in error.errors())) from None


def read_answers(written: Mapping[str, Any]) -> Answers:
    """What is missing has its default. Raises MalformedRequest with every problem at once."""
    if not isinstance(written, Mapping):
        raise MalformedRequest("answers are given by the keys of their questions, such as requests_per_day: 5000")
    named = {str(key): value for key, value in written.items()}
    problems: dict[str, str] = {}
    try:
        answers = Answers.model_validate(named)
    except ValidationError as error:
        problems = dict(_problem(detail) for detail in error.errors())
        # What can be read is still looked at for contradictions, so that nobody mends one problem to meet the next.
        answers = Answers.model_validate({key: value for key, value in named.items() if key not in problems})
    told = [*problems.values(), *(text for key, text in _contradictions(answers) if key not in problems)]
    if told:
        raise MalformedRequest(f"the answers cannot be used: {'; '.join(told)}")
    return answers


def _problem(detail: Any) -> tuple[str, str]:
    key = str(detail["loc"][0]) if detail["loc"] else ""
    if detail["type"] == "extra_forbidden":
        return key, f"{key}: there is no such question"
    return key, f"{key}: {str(detail['msg']).removeprefix('Value error, ')}"


def _contradictions(answers: Answers) -> list[tuple[str, str]]:
    found = []
    if answers.use != "stored" and answers.requests_per_day == 0:
        found.append(("requests_per_day", "requests_per_day: predictions are used now, so some request must come"))
    if answers.use != "now" and answers.jobs_per_day == 0:
        found.append(("jobs_per_day", "jobs_per_day: predictions are stored, so some job must make them"))
    if answers.use != "now" and answers.rows_per_job == 0:
        found.append(("rows_per_job", "rows_per_job: predictions are stored, so a job must have rows"))
    if answers.use != "stored" and answers.requests_per_day / 86_400 > answers.peak_requests_per_s:
        found.append(("peak_requests_per_s", "peak_requests_per_s: the busiest second is below the day's average"))
    return found

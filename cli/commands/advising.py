"""Which way to deploy: the decision questions, and what follows from the answers."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import written
from cli.advice.advise import advise as advised
from cli.advice.answers import Answers, Question, check_answer, questions, read_answers
from cli.advice.records import NAMES, Advice, Estimate
from cli.errors import CommandError
from cli.options import AsJson, pairs
from cli.output import ERRORS, Output
from cli.written import NotYaml
from shared.errors import MalformedRequest


def advise(
    answers: Annotated[
        str | None, typer.Argument(help="A file of answers, YAML or JSON; - for standard input.")
    ] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="One answer, as requests_per_day=5000; may be repeated.")
    ] = None,
    write: Annotated[Path | None, typer.Option(help="Write the endpoint file that fits here.")] = None,
    list_questions: Annotated[bool, typer.Option("--questions", help="List the questions, and answer none.")] = False,
    as_json: AsJson = False,
) -> None:
    """Asks how predictions are used, and says which way to deploy, with costs and cold starts of both platforms."""
    output = Output(as_json)
    if list_questions:
        _list(output)
        return
    if answers is None and not setting:
        given = _ask()
    else:
        given = read_answers({**(_read(answers) if answers else {}), **pairs(setting or [], "requests_per_day=5000")})
    advice = advised(given)
    if write is not None:
        if write.exists():
            raise CommandError("InvalidTransition", f"{write} is there already: name another file")
        write.write_text(advice.endpoint_file, encoding="utf-8")
    output.document(advice.model_dump(mode="json"), *_lines(advice, write))


def _list(output: Output) -> None:
    every = questions()
    rows = [(each.key, each.text, ", ".join(each.choices) or each.unit or each.kind, each.default) for each in every]
    output.table([each._asdict() for each in every], ("answer", "question", "in", "without"), rows, "")


def _ask() -> Answers:
    """One after the other at the terminal; an empty answer takes what stands in brackets."""
    if not sys.stdin.isatty():
        raise CommandError(
            "MalformedRequest", "there is nobody to ask: give a file of answers, or --set; see --questions"
        )
    found: dict[str, Any] = {"use": _answer(next(each for each in questions() if each.key == "use"))}
    for question in questions(found["use"]):
        if question.key not in found:
            found[question.key] = _answer(question)
    return read_answers(found)


def _answer(question: Question) -> Any:
    ERRORS.print(f"[bold]{question.text}[/bold] [dim]{question.why}[/dim]")
    told = "/".join(question.choices) or ("yes/no" if question.kind == "yes_no" else question.unit)
    while True:
        typed = typer.prompt(f"  {told}".rstrip(), default=str(question.default), err=True)
        try:
            return check_answer(question.key, typed)
        except MalformedRequest as error:
            ERRORS.print(f"  {error.message}", markup=False)


def _read(file: str) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        given = written.load(text).value
    except OSError as error:
        raise CommandError("MalformedRequest", f"{file} cannot be read: {error.strerror}") from None
    except (NotYaml, UnicodeDecodeError):
        raise CommandError("MalformedRequest", f"{file} is neither YAML nor JSON") from None
    if not isinstance(given, dict):
        raise CommandError("MalformedRequest", f"{file} holds no answers: write them as requests_per_day: 5000")
    return given


def _lines(advice: Advice, file: Path | None) -> list[str]:
    lines = [f"{advice.choice}, on {advice.platform_name}"]
    lines += [f"  + {each}" for each in advice.reasons]
    lines += [f"  - {each}" for each in advice.against]
    for estimate in advice.costs:
        lines += ["", f"{NAMES[estimate.platform]}: {_cost(estimate)}"]
        lines += [f"  {each.monthly_usd:10,.2f}  {each.item}: {each.arithmetic}" for each in estimate.lines]
        lines += [f"  cold start: {each.told}" for each in advice.cold_starts if each.platform == estimate.platform]
    if advice.warnings:
        lines += ["", *(f"note: {each}" for each in advice.warnings)]
    return [*lines, "", f"wrote {file}" if file else advice.endpoint_file]


def _cost(estimate: Estimate) -> str:
    if estimate.monthly_usd is None:
        return "it cannot run there"
    return f"{estimate.monthly_usd:,.2f} USD a month, {estimate.instances} x {estimate.machine}"

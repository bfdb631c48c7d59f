"""Asks Azure ML's own library whether it would take a file, and says its answer in one line."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from cli.importing.source import Kind, Source
from cli.sources.quiet import quiet
from shared.errors import MalformedRequest

_SHOWN: Final = 3
_NO_FILE: Final = re.compile(r"(?:no such file or directory|file not found|Can't find .*? path):?\s*'?([^'\n]*)", re.I)
# What a choice of several forms says of those that were not meant.
_OTHER_FORMS: Final = ("In order to specify an existing", "Invalid input type", "cannot be a string")
_WRITE_AS: Final = "write it as azureml:{name}:{version}, or as a mapping"


def check(source: Source) -> None:
    """Raises MalformedRequest where Azure ML itself would refuse the file. Needs the local files that it names."""
    with quiet():
        try:
            _loader(source)(source.file)
        # Where a value has a shape that its schemas do not think of, they raise whatever Python does.
        except Exception as error:
            raise MalformedRequest(f"{source.file}: {_told(error)}") from None


def _loader(source: Source) -> Callable[[str], object]:
    # It takes seconds to import, which only those who import should wait for.
    from azure.ai.ml import load_batch_deployment, load_batch_endpoint, load_online_deployment, load_online_endpoint
    from azure.ai.ml.entities._load_functions import load_model_batch_deployment

    if source.kind is Kind.BATCH_DEPLOYMENT and "settings" in source.fields:
        return load_model_batch_deployment
    return {
        Kind.ONLINE_ENDPOINT: load_online_endpoint,
        Kind.ONLINE_DEPLOYMENT: load_online_deployment,
        Kind.BATCH_ENDPOINT: load_batch_endpoint,
        Kind.BATCH_DEPLOYMENT: load_batch_deployment,
    }[source.kind]


def _told(error: Exception) -> str:
    # Around its schema's errors, by field, the library puts a text of many lines.
    messages = getattr(error.__cause__, "messages", None) or getattr(error, "messages", None)
    problems = sorted(set(_problems(messages))) if isinstance(messages, Mapping) else []
    if isinstance(error, TypeError | AttributeError | KeyError | ValueError) and not problems:
        return f"Azure ML's own library fails at it ({_plain(str(error))}): see in its reference which fields there are"
    if not problems:
        return f"Azure ML does not take it: {_plain(str(error)) or type(error).__name__}"
    more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
    return f"Azure ML does not take it: {'; '.join(problems[:_SHOWN])}{more}"


def _problems(messages: Any, field: str = "") -> Iterator[str]:
    if isinstance(messages, Mapping):
        for name, below in messages.items():
            yield from _problems(below, field if name == "_schema" else f"{field}.{name}".lstrip("."))
    elif isinstance(messages, list) and any(not isinstance(each, str) for each in messages):
        yield from _of_forms([list(_problems(each, field)) for each in messages], field)
    else:
        for each in messages if isinstance(messages, list) else [messages]:
            yield f"{field}: {_plain(str(each))}".removeprefix(": ")


def _of_forms(forms: list[list[str]], field: str) -> Iterator[str]:
    """A field may have several forms, and the library tells of each why it is not that one."""
    lacking = [problem for form in forms for problem in form if problem.endswith("is not there")]
    meant = [form for form in forms if form and not any(other in form[0] for other in _OTHER_FORMS)]
    if lacking:
        yield lacking[0]
    elif meant:
        yield from meant[-1]
    else:
        yield f"{field}: {_WRITE_AS}"


def _plain(message: str) -> str:
    if missing := _NO_FILE.search(message):
        return f"{missing[1].strip()} is not there"
    return " ".join(message.split())[:300].rstrip(".")

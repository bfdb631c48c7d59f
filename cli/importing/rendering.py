"""Writes an endpoint file, with what a human has to do as comments where it is to be done. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap
from typing import Any, Final

import yaml

from cli.endpoint_file import WrittenModel
from cli.importing.deployments import ReadDeployment
from cli.importing.lines import one_line
from shared.endpoints.spec import Draft

_WIDTH: Final = 110


def render(draft: Draft, deployments: Sequence[ReadDeployment], comments: Mapping[str, Sequence[str]]) -> str:
    """`comments`: by the fields of the endpoint file above which they stand."""
    written = draft.model_dump(mode="json", exclude_unset=True)
    lines: list[str] = []
    for field in Draft.model_fields:
        lines += _comments(comments.get(field, ()))
        if field == "deployments":
            lines += ["deployments:", *_deployments(written[field], deployments)]
        elif field in written:
            lines += _lines({field: written[field]})
    return "\n".join(lines) + "\n"


def _deployments(written: Mapping[str, Any], deployments: Iterable[ReadDeployment]) -> Iterable[str]:
    for each in deployments:
        yield from _comments(each.comments, "  ")
        # The first line is the one that all deployments share.
        yield from _lines({"deployments": {each.name: written[each.name] | _model(each.model)}})[1:]


def _model(model: WrittenModel) -> dict[str, Any]:
    code = {"code_configuration": model.code.model_dump()} if model.code else {}
    return {"model": model.uri, **code}


def _lines(value: Mapping[str, Any]) -> list[str]:
    # None: what holds nothing but scalars takes one line; a scalar alone would get braces around it.
    style = None if any(isinstance(each, dict | list) for each in value.values()) else False
    # Unicode's own line breaks come back as others unless they are escaped.
    plain = not any(each in str(value) for each in ("\\x85", "\\u2028", "\\u2029"))
    text: str = yaml.safe_dump(value, sort_keys=False, default_flow_style=style, width=_WIDTH, allow_unicode=plain)
    return text.removesuffix("\n").split("\n")


def _comments(texts: Iterable[str], indent: str = "") -> list[str]:
    """A comment ends with its line, so nothing in it may be one: paths and names come from foreign files."""
    lines = (wrap(one_line(text), _WIDTH, break_long_words=False, break_on_hyphens=False) for text in texts)
    return [f"{indent}# {line}" for wrapped in lines for line in wrapped]

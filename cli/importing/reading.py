"""Reads one of Azure ML's YAML files as it is written, before Azure ML's own library has its say."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any, Final

import yaml

from cli.importing.kinds import kind_of
from cli.importing.source import Source
from shared.errors import MalformedRequest

# Of `<<`, which may come more than once.
_MERGE: Final = "tag:yaml.org,2002:merge"


class _EachOnce(yaml.SafeLoader):
    """Refuses a field that is written twice, of which YAML's own loader would drop the first without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[tuple[str, str]] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE):
            if (key.tag, key.value) in seen:
                problem = f"'{key.value}' is written twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add((key.tag, key.value))
        return super().construct_mapping(node, deep)


def read_source(path: Path) -> Source:
    """Raises MalformedRequest, saying what is wrong in which file."""
    file = str(path)
    try:
        fields = yaml.load(path.read_text(encoding="utf-8"), _EachOnce)  # noqa: S506 - it is a SafeLoader
        if not isinstance(fields, dict):
            raise MalformedRequest(f"{file}: is not a file of Azure ML's: it holds no fields")
        return Source(file, kind_of(file, fields), fields)
    except OSError as error:
        raise MalformedRequest(f"{file}: cannot be read ({error.strerror}): name a YAML file of Azure ML's") from None
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise MalformedRequest(f"{file}: is no YAML that can be read: {line}{error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise MalformedRequest(f"{file}: is no YAML that can be read: {reason[:200]}") from None

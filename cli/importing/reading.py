"""Reads one of Azure ML's YAML files as it is written, before Azure ML's own library has its say."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any, Final

import yaml

from cli import written
from cli.importing.kinds import kind_of
from cli.importing.source import Source
from cli.written import NotYaml
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
        fields = written.load(path.read_text(encoding="utf-8"), _EachOnce).value
        if not isinstance(fields, dict):
            raise MalformedRequest(f"{file}: is not a file of Azure ML's: it holds no fields")
        return Source(file, kind_of(file, fields), fields)
    except OSError as error:
        raise MalformedRequest(f"{file}: cannot be read ({error.strerror}): name a YAML file of Azure ML's") from None
    except UnicodeDecodeError:
        raise MalformedRequest(f"{file}: is no YAML that can be read: it is not text in UTF-8") from None
    except NotYaml as error:
        raise MalformedRequest(f"{file}: is no YAML that can be read: {error}") from None

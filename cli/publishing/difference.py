"""What a publish would change, field by field."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

# Of a revision, and nobody's to write.
OWN: Final = {"schema_version", "number", "created_at", "created_by"}


class Change(NamedTuple):
    """`before`, `after`: None where the field is not there."""

    field: str
    before: Any
    after: Any

    def __str__(self) -> str:
        if self.before is None:
            return f"+ {self.field}: {self.after}"
        if self.after is None:
            return f"- {self.field}: {self.before}"
        return f"~ {self.field}: {self.before} → {self.after}"


def changes(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[Change]:
    """From a revision, None for an endpoint that is new, to a draft. Traffic of an endpoint that is there stays."""
    ignored = OWN if before is None else {*OWN, "traffic"}
    old = dict(_leaves({key: value for key, value in (before or {}).items() if key not in ignored}))
    new = dict(_leaves({key: value for key, value in after.items() if key not in ignored}))
    fields = [*new, *(field for field in old if field not in new)]
    return [Change(each, old.get(each), new.get(each)) for each in fields if old.get(each) != new.get(each)]


def _leaves(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in document.items():
        field = f"{prefix}{key}"
        match value:
            case {"name": name, "version": version, "digest": str(digest)}:
                yield field, f"{name}/{version} ({digest[7:19]})"
            case {"rows": int(rows), "features": Mapping() as features}:
                yield field, f"{rows:,} rows of {len(features):,} columns ({_mark(features)})"
            case Mapping() if value:
                yield from _leaves(value, f"{field}.")
            case _ if value not in (None, {}, [], ()):
                yield field, value


def _mark(features: Mapping[str, Any]) -> str:
    """Of a profile, which nobody wants to read."""
    return hashlib.sha256(json.dumps(features, sort_keys=True).encode()).hexdigest()[:12]

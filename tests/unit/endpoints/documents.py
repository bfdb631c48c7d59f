"""Endpoint documents with the deployments and the traffic that a test needs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from shared.endpoints.spec import Draft, Endpoint, Head, Revision

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
DIGEST = "sha256:" + "a" * 64
NIGHTLY = {"name": "nightly", "cron": "0 0 2 * * *", "input": "inbox/flowers/nightly/"}


def deployments(*names: str) -> dict[str, Any]:
    return {name: {"model": {"name": "iris", "version": "1", "digest": DIGEST}} for name in names}


def fields(*names: str, **changes: Any) -> dict[str, Any]:
    return {"name": "flowers", "deployments": deployments(*names or ("blue",)), **changes}


def refusal(document: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        Draft.model_validate(document)
    return "; ".join(str(problem["msg"]) for problem in caught.value.errors())


def draft(*names: str, **changes: Any) -> Draft:
    return Draft.model_validate(fields(*names, **changes))


def revision(*names: str, number: int = 1, **changes: Any) -> Revision:
    document = {**fields(*names, **changes), "number": number, "created_at": NOW, "created_by": "ann"}
    return Revision.model_validate(document)


def endpoint(traffic: dict[str, int], *names: str, **changes: Any) -> Endpoint:
    head = Head(revision=1, traffic=traffic, updated_at=NOW, updated_by="ann")
    return Endpoint(head=head, revision=revision(*names or tuple(traffic), **changes))

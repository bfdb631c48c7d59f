"""The endpoint's two documents and their invariants.

A revision is immutable: deployments, batch settings, schedules. The head is small and changes by ETag: which revision
is current and how traffic is split. Publishing a revision never resets traffic. Field names are Azure ML's.
"""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from shared.documents import Document
from shared.endpoints.batch_settings import BatchSettings
from shared.endpoints.callers import AuthMode, Cors, KeyType, Quota, StoredKey
from shared.endpoints.deployment import Deployment, Name
from shared.endpoints.locations import check_below, check_prefixes
from shared.errors import DeploymentNotFound, InvalidTransition
from shared.monitoring.settings import Monitoring

type Percent = Annotated[int, Field(ge=0, le=100)]


class Draft(Document):
    """What a publisher sends: an endpoint file with its models pinned. `traffic` counts for a new endpoint only."""

    name: Name
    auth_mode: tuple[AuthMode, ...] = Field(default=("entra",), min_length=1)
    allowed_object_ids: tuple[str, ...] = Field(default=(), description="who may call; empty: every holder of the role")
    cors: Cors | None = None
    quota: Quota = Quota()
    deployments: dict[Name, Deployment] = Field(min_length=1, max_length=20)
    traffic: dict[Name, Percent] = {}
    batch: BatchSettings = BatchSettings()
    monitoring: Monitoring | None = Field(default=None, description="None: no request is kept, and nothing is watched")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        check_traffic(self.traffic, self.deployments)
        if self.batch.deployment is not None and self.batch.deployment not in self.deployments:
            raise ValueError(f"batch.deployment names '{self.batch.deployment}', which is not a deployment")
        check_prefixes(self.batch.allowed_inputs)
        check_prefixes(self.batch.allowed_outputs, for_outputs=True)
        for schedule in self.batch.schedules:
            check_below(schedule.input, (f"inbox/{self.name}/", *self.batch.allowed_inputs), schedule.name)
        names = [schedule.name for schedule in self.batch.schedules]
        if len(set(names)) != len(names):
            raise ValueError("two schedules have the same name: what ran last is kept by name")
        return self


class Revision(Draft):
    schema_version: Literal[1] = 1
    number: int = Field(ge=1)
    created_at: datetime
    created_by: str


class Head(Document):
    schema_version: Literal[1] = 1
    revision: int = Field(ge=1)
    traffic: dict[Name, Percent]
    keys: dict[KeyType, StoredKey] = {}
    updated_at: datetime
    updated_by: str


class Endpoint(Document):
    """A head with the revision that it names: all that scoring and batch need to know.

    `etag`: the head's in storage; "" of an endpoint that was not read there. It is of no document.
    """

    head: Head
    revision: Revision
    etag: str = Field(default="", exclude=True)

    @property
    def name(self) -> str:
        return self.revision.name

    def deployment(self, name: str) -> Deployment:
        found = self.revision.deployments.get(name)
        if found is None:
            raise DeploymentNotFound(f"endpoint '{self.name}' has no deployment '{name}'")
        return found

    def batch_deployment(self) -> str:
        """The one that the file names, else the one with the most traffic. Raises DeploymentNotFound."""
        if self.revision.batch.deployment is not None:
            return self.revision.batch.deployment
        live = {name: percent for name, percent in self.head.traffic.items() if percent > 0}
        if not live:
            raise DeploymentNotFound(f"endpoint '{self.name}' has no deployment for batch: set batch.deployment")
        return max(sorted(live), key=lambda name: live[name])


def check_traffic(traffic: dict[str, int], deployments: dict[str, Deployment]) -> None:
    """Raises ValueError: Azure ML's rules, percentages of existing deployments that add up to 0 or 100."""
    unknown = sorted(set(traffic) - set(deployments))
    if unknown:
        raise ValueError(f"traffic names {', '.join(unknown)}, which is not a deployment")
    if any(not 0 <= percent <= 100 for percent in traffic.values()):
        raise ValueError("traffic is given in percent, each from 0 to 100")
    if sum(traffic.values()) not in (0, 100):
        raise ValueError(f"traffic adds up to {sum(traffic.values())}, but it must be 0 or 100")


def first_head(revision: Revision) -> Head:
    return Head(
        revision=revision.number,
        traffic=revision.traffic,
        updated_at=revision.created_at,
        updated_by=revision.created_by,
    )


def with_revision(head: Head, revision: Revision, now: datetime, by: str) -> Head:
    """The head moved to another revision, traffic as it was. Raises InvalidTransition."""
    gone = sorted(name for name, percent in head.traffic.items() if percent > 0 and name not in revision.deployments)
    if gone:
        raise InvalidTransition(
            f"{', '.join(gone)} still takes live traffic: move it away before removing the deployment"
        )
    changes = {
        "revision": revision.number,
        "traffic": {name: percent for name, percent in head.traffic.items() if name in revision.deployments},
        # Who turns keys off does not mean the same keys when they turn them on again.
        "keys": head.keys if "key" in revision.auth_mode else {},
    }
    return head.model_copy(update={**changes, "updated_at": now, "updated_by": by})


def with_traffic(endpoint: Endpoint, traffic: dict[str, int], now: datetime, by: str) -> Head:
    """Raises InvalidTransition when the split is not allowed."""
    try:
        check_traffic(traffic, endpoint.revision.deployments)
    except ValueError as error:
        raise InvalidTransition(str(error)) from None
    return endpoint.head.model_copy(update={"traffic": traffic, "updated_at": now, "updated_by": by})


def with_key(endpoint: Endpoint, kind: KeyType, key: StoredKey) -> Head:
    """The other key stays good. Raises InvalidTransition where the endpoint takes no keys."""
    if "key" not in endpoint.revision.auth_mode:
        raise InvalidTransition(
            f"endpoint '{endpoint.name}' takes no keys: publish it with auth_mode: [entra, key] first"
        )
    keys = {**endpoint.head.keys, kind: key}
    return endpoint.head.model_copy(update={"keys": keys, "updated_at": key.created_at, "updated_by": key.created_by})

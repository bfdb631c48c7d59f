"""An endpoint `flowers` with the iris model, on any store."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared.endpoints.audit import Author
from shared.endpoints.catalog import Catalog
from shared.endpoints.changes import Changes
from shared.endpoints.spec import Draft
from shared.models.mlmodel import describe
from shared.models.package import PACKAGE_FILE, ModelRef, digest_of, package_path
from shared.ports import BlobStore, Container

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def upload(store: BlobStore, folder: Path, name: str = "iris", version: str = "1") -> ModelRef:
    package = describe(folder, name, version)
    for file in package.files:
        store.write(Container.MODELS, package_path(name, version, file.path), (folder / file.path).read_bytes())
    manifest = package.to_bytes()
    store.write(Container.MODELS, package_path(name, version, PACKAGE_FILE), manifest)
    return ModelRef(name, version, digest_of(manifest))


def draft(ref: ModelRef, **changes: Any) -> Draft:
    deployment = {"model": ref._asdict()}
    document = {"name": "flowers", "deployments": {"blue": deployment}, "traffic": {"blue": 100}, **changes}
    return Draft.model_validate(document)


def publish(store: BlobStore, ref: ModelRef, **changes: Any) -> None:
    catalog = Catalog(store, 1.0, clock=lambda: 0.0)
    Changes(store, catalog).publish(draft(ref, **changes), Author("tester", NOW))

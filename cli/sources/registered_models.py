"""Very many models of an MLflow registry, found by their tags, each fetched once on this machine."""

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

from cli.sources.mlflow_store import fetch, opened
from cli.sources.uris import RegisteredModels
from shared.errors import MalformedRequest, ModelNotFound
from shared.models.segments import key_of

_AT_ONCE: Final = 8
_PAGE: Final = 1000
_FOLDER: Final = "model"
_NEW_S: Final = 3600


def download(
    wanted: RegisteredModels, columns: Sequence[str], tracking_uri: str | None, tell: Callable[[int, int], None]
) -> dict[str, Path]:
    """Their folders by key: the values of each version's tags that are named like the columns.

    What was fetched before is taken from the cache of this user, for versions never change. `tell`: how many are
    here, of how many. Raises as `mlflow_store.download`, and MalformedRequest where tags give no key or one twice.
    """
    with opened(tracking_uri) as client:
        versions = _by_key(_newest(_found(client, wanted)), columns)
        if not versions:
            raise ModelNotFound(f"the registry has no model version with {_spelled(wanted)}")
        cache = _cache(client.tracking_uri, wanted)
        folders: dict[str, Path] = {}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            coming = {key: pool.submit(_fetched, version, cache) for key, version in versions.items()}
            try:
                for key, future in coming.items():
                    folders[key] = future.result()
                    tell(len(folders), len(versions))
            finally:
                pool.shutdown(cancel_futures=True)
        _forget_others(cache, {folder.parent for folder in folders.values()})
        return folders


def _found(client: Any, wanted: RegisteredModels) -> Iterator[Any]:
    condition = " AND ".join(f"tags.`{name}` = '{value}'" for name, value in wanted.tags)
    tagged = _pages(client.search_model_versions, condition)
    if wanted.alias is None:
        return tagged
    # A version that was searched for does not tell its aliases; a model does.
    models = {each.name: each.aliases for each in _pages(client.search_registered_models, "")}
    return (each for each in tagged if str(models.get(each.name, {}).get(wanted.alias)) == str(each.version))


def _pages(search: Callable[..., Any], condition: str) -> Iterator[Any]:
    token = None
    while True:
        page = search(condition, max_results=_PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _newest(versions: Iterator[Any]) -> list[Any]:
    newest: dict[str, Any] = {}
    for each in versions:
        if each.name not in newest or int(each.version) > int(newest[each.name].version):
            newest[each.name] = each
    return [newest[name] for name in sorted(newest)]


def _by_key(versions: Sequence[Any], columns: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in versions:
        values = list(takewhile(bool, (each.tags.get(column) for column in columns)))
        if not values or any(each.tags.get(column) for column in columns[len(values) :]):
            raise MalformedRequest(
                f"model {each.name}/{each.version} has no tag {columns[len(values)]}, which is to be its key: tag it"
            )
        key = key_of(values)
        if key in found:
            raise MalformedRequest(f"the models {found[key].name} and {each.name} are both for {key}: keep one of them")
        found[key] = each
    return found


def _fetched(version: Any, cache: Path) -> Path:
    """A model that was removed and registered anew under its old name is another one."""
    place = cache / f"{version.name}-{version.version}-{version.creation_timestamp}"
    folder = place / _FOLDER
    if not folder.is_dir():
        arrived = fetch(f"models:/{version.name}/{version.version}", cache, _FOLDER)
        _move(arrived, place)
    return folder


def _move(arrived: Path, place: Path) -> None:
    try:
        arrived.parent.rename(place)
    except OSError:  # another publish of the same user was faster
        shutil.rmtree(arrived.parent, ignore_errors=True)


def _cache(tracking_uri: str, wanted: RegisteredModels) -> Path:
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    name = hashlib.sha256(f"{tracking_uri} {wanted}".encode()).hexdigest()[:16]
    return root / "slipway" / "models" / name


def _forget_others(cache: Path, used: set[Path]) -> None:
    """What is new may be another publish's, which is fetching it."""
    for each in cache.iterdir():
        if each not in used and time.time() - each.stat().st_mtime > _NEW_S:
            shutil.rmtree(each, ignore_errors=True)


def _spelled(wanted: RegisteredModels) -> str:
    tags = " and ".join(f"{name} = {value}" for name, value in wanted.tags)
    return f"the tags {tags}{f' and the alias {wanted.alias}' if wanted.alias else ''}"

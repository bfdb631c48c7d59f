"""Where jobs read and write, as people write it: `container/path` in the data account, or a blob's https address. Pure.

Nothing is asked of the network here: an account that is not known is refused by whoever opens it.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import SplitResult, quote, unquote, urlsplit

from shared.endpoints.patterns import has_wildcards, split_pattern
from shared.errors import MalformedRequest
from shared.ports import Container, Place

MAX_NAME: Final = 1024
_MAX_TEXT: Final = 12 * MAX_NAME
_CONTAINER: Final = re.compile(r"(?=.{3,63}\Z)[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_HOST: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.ASCII)
_LOOPBACK: Final = ("127.0.0.1", "localhost")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
# What stays readable in a written address; a question mark would begin a query.
_READABLE: Final = "/*!$&'()+,;=:@~"
_SYSTEM: Final = frozenset(Container)
# What the Functions host, its durable engine and its deployments keep where AzureWebJobsStorage is the data account.
_OF_THE_HOST: Final = re.compile(
    r"azure-webjobs-.*|app-package-.*|.*-(leases|applease|largemessages)|testhubname.*|(function|scm)-releases"
)
_WRITE_HTTPS: Final = "write it as https://{account}.blob.core.windows.net/{container}/{path}"
_SCHEMES: Final = {
    "azureml": "datastores and data assets of Azure ML are not known here: write the blob's own address, "
    "https://{account}.blob.core.windows.net/{container}/{path}, or {container}/{path} in the app's data account",
    "file": "files of your own machine cannot be read: upload them, and name the blob as {container}/{path}",
    "http": f"this account is not known, and others are only reached by https: {_WRITE_HTTPS}",
}


class Known(NamedTuple):
    """Blob addresses, as `blob_address` writes them: of the data account, and of the other accounts of the settings."""

    own: tuple[str, ...]
    others: tuple[str, ...] = ()


def blob_address(text: str) -> str:
    """The one way in which an account's address is written. Raises MalformedRequest."""
    parts = _split(text)
    return _origin(parts) + parts.path.rstrip("/")


def parse(text: str, known: Known) -> Place:
    """Of a folder the name is empty or ends with a slash. Raises MalformedRequest."""
    if len(text) > _MAX_TEXT:
        raise MalformedRequest(f"a location has at most {MAX_NAME} characters")
    _check_characters(text)
    if ":" in text.partition("/")[0]:
        account, path = _of_address(_split(text), known)
        path = _decoded(path)
    else:
        account, path = "", text
    container, slash, name = path.partition("/")
    if not _CONTAINER.fullmatch(container):
        raise MalformedRequest("a location is {container}/{path}, and this names no container that can be")
    if not slash:
        raise MalformedRequest("name a blob in the container, or a folder with a slash at its end: {container}/{path}/")
    _check_name(name)
    return Place(account, container, name)


def written(place: Place) -> str:
    """Parses to the same place."""
    name = quote(place.name, _READABLE) if place.account else place.name
    return str(place._replace(name=name))


def is_folder(place: Place) -> bool:
    return place.name.endswith("/") or not place.name


def is_system(place: Place) -> bool:
    """Whether the app or the Functions host keeps its own things in this container."""
    return not place.account and (place.container in _SYSTEM or _OF_THE_HOST.fullmatch(place.container) is not None)


def is_below(place: Place, prefix: Place) -> bool:
    """Compared by whole segments: `data/team` holds neither `data/team2/x` nor what a pattern `data/team*` finds."""
    if (place.account, place.container) != (prefix.account, prefix.container):
        return False
    name = split_pattern(place.name)[0] if has_wildcards(place.name) else place.name
    return name == prefix.name or name.startswith(prefix.name if is_folder(prefix) else f"{prefix.name}/")


def check_prefixes(prefixes: Iterable[str], *, for_outputs: bool = False) -> None:
    """Of an endpoint's `allowed_inputs` or `allowed_outputs`. Raises ValueError."""
    for text in prefixes:
        try:
            prefix = parse(text, _local(text))
        except MalformedRequest as error:
            raise ValueError(f"'{text[:200]}': {error.message}") from None
        if has_wildcards(prefix.name):
            raise ValueError(f"'{text}' has wildcards: name the folder, which allows all below it")
        if is_system(prefix) and (for_outputs or prefix.container != Container.PREDICTIONS):
            raise ValueError(f"'{text}' is in a container of the app's own, which can be allowed to no endpoint")


def check_below(text: str, prefixes: Iterable[str], schedule: str) -> None:
    """Of what a schedule reads. Raises ValueError."""
    try:
        place = parse(text, _local(text))
    except MalformedRequest as error:
        raise ValueError(f"schedule '{schedule}': {error.message}") from None
    if not any(is_below(place, parse(prefix, _local(prefix))) for prefix in prefixes):
        raise ValueError(f"schedule '{schedule}' must read from {', '.join(prefixes)}")


def _local(text: str) -> Known:
    """Which accounts an emulator has is not known when a file is published: the first segment counts as one."""
    if not text.startswith("http://"):
        return Known(())
    parts = _split(text)
    if parts.hostname not in _LOOPBACK:
        return Known(())
    return Known((), (f"{_origin(parts)}/{parts.path.strip('/').partition('/')[0]}",))


def _split(text: str) -> SplitResult:
    scheme = text.partition(":")[0].lower()
    if scheme not in _DEFAULT_PORTS:
        raise MalformedRequest(_SCHEMES.get(scheme, f"locations with {scheme[:20]}: are not taken: {_WRITE_HTTPS}"))
    # Looked for before the text is parsed: also an empty query or fragment is one.
    if "?" in text or "#" in text:
        raise MalformedRequest("leave the SAS, and all else from the ? or # on, away: the app reads as itself")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise MalformedRequest(f"this is no address: {_WRITE_HTTPS}") from None
    if "@" in parts.netloc:
        raise MalformedRequest("leave user and password away: the app reads as itself")
    if not _HOST.fullmatch(parts.hostname or ""):
        raise MalformedRequest(f"this names no host: {_WRITE_HTTPS}")
    return parts


def _origin(parts: SplitResult) -> str:
    port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{parts.hostname}{port}"


def _of_address(parts: SplitResult, known: Known) -> tuple[str, str]:
    """The account, and the path in it without its first slash."""
    address = _origin(parts) + parts.path
    for account in (*known.own, *known.others):
        if address.startswith(f"{account}/"):
            return "" if account in known.own else account, address.removeprefix(f"{account}/")
    if parts.scheme == "http":
        raise MalformedRequest(_SCHEMES["http"])
    if ".dfs." in str(parts.hostname):
        raise MalformedRequest(f"this is an address of Data Lake: {_WRITE_HTTPS}")
    return _origin(parts), parts.path.removeprefix("/")


def _decoded(path: str) -> str:
    try:
        decoded = unquote(path, errors="strict")
    except UnicodeDecodeError:
        raise MalformedRequest("the location's percent-encoding is not UTF-8") from None
    if decoded.count("/") != path.count("/"):
        raise MalformedRequest("a slash that is percent-encoded is not taken in a location")
    return decoded


def _check_name(name: str) -> None:
    """Also what decoding once more would make of it has to be harmless: others may do so."""
    if len(name) > MAX_NAME:
        raise MalformedRequest(f"the name of a blob has at most {MAX_NAME} characters")
    for read in (name, unquote(name, errors="replace")):
        _check_characters(read)
        segments = read.removesuffix("/").split("/") if read else []
        if read.count("/") != name.count("/") or any(not segment.strip(".") for segment in segments):
            raise MalformedRequest("a location has no empty segments, no . and no ..: write the path itself")
    split_pattern(name)


def _check_characters(text: str) -> None:
    if "\\" in text or any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise MalformedRequest("a location has no backslashes and no control characters: write / between folders")

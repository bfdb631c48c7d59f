"""Whether an endpoint's jobs may read or write somewhere. Pure."""

from collections.abc import Iterator, Sequence

from shared.endpoints.locations import Known, is_below, is_folder, is_system, parse
from shared.endpoints.patterns import has_wildcards
from shared.errors import LocationNotAllowed, MalformedRequest
from shared.ports import Container, Place


def check_input(place: Place, endpoint: str, allowed: Sequence[str], known: Known) -> None:
    """`allowed`: the endpoint's `allowed_inputs`. Raises LocationNotAllowed."""
    own = (Place("", Container.INBOX, f"{endpoint}/"), Place("", Container.PREDICTIONS, f"{endpoint}/"))
    if any(is_below(place, prefix) for prefix in own):
        return
    can_be_allowed = not is_system(place) or place.container == Container.PREDICTIONS
    if can_be_allowed and any(is_below(place, prefix) for prefix in _read(allowed, known)):
        return
    raise LocationNotAllowed(
        f"endpoint '{endpoint}' may not read from there: put the input into {Container.INBOX}/{endpoint}/"
        + (", or have its folder added to the endpoint's batch.allowed_inputs" if can_be_allowed else "")
    )


def check_output(place: Place, endpoint: str, allowed: Sequence[str], known: Known) -> Place:
    """The folder to write into. `allowed`: the endpoint's `allowed_outputs`.

    Raises LocationNotAllowed, MalformedRequest.
    """
    if has_wildcards(place.name):
        raise MalformedRequest("an output is one folder: * and ? are for inputs")
    folder = place if is_folder(place) else place._replace(name=f"{place.name}/")
    own = Place("", Container.PREDICTIONS, f"{endpoint}/")
    if folder == own:
        raise LocationNotAllowed(f"name a folder of the job's own below {own}: others write there too")
    if is_below(folder, own):
        return folder
    can_be_allowed = not is_system(folder)
    if can_be_allowed and any(is_below(folder, prefix) for prefix in _read(allowed, known)):
        return folder
    raise LocationNotAllowed(
        f"endpoint '{endpoint}' may not write there: name a folder below {own}"
        + (", or have it added to the endpoint's batch.allowed_outputs" if can_be_allowed else "")
    )


def _read(prefixes: Sequence[str], known: Known) -> Iterator[Place]:
    for prefix in prefixes:
        try:
            yield parse(prefix, known)
        except MalformedRequest:
            continue  # of an emulator's account that is not known to this app: it allows nothing

"""Each model of a package of many converted, as `conversion.convert` does one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cli.sources import many
from cli.sources.agreement import joined
from cli.sources.conversion import Converted, convert
from shared.errors import MalformedRequest


def convert_many(folder: Path, into: Path, tell: Callable[[int, int], None], *, sample: Any = None) -> Converted:
    """Each is compared on its own input example, and on `sample`. `tell`: how many are done, of how many.

    Raises MalformedRequest, naming the model that cannot be converted.
    """
    models, done = many.laid_out(folder), dict[str, Converted]()
    for key, place in models.items():
        try:
            done[key] = convert(place, into / "converted", sample=sample)
        except MalformedRequest as error:
            raise MalformedRequest(f"the model {key}: {error.message}") from None
        tell(len(done), len(models))
    assembled = many.assemble({key: each.folder for key, each in done.items()}, into, many.segments_of(folder))
    return Converted(assembled, joined(each.agreement for each in done.values()))

"""The parts of a publish: of each deployment its model, as it is here, and its package, as it is or would be."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from azure.storage.blob import BlobServiceClient

from cli.endpoint_file import EndpointFile
from cli.publishing import packages
from cli.publishing.environments import Environments
from cli.publishing.packages import Found
from cli.sources.agreement import Agreement
from cli.sources.origin import ModelSource
from shared.models.package import CodeConfiguration


class Part(NamedTuple):
    """One deployment: its model here, and its package in storage, where it may be already.

    `agreement`: with the model that it was converted from, if it was. `convertible`: it could be.
    """

    source: ModelSource
    found: Found
    agreement: Agreement | None
    convertible: bool


class Asked(NamedTuple):
    """`by`: who publishes, as the packages tell it. `to_onnx`: convert what can be. `sample`: a DataFrame of rows that
    conversions are compared on besides. `partition_by`: the columns that pick one of many models. `tell`: of what takes
    long.
    """

    by: str
    to_onnx: bool = False
    sample: Any = None
    partition_by: tuple[str, ...] = ()
    tell: Callable[[str], None] = lambda what: None


def find(
    file: EndpointFile, name: str, into: Path, account: BlobServiceClient, asked: Asked, there: Environments
) -> Part:
    """Of the deployment `name`. `into`: a temporary folder for what is downloaded or made; `there`: what the app has.

    Raises as `resolve`, `convert` and `packages.find` do, and SourceNotAllowed before anything is loaded here.
    """
    from cli.sources.resolve import resolve  # it takes a second, which most commands need not wait

    def tell(here: int, of: int) -> None:
        asked.tell(f"{name}: {here:,} of {of:,} models")

    model = file.models[name]
    code = CodeConfiguration(**model.code.model_dump()) if model.code else None
    source = resolve(
        model.uri, into / name, base=file.path.parent, code=code, partition_by=asked.partition_by, tell=tell
    )
    there.check_source(name, source)
    source, agreement, convertible = _converted(source, into / f"{name}-onnx", asked, tell)
    called, version = packages.called(source.name or f"{file.name}-{name}", source.version)
    if agreement is not None:
        called = f"{called}-onnx"  # beside what it was converted from, under the same version
    here = source.origin.resolved.startswith("file:")
    resolved = "" if here else source.origin.resolved
    origin = source.origin.model_copy(update={"published_by": asked.by, "resolved": resolved})
    found = packages.find(source.folder, called, version, account, source.code, origin)
    return Part(source, found, agreement, convertible)


def _converted(
    source: ModelSource, into: Path, asked: Asked, tell: Callable[[int, int], None]
) -> tuple[ModelSource, Agreement | None, bool]:
    """As a graph where it is asked for and can be; and whether it can be."""
    from cli.sources.conversion import convert, is_convertible
    from cli.sources.conversion_of_many import convert_many
    from cli.sources.many import is_of_many

    convertible = source.code is None and is_convertible(source.origin)
    if not (asked.to_onnx and convertible):
        return source, None, convertible
    if is_of_many(source.folder):
        folder, agreement = convert_many(source.folder, into, tell, sample=asked.sample)
    else:
        folder, agreement = convert(source.folder, into, sample=asked.sample)
    return source._replace(folder=folder), agreement, convertible

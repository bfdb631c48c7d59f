"""What a deployment's `model` and `code_configuration` become: a package that has to be published. Pure."""

from typing import Final, NamedTuple

from cli.importing.naming import FIRST_VERSION, Names, Reference, is_version, reference
from cli.importing.source import Source
from shared.endpoints.deployment import PinnedModel
from shared.errors import MalformedRequest

# Stands in for the digest, which only publishing tells; the endpoint file does not show it.
_NOT_YET: Final = f"sha256:{'0' * 64}"
_NO_CODE: Final = "Slipway takes code and scoring_script together: write both, or neither"


class Package(NamedTuple):
    """`uri`: as the endpoint file names it. `model`, `code`: a path or Azure ML's reference, "" for none."""

    uri: str
    model: str
    code: str
    scoring_script: str

    @property
    def is_script(self) -> bool:
        return bool(self.scoring_script)


class ReadModel(NamedTuple):
    model: PinnedModel
    package: Package
    comment: str


def read_model(source: Source, endpoint: str, names: Names) -> ReadModel:
    """Raises MalformedRequest for a deployment that has nothing to publish."""
    became = f"deployments.{source.name}.model"
    code, script = _code(source, became)
    origin, wanted = _origin(source, f"{endpoint}-{source.name}", became, bool(script))
    if not origin and not script:
        raise MalformedRequest(
            f"{source.file}: names neither a model nor a scoring_script: Slipway runs models, not containers; "
            "import a deployment with a model"
        )
    version = wanted.version if is_version(wanted.version) else FIRST_VERSION
    name = names.of_model(wanted.name, version, (origin, code, script))
    package = Package(f"models:/{name}/{version}", origin, code, script)
    comment = f"Download {code}, and write its folder as code." if code.startswith("azureml:") else ""
    return ReadModel(PinnedModel(name=name, version=version, digest=_NOT_YET), package, comment)


def _code(source: Source, became: str) -> tuple[str, str]:
    """The folder and the script, both or none."""
    code, script = source.get("code_configuration", "code"), source.get("code_configuration", "scoring_script")
    if not code or not script:
        source.leave(_NO_CODE, "code_configuration")
        return "", ""
    for field in ("code", "scoring_script"):
        source.take(became, "code_configuration", field)
    return _place(source, str(code)), str(script)


def _origin(source: Source, unnamed: str, became: str, is_script: bool) -> tuple[str, Reference]:
    """Where the model is now, "" for nowhere, and the name and version that it has or, `unnamed`, gets."""
    written = source.get("model")
    if isinstance(written, str):
        wanted = reference(source.take(became, "model"))
        if not is_version(wanted.version):
            source.leave(_version_advice(wanted.version), "model")
        return written, wanted
    if not isinstance(written, dict):
        return "", Reference(unnamed, "")
    name, version, path = (source.take(became, "model", field) for field in ("name", "version", "path"))
    if version is not None and not is_version(str(version)):
        source.leave(_version_advice(str(version)), "model", "version")
    served = ("mlflow_model", "custom_model") if is_script else ("mlflow_model",)
    if str(source.get("model", "type")).lower() in served:
        source.take(became, "model", "type")
    wanted = Reference(str(name or unnamed), str(version or ""))
    return _place(source, str(path)) if path else f"azureml:{wanted.name}:{wanted.version}", wanted


def _place(source: Source, text: str) -> str:
    """Paths are told as the importer sees them; Azure ML's references and addresses stay."""
    return text if text.startswith(("azureml:", "http:", "https:")) else source.beside(text)


def _version_advice(version: str) -> str:
    named = f"'{version}' is" if version else "none is named, which is"
    return f"versions are whole numbers from 1 on, and {named} none: version {FIRST_VERSION} is written instead"

"""What a deployment's `model` and `code_configuration` become: a model as publishing reads it. Pure."""

from typing import Final, NamedTuple

from cli.endpoint_file import WrittenCode, WrittenModel
from cli.importing.source import Source
from cli.sources import uris
from shared.errors import MalformedRequest

_NO_CODE: Final = "Slipway takes code and scoring_script together: write both, or neither"
_UNREGISTERED: Final = "nothing to do: what is published from a path is called after its deployment, and counted"


class ReadModel(NamedTuple):
    """`comment`: what a human has to do before it can be published; "" for nothing."""

    model: WrittenModel
    comment: str


def read_model(source: Source) -> ReadModel:
    """Raises MalformedRequest for a deployment that has nothing to publish."""
    became = f"deployments.{source.name}"
    code, uri = _code(source, f"{became}.code_configuration"), _uri(source, f"{became}.model")
    if code is not None and not uri:
        # A script without a model is served from its own folder.
        return ReadModel(WrittenModel(code.code, code.model_copy(update={"code": "."})), _download(code.code))
    if not uri:
        raise MalformedRequest(
            f"{source.file}: names neither a model nor a scoring_script: Slipway runs models, not containers; "
            "import a deployment with a model"
        )
    return ReadModel(WrittenModel(uri, code), _download(code.code) if code else "")


def _download(code: str) -> str:
    return f"Download {code}, and write its folder as code." if code.startswith("azureml:") else ""


def _code(source: Source, became: str) -> WrittenCode | None:
    """The folder and the script, both or none."""
    code, script = source.get("code_configuration", "code"), source.get("code_configuration", "scoring_script")
    if not code or not script:
        source.leave(_NO_CODE, "code_configuration")
        return None
    for field in ("code", "scoring_script"):
        source.take(became, "code_configuration", field)
    return WrittenCode(code=_place(source, str(code)), scoring_script=str(script))


def _uri(source: Source, became: str) -> str:
    """Where the model is, "" for nowhere."""
    written = source.get("model")
    if isinstance(written, str):
        return _checked(source, str(source.take(became, "model")))
    if not isinstance(written, dict):
        return ""
    served = ("mlflow_model", "custom_model") if source.get("code_configuration") else ("mlflow_model",)
    if str(source.get("model", "type")).lower() in served:
        source.take(became, "model", "type")
    if path := source.take(became, "model", "path"):
        for field in ("name", "version"):
            source.leave(_UNREGISTERED, "model", field)
        return _place(source, str(path))
    name, version = (source.take(became, "model", field) for field in ("name", "version"))
    return _checked(source, ":".join(["azureml", *(str(each) for each in (name, version) if each is not None)]))


def _checked(source: Source, uri: str) -> str:
    """Lists what publishing will not take, in its own words."""
    try:
        uris.parse(uri)
    except MalformedRequest as error:
        source.leave(error.message, "model")
    return uri


def _place(source: Source, text: str) -> str:
    """Paths are told as the importer sees them; Azure ML's references and addresses stay."""
    return text if text.startswith(("azureml:", "http:", "https:")) else source.beside(text)

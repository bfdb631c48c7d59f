"""Models of Azure ML, whose client alone is a stand-in: no workspace can be had here."""

from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
)
from azure.identity import CredentialUnavailableError
from pytest_mock import MockerFixture

from cli.sources.origin import ModelSource
from cli.sources.quiet import quiet
from cli.sources.resolve import resolve
from shared.errors import (
    IdentityProviderUnavailable,
    MalformedRequest,
    ModelNotFound,
    SlipwayError,
    StorageRefused,
    StorageUnavailable,
)
from shared.models.package import CodeConfiguration

with quiet():  # for it warns of its own use of marshmallow
    from azure.ai.ml.entities import Model
    from azure.ai.ml.exceptions import ValidationException

REGISTRY = "azureml://registries/shared/models/iris/versions/3"
WORKSPACE = "azureml://subscriptions/s/resourcegroups/g/workspaces/w/models/iris/versions/3"


class Azure:
    """`files`: what a download brings, below the folders that MLClient makes."""

    def __init__(self, mocker: MockerFixture) -> None:
        self.client = mocker.patch("azure.ai.ml.MLClient")
        self.files = {"iris/outputs/MLmodel": "flavors: {python_function: {}}\nrun_id: 0a1b"}
        self.models = self.client.return_value.models
        self.models.get.side_effect = self._get
        self.models.download.side_effect = self._download
        self.client.from_config.return_value.models = self.models

    def _get(self, name: str, version: str | None, label: str | None) -> Model:
        return Model(
            name=name, version=version or "7", type="mlflow_model", path="azureml://datastores/d", tags={"team": "a"}
        )

    def _download(self, name: str, version: str, download_path: str) -> None:
        for path, text in self.files.items():
            target = Path(download_path, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)


@pytest.fixture
def azure(mocker: MockerFixture) -> Azure:
    return Azure(mocker)


def got(uri: str, into: Path, code: CodeConfiguration | None = None) -> ModelSource:
    return resolve(uri, into, base=into.parent, code=code)


def test_a_version_comes_with_its_name_tags_and_run(azure: Azure, into: Path) -> None:
    source = got("azureml:iris:3", into)
    assert (source.name, source.version, source.folder.name) == ("iris", "3", "outputs")
    assert (source.folder / "MLmodel").is_file()
    origin = source.origin
    assert (origin.resolved, origin.tags, origin.run_id) == ("azureml:iris:3", {"team": "a"}, "0a1b")
    azure.client.from_config.assert_called_once()


def test_a_label_is_resolved_to_the_version_that_has_it(azure: Azure, into: Path) -> None:
    source = got("azureml:iris@champion", into)
    assert (source.version, source.origin.resolved) == ("7", "azureml:iris:7")
    assert source.origin.aliases == ("champion",)
    assert azure.models.download.call_args.kwargs["version"] == "7"


def test_a_registry_is_asked_by_its_name(azure: Azure, into: Path) -> None:
    assert got(REGISTRY, into).origin.resolved == REGISTRY
    assert azure.client.call_args.kwargs == {"registry_name": "shared"}


def test_the_workspace_is_that_of_the_uri_or_of_the_environment(
    azure: Azure, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert got(WORKSPACE, into).origin.resolved == WORKSPACE
    names = ("AZUREML_ARM_SUBSCRIPTION", "AZUREML_ARM_RESOURCEGROUP", "AZUREML_ARM_WORKSPACE_NAME")
    for name, value in zip(names, ("t", "h", "x"), strict=True):
        monkeypatch.setenv(name, value)
    got("azureml:iris:3", into)
    assert [call.args[1:] for call in azure.client.call_args_list] == [("s", "g", "w"), ("t", "h", "x")]


def test_a_custom_model_of_one_file_comes_with_its_script(azure: Azure, into: Path) -> None:
    azure.files = {"iris/weights.bin": "w"}
    (into.parent / "score.py").write_text("")
    source = got("azureml:iris:3", into, CodeConfiguration(code=".", scoring_script="score.py"))
    assert (source.folder / "model" / "weights.bin").read_text() == "w"
    assert (source.folder / "code" / "score.py").is_file()


def _status(status: int) -> HttpResponseError:
    error = HttpResponseError(message="no")
    error.status_code = status
    return error


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (
            ResourceNotFoundError("x"),
            ModelNotFound,
            "the workspace has no model iris 3: `az ml model list --name iris`",
        ),
        (_status(403), StorageRefused, "ask for the role AzureML Data Scientist"),
        (ClientAuthenticationError("x"), IdentityProviderUnavailable, "run `az login`"),
        (CredentialUnavailableError("x"), IdentityProviderUnavailable, "run `az login`"),
        (ServiceRequestError("x"), StorageUnavailable, "check the network, and try again"),
        (_status(500), StorageUnavailable, "did not give model iris 3 out: no"),
        (RuntimeError("odd\nlines"), StorageUnavailable, "did not give model iris out: odd lines"),
    ],
)
def test_what_azure_refuses_is_told_in_one_line(
    azure: Azure, into: Path, error: Exception, kind: type[SlipwayError], message: str
) -> None:
    azure.models.get.side_effect = error
    with pytest.raises(kind, match=message) as caught:
        got("azureml:iris:3", into)
    assert "\n" not in caught.value.message


def test_a_download_that_breaks_off_leaves_nothing(azure: Azure, into: Path) -> None:
    def broken(**given: Any) -> None:
        azure._download(**given)
        raise AzureError("the line broke")

    azure.models.download.side_effect = broken
    with pytest.raises(StorageUnavailable, match="the line broke"):
        got("azureml:iris:3", into)
    assert not list(into.glob("*"))


def test_a_download_without_files_is_no_model(azure: Azure, into: Path) -> None:
    azure.files = {}
    with pytest.raises(StorageUnavailable, match="sent no file"):
        got("azureml:iris:3", into)


def test_without_a_workspace_it_is_asked_for(azure: Azure, into: Path) -> None:
    azure.client.from_config.side_effect = ValidationException("none", no_personal_data_message="none")
    with pytest.raises(MalformedRequest, match=r"set AZUREML_ARM_SUBSCRIPTION, .* or put the workspace's config\.json"):
        got("azureml:iris:3", into)

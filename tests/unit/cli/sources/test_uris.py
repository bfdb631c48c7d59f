"""How a model may be named."""

import pytest

from cli.sources.uris import AzureModel, LocalPath, LoggedModel, ModelUri, RegisteredModel, RunArtifact, parse
from shared.errors import MalformedRequest

ID = "m-" + "0a" * 16


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("./green", LocalPath("./green")),
        ("model.onnx", LocalPath("model.onnx")),
        ("/models/iris", LocalPath("/models/iris")),
        (r"C:\models\iris", LocalPath(r"C:\models\iris")),
        ("models:/iris/3", RegisteredModel("iris", version="3")),
        ("models:/iris/03", RegisteredModel("iris", version="3")),
        ("models:/flight delay@champion", RegisteredModel("flight delay", alias="champion")),
        (f"models:/{ID}", LoggedModel(ID)),
        ("runs:/0a1b/model", RunArtifact("0a1b", "model")),
        ("runs:/0a1b/some/model/", RunArtifact("0a1b", "some/model")),
        ("azureml:iris:3", AzureModel("iris", version="3")),
        ("azureml:iris@champion", AzureModel("iris", label="champion")),
        ("azureml://registries/r/models/iris/versions/3", AzureModel("iris", version="3", registry="r")),
        (
            "azureml://subscriptions/s/resourceGroups/g/workspaces/w/models/iris/versions/3",
            AzureModel("iris", version="3", workspace=("s", "g", "w")),
        ),
    ],
)
def test_a_model_is_what_its_name_says(uri: str, expected: ModelUri) -> None:
    assert expected == parse(uri)


@pytest.mark.parametrize(
    ("uri", "advice"),
    [
        ("", "write a path"),
        ("models:/iris", "write models:/name/version or models:/name@alias"),
        ("models:/iris/latest", "write its version, models:/iris/1$"),
        ("models:/iris/Production", "models:/iris@production once it has that alias"),
        ("runs:/0a1b", "write runs:/run_id/path"),
        ("azureml:iris", "write azureml:name:version"),
        ("azureml:iris@latest", "write its version"),
        ("azureml://registries/r/models/iris", "registries/registry/models/name/versions/version"),
        ("model:/iris/1", "did you mean models:/iris/1"),
        ("run:/0a1b/model", "did you mean runs:/0a1b/model"),
        ("azure-ml:iris:1", "did you mean azureml:iris:1"),
        ("s3://bucket/iris", "write the path of its folder"),
    ],
)
def test_what_names_no_one_model_for_ever_is_refused_with_advice(uri: str, advice: str) -> None:
    with pytest.raises(MalformedRequest, match=advice):
        parse(uri)

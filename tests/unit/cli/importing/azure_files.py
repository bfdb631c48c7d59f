"""Files of Azure ML as a test needs them, written beside the model, the code and the packages that they name."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from cli import endpoint_file
from cli.endpoint_file import WrittenModel
from cli.importing.azureml import Imported, import_azureml
from shared.endpoints.spec import Draft
from shared.errors import MalformedRequest
from shared.models.package import ModelRef

type Fields = dict[str, Any]

SCRIPT: Fields = {"code": "code", "scoring_script": "score.py"}
CONDA: Fields = {"name": "sklearn", "dependencies": ["python=3.10", {"pip": ["scikit-learn==1.5.2"]}]}


def online_endpoint(**changes: Any) -> Fields:
    return {"$schema": "https://azuremlschemas.azureedge.net/latest/managedOnlineEndpoint.schema.json"} | {
        "name": "flowers",
        "auth_mode": "aad_token",
        **changes,
    }


def online_deployment(name: str = "blue", **changes: Any) -> Fields:
    return {
        "name": name,
        "endpoint_name": "flowers",
        "model": "azureml:iris:3",
        "instance_type": "Standard_F2s_v2",
    } | changes


def batch_endpoint(**changes: Any) -> Fields:
    return {"name": "flowers", "defaults": {"deployment_name": "nightly"}, **changes}


def batch_deployment(name: str = "nightly", **changes: Any) -> Fields:
    return {"name": name, "endpoint_name": "flowers", "model": "azureml:iris:3", "compute": "azureml:cpu"} | changes


def write(folder: Path, files: dict[str, Fields | str]) -> list[Path]:
    for name, text in (("model/model.pkl", "weights"), ("code/score.py", ""), ("conda.yml", yaml.safe_dump(CONDA))):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    for name, fields in files.items():
        (folder / name).write_text(fields if isinstance(fields, str) else yaml.safe_dump(fields, sort_keys=False))
    return [folder / name for name in files]


def imported(folder: Path, *files: Fields) -> Imported:
    """Called after what they are: `blue.yml`, and `flowers.yml` or, of the second endpoint, `flowers-2.yml`."""
    names = [f"{file['name']}.yml" for file in files]
    unique = [f"{name[:-4]}-2.yml" if name in names[:at] else name for at, name in enumerate(names)]
    return import_azureml(write(folder, dict(zip(unique, files, strict=True))))


def drafted(folder: Path, result: Imported) -> Draft:
    """The endpoint file as publishing reads it, once its packages are uploaded."""
    path = folder / "endpoint.yaml"
    path.write_text(result.text)
    file = endpoint_file.read(path)
    return file.draft(dict.fromkeys(file.models, ModelRef("iris", "3", f"sha256:{'a' * 64}")))


def models(folder: Path, *deployments: Fields) -> dict[str, WrittenModel]:
    """Of the endpoint file, as publishing reads it."""
    path = folder / "endpoint.yaml"
    path.write_text(imported(folder, online_endpoint(), *deployments).text)
    return endpoint_file.read(path).models


def refusal(folder: Path, files: dict[str, Fields | str]) -> str:
    with pytest.raises(MalformedRequest) as caught:
        import_azureml(write(folder, files))
    return caught.value.message.replace(f"{folder}/", "")


def instead(result: Imported, field: str) -> str:
    """What the one line says that lists this field."""
    (line,) = [each for each in result.unmapped if each.field == field]
    return line.instead

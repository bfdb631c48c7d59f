"""A score.py and its model, as one folder that can be published."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cli.sources.arriving import arriving
from shared.errors import MalformedRequest
from shared.models.package import CodeConfiguration

_CODE, _MODEL = "code", "model"
_LEFT_OUT: Final = shutil.ignore_patterns("__pycache__", "*.pyc", ".git", ".venv", ".ipynb_checkpoints", ".DS_Store")


def package(model: Path, code: CodeConfiguration, base: Path, into: Path) -> tuple[Path, CodeConfiguration]:
    """`model` itself where the script lies in it; else both copied into one folder, as Azure ML lays them out.

    There the script lies beside the endpoint file, and AZUREML_MODEL_DIR holds the model's file or folder by its name.
    Raises MalformedRequest when the script lies in neither place.
    """
    if (model / code.code / code.scoring_script).is_file():
        return model, code
    source = (base / code.code).resolve()
    if not (source / code.scoring_script).is_file():
        raise MalformedRequest(
            f"there is no {code.code}/{code.scoring_script}, neither beside the endpoint file nor in the model's "
            "folder: correct code_configuration"
        )
    skipped = {into.resolve(), model.resolve()}

    def left_out(folder: str, names: Sequence[str]) -> set[str]:
        own = {name for name in names if Path(folder, name).resolve() in skipped}
        return own | _LEFT_OUT(folder, list(names))

    with arriving(into, model.stem) as arrival:
        shutil.copytree(source, arrival.partial / _CODE, ignore=left_out)
        target = arrival.partial / _MODEL / model.name
        if model.is_dir():
            shutil.copytree(model, target)
        else:
            target.parent.mkdir()
            shutil.copy2(model, target)
    return arrival.folder, CodeConfiguration(code=_CODE, scoring_script=code.scoring_script, model=_MODEL)

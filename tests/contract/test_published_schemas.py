"""host.json and local.settings.sample.json against the JSON schemas that their editors use."""

import json
import os
from pathlib import Path

import jsonschema
import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("file", "schema"), [("host.json", "host.json"), ("local.settings.sample.json", "local.settings.json")]
)
def test_file_follows_its_published_schema(file: str, schema: str) -> None:
    folder = os.environ.get("SLIPWAY_SCHEMAS")
    if not folder:
        pytest.skip("SLIPWAY_SCHEMAS names no folder")
    published = json.loads((Path(folder) / schema).read_text())
    jsonschema.validators.validator_for(published)(published).validate(json.loads((ROOT / file).read_text()))

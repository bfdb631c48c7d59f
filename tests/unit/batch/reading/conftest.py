"""Nothing of a Parquet file is kept from one test to the next."""

from typing import Any

import pyarrow as pa
import pytest

from shared.batch.reading import parquet_rows
from shared.batch.reading.kept import Kept


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_rows, "_GROUPS", Kept[pa.Table](2**20, lambda table: int(table.nbytes)))
    monkeypatch.setattr(parquet_rows, "_FOOTERS", Kept[Any](2**20, lambda footer: 8 * footer.size))

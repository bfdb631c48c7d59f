"""What the readers of all formats give back."""

from collections.abc import Mapping
from typing import NamedTuple

import pyarrow as pa

from shared.batch.reading.fitting import Numbers
from shared.models.signature import Features


class Found(NamedTuple):
    """`features` hold the rows at `positions` of their span, `carried` one entry for each; `reasons`: of the others."""

    features: Features
    positions: Numbers
    carried: Mapping[str, pa.Array]
    reasons: Mapping[int, str]

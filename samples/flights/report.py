"""The training's report: `report.json`, and the short table on the terminal."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from rich.table import Table


class ConversionError(Exception):
    """The converted model does not predict what the trained one does."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Quality(_Record):
    """Area under the ROC curve (1 is best, 0.5 is guessing) and mean log loss in nats (0 is best)."""

    auc: float
    log_loss: float


class Parity(_Record):
    """How near the converted model's probabilities are to scikit-learn's, over the test rows.

    `beyond_tolerance` rows are all among the `split_ties`, or there would be no report.
    """

    rows: int
    tolerance: float
    largest_difference: float
    beyond_tolerance: int
    split_ties: int
    explanation: str


class Rows(_Record):
    """Flights by what can be done with them; the first three are of all flights, whatever the sample."""

    read: int
    never_left: int
    left_without_arrival: int
    train: int
    test: int


class Trained(_Record):
    """One model: what it is, how good, and how faithfully converted."""

    algorithm: str
    quality: Quality
    parity: Parity


class ByCarrier(_Record):
    """The models of the carriers, taken together over the test rows; `own`: the carriers that have one."""

    own: list[str]
    quality: Quality
    largest_difference: float


class Report(_Record):
    """All figures of one training; `sources` is the digest of what it was made from, written last of all."""

    schema_version: Literal[1] = 1
    sources: str
    sample: int | None
    rows: Rows
    rule: Quality
    models: dict[str, Trained]
    by_carrier: ByCarrier
    seconds: dict[str, float]

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The report at `path`, or None if there is none that this version of the code wrote."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def table(self) -> Table:
        """The figures as a person reads them."""
        table = Table(title=f"Late by more than 15 minutes? {self.rows.test:,} flights of October to December")
        table.add_column("model")
        for figure in ("AUC", "log loss", "ONNX differs by", "split ties"):
            table.add_column(figure, justify="right")
        table.add_row("departed late (rule)", f"{self.rule.auc:.4f}", f"{self.rule.log_loss:.4f}", "", "")
        for name, model in self.models.items():
            table.add_row(
                f"{name}: {model.algorithm}",
                f"{model.quality.auc:.4f}",
                f"{model.quality.log_loss:.4f}",
                f"{model.parity.largest_difference:.1e}",
                str(model.parity.split_ties),
            )
        table.add_row(
            f"by carrier: {len(self.by_carrier.own)} models",
            f"{self.by_carrier.quality.auc:.4f}",
            f"{self.by_carrier.quality.log_loss:.4f}",
            f"{self.by_carrier.largest_difference:.1e}",
            "0",
        )
        return table

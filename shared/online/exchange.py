"""What a protocol module is given, and what it gives back."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from shared.errors import SlipwayError
from shared.models.features import Converter
from shared.models.scoring import Predictions
from shared.models.signature import Inputs


class Message(NamedTuple):
    """A request's body, unpacked and of a bounded size. Header names in lower case."""

    body: bytes
    content_type: str | None
    headers: Mapping[str, str]


class Answered(NamedTuple):
    """Who answered. `model_name`, `model_version`: of the package; `takes_tensors`: its signature has tensors."""

    endpoint: str
    deployment: str
    model_name: str
    model_version: str
    takes_tensors: bool = False


class Rendered(NamedTuple):
    body: bytes
    content_type: str
    headers: Mapping[str, str] = {}


class ScoreRequest(Protocol):
    """A protocol's own reading of a body. `model`: which one of many the caller asks for."""

    @property
    def model(self) -> str | None: ...


class ScoreProtocol[R: ScoreRequest](Protocol):
    """The shape of the three modules in `protocols/`. `TAKES_SCRIPTS`: whether a score.py can be called by it."""

    NAME: str
    TAKES_SCRIPTS: bool

    def read(self, message: Message) -> R:
        """From bytes to the protocol's own document. Raises MalformedRequest, UnsupportedMediaType."""
        ...

    def convert(self, request: R, converter: Converter) -> Inputs:
        """From the document to the model's inputs. Raises MalformedRequest, SchemaMismatch."""
        ...

    def render(self, predictions: Predictions, request: R, answered: Answered) -> Rendered: ...

    def render_error(self, error: SlipwayError, status: int) -> bytes: ...

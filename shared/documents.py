"""What every stored document has in common."""

from pydantic import BaseModel, ConfigDict


class Document(BaseModel):
    """Never changed in place, and refused where it says something that this version does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

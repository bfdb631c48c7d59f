"""Who may call an endpoint beside the holders of a token, and how often: documents."""

import re
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from shared.documents import Document

type AuthMode = Literal["entra", "key"]
type KeyType = Literal["primary", "secondary"]

ANY_ORIGIN = "*"
_HOST = r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?"
_ORIGIN = re.compile(rf"(https://{_HOST}|http://(localhost|127\.0\.0\.1))(:[1-9][0-9]{{0,4}})?")


def _as_browsers_write_it(origin: str) -> str:
    """Origins are compared as text, so only the one form that a browser sends is taken (RFC 6454, section 6.2)."""
    if origin == ANY_ORIGIN:
        return origin
    if not _ORIGIN.fullmatch(origin) or origin.endswith(":443"):
        raise ValueError(
            f"'{origin}' is not an origin as browsers send it: write https://host or https://host:port in lower case, "
            "without a path and without the port 443; http is for localhost only; or *"
        )
    return origin


type Origin = Annotated[str, Field(max_length=300), AfterValidator(_as_browsers_write_it)]
# RFC 9110, section 5.6.2.
type HeaderName = Annotated[str, Field(pattern=r"^[-!#$%&'*+.^_`|~0-9A-Za-z]+$", max_length=100)]


class Cors(Document):
    """Web pages of which origins may call. `allowed_headers`: beside those that the app itself reads."""

    allowed_origins: tuple[Origin, ...] = Field(min_length=1, max_length=50)
    allowed_headers: tuple[HeaderName, ...] = Field(default=(), max_length=50)
    max_age_s: int = Field(default=600, ge=0, le=86_400)

    @model_validator(mode="after")
    def _any_or_some(self) -> Self:
        if ANY_ORIGIN in self.allowed_origins and len(self.allowed_origins) > 1:
            raise ValueError("allowed_origins is * alone, or a list of origins")
        return self


class Quota(Document):
    """What each caller may use. None: as much as there is."""

    requests_per_minute: int | None = Field(default=None, ge=1, le=1_000_000)


class StoredKey(Document):
    """What is kept of a key: enough to know it again, and nothing to call with."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    created_at: datetime
    created_by: str

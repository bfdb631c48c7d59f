"""What the documents are written from: all that a caller may know of an endpoint."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from shared.auth.rules import TokenRules, TokenVersion
from shared.models.signature import Signature
from shared.settings import Settings

type Json = dict[str, Any]


class Answering(NamedTuple):
    """What answers behind a deployment. A signature without inputs says nothing of what is taken.

    `is_script`: a score.py, which takes and answers what it likes. `of_many`: one of many models is picked by name,
    such as this one; `segment`: one is picked by these columns, such as by these values. `example`: a request that was
    kept with the model, in the form of MLflow's `/invocations`.
    """

    signature: Signature = Signature()
    is_script: bool = False
    of_many: str = ""
    segment: Mapping[str, Any] = {}
    example: Mapping[str, Any] = {}


class Gate(NamedTuple):
    """Where tokens come from. `authority`: the address before `/oauth2/v2.0`."""

    authority: str
    audience: str
    scope: str

    @classmethod
    def of(cls, rules: TokenRules, settings: Settings) -> Self:
        issuer = rules.authorities[TokenVersion.V2].issuer
        return cls(issuer.removesuffix("/v2.0"), settings.audiences[0], settings.required_scope)

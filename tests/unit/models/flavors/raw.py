"""A script with `@rawhttp` that runs the lines it is sent."""

from collections.abc import Mapping
from typing import Final

from shared.models.flavor import Abort, RawCall, RawReply
from shared.models.flavors.script import SandboxedScript

RAW: Final = """
    import json
    from azureml.contrib.services.aml_request import AMLRequest, rawhttp
    from azureml.contrib.services.aml_response import AMLResponse

    def init(): pass

    @rawhttp
    def run(request):
        assert isinstance(request, AMLRequest)
        lines = request.headers.get("X-Lines") or request.args.get("lines")
        names = {"request": request, "AMLResponse": AMLResponse, "json": json}
        exec(lines, names)
        return names["result"]
"""


def sent(
    script: SandboxedScript,
    lines: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    method: str = "POST",
    query: str = "",
) -> RawReply:
    return script.run(RawCall(method, query, {"x-lines": lines, **(headers or {})}, body), Abort())

"""The hooks that azd runs, with stand-ins of az and azd that write down what they are asked."""

import os
import subprocess
from pathlib import Path

from tests.infra.template import INFRA

STAND_IN = """#!/bin/sh
printf '%s\\t' "$(basename "$0")" "$@" | tr '\\n' ' ' >>"$CALLS"
echo >>"$CALLS"
count=$(wc -l <"$CALLS")
case "$*" in
    # By its beginning, and so with others before it.
    "ad app list --display-name"*) echo "a-longer-name ${APP:-}" ;;
    "ad app list --filter displayName eq 'slipway-test'"*) printf '%s' "${APP:-}" ;;
    "ad app create"*) echo the-client ;;
    "ad app show"*) echo the-object ;;
    "ad sp list"*) if [ "$count" -gt "${SERVICE_AFTER:-0}" ]; then printf '%s' "${SERVICE:-}"; fi ;;
    "ad sp create"*) echo the-service ;;
    "ad signed-in-user show"*) if [ -n "${ME:-}" ]; then echo "$ME"; else exit 1; fi ;;
    "account show --subscription"*) echo "${TENANT:-home}" ;;
    "account show"*) echo home ;;
    "rest --method GET --url https://management.azure.com/subscriptions/s/resourceGroups/rg-test/providers/"*)
        if [ -n "${BEGAN:-}" ]; then echo "$BEGAN"; else echo "ERROR: ${BUDGET:-Not Found}" >&2; exit 1; fi ;;
    "rest --method POST"*) if [ "$count" -le "${POST_AFTER:-0}" ]; then echo "Not Found" >&2; exit 1; fi ;;
    "functionapp keys list"*)
        if [ "$count" -gt "${KEY_AFTER:-0}" ]; then echo the-key; else echo "no such group" >&2; exit 1; fi ;;
    "functionapp show"*) echo app.azurewebsites.net ;;
    "storage account show"*) echo /subscriptions/s/account ;;
esac
"""


class Hooks:
    def __init__(self, folder: Path) -> None:
        self._calls = folder / "calls"
        self._calls.touch()
        self._bin = folder / "bin"
        self._bin.mkdir()
        for name in ("az", "azd"):
            script = self._bin / name
            script.write_text(STAND_IN)
            script.chmod(0o755)

    def run(self, script: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        path = f"{self._bin}{os.pathsep}{os.environ['PATH']}"
        given = {
            "PATH": path,
            "CALLS": str(self._calls),
            "AZURE_ENV_NAME": "test",
            "AZURE_SUBSCRIPTION_ID": "s",
            "SLIPWAY_HOOK_WAIT_S": "0",
            **environ,
        }
        command = ["sh", str(INFRA / "hooks" / script), *arguments]
        return subprocess.run(command, env=given, capture_output=True, text=True, check=False)

    def asked(self, *words: str) -> list[list[str]]:
        """The calls that begin with these words."""
        calls = [line.rstrip("\t").split("\t") for line in self._calls.read_text().splitlines()]
        return [call for call in calls if call[: len(words)] == [*words]]

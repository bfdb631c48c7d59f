"""The hooks that azd runs, with stand-ins of az and azd that write down what they are asked.

az refuses commands and options that the real one does not have: az_commands.txt.
"""

import json
import os
import subprocess
from pathlib import Path

from tests.infra.template import INFRA

STAND_IN = """#!/bin/sh
printf '%s\\t' "$(basename "$0")" "$@" | tr '\\n' ' ' >>"$CALLS"
echo >>"$CALLS"
if [ "$(basename "$0")" = az ]; then
    command=
    for each in "$@"; do case $each in --*) break ;; *) command="$command$each " ;; esac; done
    options=$(grep "^$command--" "$AZ_COMMANDS") || { echo "'$command' is misspelled or not recognized" >&2; exit 2; }
    for each in "$@"; do
        case $each in --*) case " $options " in *" $each "*) ;; *)
            echo "unrecognized arguments: $each" >&2; exit 2 ;; esac ;; esac
    done
fi
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
    "deployment group create"*) cat >>"$CALLS.stdin" ;;
    "storage account show"*) echo /subscriptions/s/account ;;
esac
"""


class Hooks:
    def __init__(self, folder: Path) -> None:
        self.infra = INFRA
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
            "AZ_COMMANDS": str(Path(__file__).with_name("az_commands.txt")),
            "AZURE_ENV_NAME": "test",
            "AZURE_SUBSCRIPTION_ID": "s",
            "SLIPWAY_HOOK_WAIT_S": "0",
            **environ,
        }
        command = ["sh", str(self.infra / "hooks" / script), *arguments]
        return subprocess.run(command, env=given, capture_output=True, text=True, check=False)

    def asked(self, *words: str) -> list[list[str]]:
        """The calls that begin with these words."""
        calls = [line.rstrip("\t").split("\t") for line in self._calls.read_text().splitlines()]
        return [call for call in calls if call[: len(words)] == [*words]]

    def parameters(self) -> list[dict[str, str]]:
        """What each deployment was given by stdin."""
        given = [json.loads(line) for line in Path(f"{self._calls}.stdin").read_text().splitlines()]
        return [{name: each["value"] for name, each in parameters.items()} for parameters in given]

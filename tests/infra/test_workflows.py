"""The workflows: nothing is deployed unchecked, and what nobody has read yet cannot deploy."""

import re
from typing import Any, Final

import yaml

from tests.infra.template import INFRA, ROOT

_FOLDER: Final = ROOT / ".github" / "workflows"
_JOBS: Final[dict[str, Any]] = yaml.safe_load((_FOLDER / "deploy.yml").read_text())["jobs"]
_AZD: Final[dict[str, Any]] = yaml.safe_load((_FOLDER / "azd.yml").read_text())["jobs"]["azd"]


def _needed(job: str) -> set[str]:
    """It, and all that has to end well before it."""
    needs = _JOBS[job].get("needs")
    return {job} | (_needed(needs) if needs else set())


def test_what_is_deployed_was_checked_first() -> None:
    assert _JOBS["check"]["uses"].endswith("/ci.yml")
    deploying = {name for name, job in _JOBS.items() if job.get("with", {}).get("command") == "up"}
    assert deploying == {"dev", "staging", "prod"}
    assert all("check" in _needed(name) for name in deploying)
    # A check by itself would take the place of the one that a deployment waits for.
    assert "push:" not in (_FOLDER / "ci.yml").read_text()


def test_a_pull_request_runs_in_no_environment_that_deploys() -> None:
    preview = _JOBS["what-if"]["with"]
    assert preview["command"] == "provision --preview"
    assert preview["environment"] not in {
        job["with"]["environment"] for name, job in _JOBS.items() if name != "what-if" and "with" in job
    }
    assert all((INFRA / "environments" / f"{size}.env").exists() for size in (preview["size"], "staging", "prod"))


def test_a_preview_and_a_deployment_do_not_wait_for_each_other() -> None:
    assert {"${{ inputs.environment }}", "${{ inputs.command }}"} == set(
        re.findall(r"\$\{\{[^}]+\}\}", _AZD["concurrency"])
    )


def test_actions_are_pinned_by_commit() -> None:
    text = "".join(path.read_text() for path in sorted(_FOLDER.glob("*.yml")))
    used = [each for each in re.findall(r"uses: (\S+)", text) if not each.startswith("./")]
    assert used
    assert [each for each in used if not re.search(r"@[0-9a-f]{40}$", each)] == []

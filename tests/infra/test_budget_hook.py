"""The month in which the budget begins: the current one of a new budget, and ever after the same."""

from datetime import UTC, datetime

import pytest

from tests.infra.hooks import Hooks
from tests.infra.template import INFRA, Template

WITH_BUDGET = {"SLIPWAY_CLIENT_ID": "given", "SLIPWAY_MONTHLY_BUDGET": "50"}


@pytest.mark.parametrize("remembered", ["", "2024-11-01"])
@pytest.mark.parametrize(
    ("began", "month"), [("2025-02-01T00:00:00Z", "2025-02-01"), ("", f"{datetime.now(UTC):%Y-%m}-01")]
)
def test_a_budget_that_is_there_keeps_its_month_and_a_new_one_begins_now(
    hooks: Hooks, remembered: str, began: str, month: str
) -> None:
    done = hooks.run("preprovision.sh", **WITH_BUDGET, SLIPWAY_BUDGET_START=remembered, BEGAN=began)
    assert done.returncode == 0, done.stderr
    assert hooks.asked("azd") == [["azd", "env", "set", "SLIPWAY_BUDGET_START", month]]


def test_the_budget_is_asked_for_by_its_name(hooks: Hooks) -> None:
    assert hooks.run("preprovision.sh", **WITH_BUDGET).returncode == 0
    ((*_, url, _, query, _, _),) = hooks.asked("az", "rest", "--method", "GET")
    (budget,) = [module for module in Template(INFRA / "main.bicep").modules if module.symbol == "budget"]
    assert f"/providers/Microsoft.Consumption/budgets/{budget.body['params']['name']}?" in url
    assert query == "properties.timePeriod.startDate"


def test_a_month_that_cannot_be_asked_is_not_guessed(hooks: Hooks) -> None:
    done = hooks.run("preprovision.sh", **WITH_BUDGET, BUDGET="Forbidden")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.endswith("cannot be asked: ERROR: Forbidden\n")
    assert hooks.asked("azd") == []


def test_where_no_subscription_is_chosen_there_is_no_budget_yet(hooks: Hooks) -> None:
    assert hooks.run("preprovision.sh", **WITH_BUDGET, AZURE_SUBSCRIPTION_ID="").returncode == 0
    assert hooks.asked("az") == []
    assert len(hooks.asked("azd", "env", "set", "SLIPWAY_BUDGET_START")) == 1

"""Every figure says where it is from and when it was read, or that it is assumed and on what."""

from datetime import date

import pytest
from pydantic import ValidationError

from cli.advice.figures import Figure, Price, figures_of, load_measured, load_prices
from tests.unit.cli.advice.cases import DAY

PRICES = figures_of(load_prices())
FIGURES = PRICES | figures_of(load_measured())


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_a_source_or_the_basis_of_an_assumption_and_its_dates(name: str) -> None:
    figure = FIGURES[name]
    assert figure.source or (figure.assumed and figure.basis)
    assert date(2015, 1, 1) < figure.source_date <= figure.read_on


@pytest.mark.parametrize("name", [name for name, figure in PRICES.items() if isinstance(figure, Price)])
def test_every_price_is_in_dollars_of_a_region_and_from_an_address(name: str) -> None:
    price = PRICES[name]
    assert isinstance(price, Price)
    assert (price.currency, price.source.startswith("https://"), price.assumed) == ("USD", True, False)
    assert price.value > 0
    assert price.region


def test_all_figures_were_looked_at() -> None:
    assert {"on_demand_gb_s", "free_gb_s", "low_priority_share", "Standard_F2s_v2", "cold_idle_s"} <= set(FIGURES)


def test_a_figure_without_a_source_must_say_that_it_is_assumed() -> None:
    with pytest.raises(ValidationError, match="without a source is assumed"):
        Figure(value=1, unit="s", source_date=DAY, read_on=DAY)


def test_an_assumption_must_say_on_what_it_rests() -> None:
    with pytest.raises(ValidationError, match="the basis of the assumption"):
        Figure(value=1, unit="s", source_date=DAY, read_on=DAY, assumed=True)


def test_machines_are_told_apart_by_name_and_hold_more_for_more_money() -> None:
    skus = load_prices().skus
    assert len({sku.name for sku in skus}) == len(skus)
    for gpu in (False, True):
        hourly = [sku.usd_per_hour.value for sku in skus if sku.gpu == gpu]
        assert hourly == sorted(hourly)

"""European, Chinese and WHO judgements on the worked examples."""

from datetime import date

import pytest

from indicators.china_aqi import china_aqi
from indicators.errors import IndicatorError
from indicators.european_aqi import european_aqi
from indicators.who import exceedance_days, who_verdicts


@pytest.mark.parametrize(
    ("inputs", "level", "responsible"),
    [
        pytest.param({"pm2_5": 5}, 1, ("pm2_5",), id="a bound belongs to the better level"),
        pytest.param({"pm2_5": 5.1}, 2, ("pm2_5",), id="just above"),
        pytest.param({"pm2_5": 5.4}, 2, ("pm2_5",), id="unrounded, though the legend prints 0-5 and 6-15"),
        pytest.param({"pm2_5": 50}, 3, ("pm2_5",), id="moderate"),
        pytest.param({"pm2_5": 140}, 5, ("pm2_5",), id="very poor"),
        pytest.param({"pm2_5": 141}, 6, ("pm2_5",), id="extremely poor"),
        pytest.param({"pm2_5": 12, "no2": 61, "o3": 90}, 4, ("no2",), id="worst pollutant"),
    ],
)
def test_european_aqi(inputs: dict[str, float], level: int, responsible: tuple[str, ...]) -> None:
    index = european_aqi(inputs)
    assert (index.value, index.responsible) == (level, responsible)


def test_european_aqi_names_level_and_edition() -> None:
    index = european_aqi({"pm2_5": 12, "no2": 61})
    assert (index.category, index.colour, index.edition) == (
        "Poor",
        "#FF5050",
        "European AQI, revised (ETC HE 2024/17)",
    )


@pytest.mark.parametrize(
    ("inputs", "in_2012", "in_2026"),
    [
        pytest.param({"pm2_5": 35}, 50, 50, id="dividing first gives 51"),
        pytest.param({"pm2_5": 50}, 69, 80, id="PM2.5 50"),
        pytest.param({"pm2_5": 60}, 82, 100, id="PM2.5 60"),
        pytest.param({"pm2_5": 75}, 100, 114, id="PM2.5 75"),
        pytest.param({"pm2_5": 116}, 152, 152, id="PM2.5 116"),
        pytest.param({"pm10": 100}, 75, 86, id="PM10 100"),
        pytest.param({"pm10": 121}, 86, 101, id="PM10 121"),
        pytest.param({"o3_8h": 801}, None, None, id="the 8-hour ozone scale ends"),
        pytest.param({"o3_8h": 801, "o3_1h": 900}, 350, 350, id="beyond it the hour counts"),
        pytest.param({"pm2_5": 900}, 500, 500, id="held at the top of the scale"),
        pytest.param({"co_24h": 3}, 75, 75, id="carbon monoxide in mg/m3"),
    ],
)
def test_china_aqi_in_both_editions(inputs: dict[str, float], in_2012: int | None, in_2026: int | None) -> None:
    assert china_aqi(inputs, on=date(2026, 2, 28)).value == in_2012
    assert china_aqi(inputs, on=date(2026, 3, 1)).value == in_2026
    assert china_aqi(inputs).edition == "HJ 633-2026"


def test_china_aqi_names_a_primary_pollutant_above_50_only() -> None:
    assert china_aqi({"pm2_5": 35, "so2_24h": 10}).responsible == ()
    assert china_aqi({"pm2_5": 36, "so2_24h": 10}).responsible == ("pm2_5",)


@pytest.mark.parametrize(
    ("quantity", "value", "exceeded", "interim_target"),
    [
        pytest.param("pm2_5_24h", 15, False, None, id="the level itself is met"),
        pytest.param("pm2_5_24h", 15.1, True, 4, id="above it, the last interim target holds"),
        pytest.param("pm2_5_24h", 40, True, 2, id="interim target 2"),
        pytest.param("pm2_5_24h", 80, True, 0, id="no interim target holds"),
        pytest.param("so2_24h", 45, True, 2, id="SO2 is 40, not the 50 of a copied table"),
        pytest.param("no2_1h", 201, True, 0, id="no interim targets defined"),
        pytest.param("co_24h", 4.5, True, 1, id="CO in mg/m3"),
    ],
)
def test_who_verdict(quantity: str, value: float, exceeded: bool, interim_target: int | None) -> None:
    (verdict,) = who_verdicts({quantity: value})
    assert (verdict.exceeded, verdict.interim_target) == (exceeded, interim_target)
    assert verdict.ratio == pytest.approx(value / verdict.guideline)


@pytest.mark.parametrize(
    ("bad_days", "breach"),
    [pytest.param(1, False, id="one exceedance is no breach"), pytest.param(4, False), pytest.param(5, True)],
)
def test_who_days_are_a_99th_percentile(bad_days: int, breach: bool) -> None:
    year: list[float | None] = [10.0] * (364 - bad_days) + [20.0] * bad_days + [None]
    assert exceedance_days(year, "pm2_5_24h") == (bad_days, breach)


def test_who_counts_days_against_daily_levels_only() -> None:
    with pytest.raises(IndicatorError, match="not against 'o3_8h'"):
        exceedance_days([1.0], "o3_8h")

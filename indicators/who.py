"""WHO guideline levels (2021): what is exceeded, which interim target still holds, and when days make a breach."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from indicators.air_quality import check_names
from indicators.errors import IndicatorError
from indicators.exact import exact
from indicators.thresholds import table_for


@dataclass(frozen=True, slots=True)
class GuidelineVerdict:
    """One concentration against one guideline. `ratio` is concentration over guideline.

    `interim_target` is the most ambitious interim target still met (1 is the laxest), 0 where none is met or defined;
    None where the guideline itself is met. `unit` is that of concentration and guideline.
    """

    quantity: str
    concentration: float
    guideline: float
    unit: str
    exceeded: bool
    ratio: float
    interim_target: int | None
    edition: str


def who_verdicts(concentrations: Mapping[str, float], on: date | None = None) -> tuple[GuidelineVerdict, ...]:
    """Return a verdict per quantity, in input order.

    Quantities are pollutant and period, such as pm2_5_24h or o3_8h, in ug/m3 (carbon monoxide in mg/m3).
    Raises IndicatorError for an unknown quantity.
    """
    table = table_for("who", on)
    quantities = table.section("quantities")
    check_names(concentrations, quantities, table)
    verdicts = []
    for name, value in concentrations.items():
        row = quantities[name]
        exceeded = exact(value) > exact(row["guideline"])
        met = [number for number, target in enumerate(row["interim"], start=1) if exact(value) <= exact(target)]
        verdicts.append(
            GuidelineVerdict(
                quantity=name,
                concentration=value,
                guideline=float(row["guideline"]),
                unit=row["unit"],
                exceeded=exceeded,
                ratio=value / row["guideline"],
                interim_target=max(met, default=0) if exceeded else None,
                edition=table.edition,
            )
        )
    return tuple(verdicts)


def exceedance_days(daily: Sequence[float | None], quantity: str, on: date | None = None) -> tuple[int, bool]:
    """Return how many of a year's days exceed the 24-hour guideline, and whether that breaches it.

    `daily` are 24-hour values of one year, None for an invalid day. The 24-hour levels are 99th percentiles, so three
    to four days a year are allowed: a single exceedance is not a breach.
    """
    table = table_for("who", on)
    if not quantity.endswith("_24h"):
        raise IndicatorError(f"days are counted against a 24-hour guideline, not against {quantity!r}")
    days = sum(who_verdicts({quantity: value}, on)[0].exceeded for value in daily if value is not None)
    return days, days > table.section("allowed_exceedance_days")

"""US Air Quality Index after 40 CFR 58 appendix G, with the rule's own truncation and exact rounding."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import pairwise

from indicators.air_quality import AirIndex, check_names, keep_higher, worst
from indicators.errors import IndicatorError
from indicators.exact import whole_steps
from indicators.thresholds import Table, table_for

ABOVE = ("extend", "none", "hold")


@dataclass(frozen=True, slots=True)
class Band:
    """A line from (low, index_low) to (high, index_high), concentrations in whole steps of the scale."""

    low: int
    high: int
    index_low: int
    index_high: int

    def index(self, steps: int) -> int:
        """Return the index on this line, rounded half up, in whole numbers throughout."""
        rise, run = (self.index_high - self.index_low) * (steps - self.low), self.high - self.low
        return self.index_low + (2 * rise + run) // (2 * run)


@dataclass(frozen=True, slots=True)
class Scale:
    """How one pollutant, averaged over one period, becomes an index; `step` is in `unit`."""

    pollutant: str
    unit: str
    step: Decimal
    above: str
    bands: tuple[Band, ...]

    def index(self, concentration: float) -> int | None:
        """Return the index of `concentration`; None where this averaging period defines none.

        The concentration is truncated, never rounded; a negative one counts as 0 (as in EPA's own daily files).
        """
        steps = max(whole_steps(concentration, self.step), 0)
        last = self.bands[-1]
        if steps < self.bands[0].low:
            return None
        if steps > last.high and self.above != "extend":
            return last.index_high if self.above == "hold" else None
        return next((band for band in self.bands if steps <= band.high), last).index(steps)


@cache
def scales(table: Table) -> Mapping[str, Scale]:
    """Return the scale of each quantity; raise IndicatorError where bands leave a gap wider than a step, or overlap."""
    found = {}
    for name, row in table.section("quantities").items():
        step = Decimal(str(row["step"]))
        bands = tuple(
            Band(whole_steps(low, step), whole_steps(high, step), index_low, index_high)
            for low, high, index_low, index_high in row["bands"]
        )
        for below, above in pairwise(bands):
            if above.low - below.high != 1:
                raise IndicatorError(f"{table.edition}: {name} must go on at {(below.high + 1) * step}, one step up")
        if row["above"] not in ABOVE:
            raise IndicatorError(f"{table.edition}: {name} has above: {row['above']!r}; allowed are {', '.join(ABOVE)}")
        found[name] = Scale(row["pollutant"], row["unit"], step, row["above"], bands)
    return found


def us_aqi(concentrations: Mapping[str, float], on: date | None = None) -> AirIndex:
    """Return the US AQI of a place.

    `concentrations` by quantity: pm2_5 and pm10 (24 h, ug/m3), o3_8h, o3_1h and co_8h (ppm), so2_1h, so2_24h and
    no2_1h (ppb). Ozone takes the larger of its two periods. Sulphur dioxide of 305 ppb and more in one hour counts as
    200 until the 24-hour mean defines more. `on` picks the edition then in force (default: the newest).
    Raises IndicatorError for an unknown quantity or a value that is no number.
    """
    table = table_for("us_aqi", on)
    known = scales(table)
    check_names(concentrations, known, table)
    sub_indices: dict[str, int] = {}
    for name, value in concentrations.items():
        keep_higher(sub_indices, known[name].pollutant, known[name].index(value))
    return worst(sub_indices, table.section("categories"), table.edition)

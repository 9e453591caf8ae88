"""European Air Quality Index of the European Environment Agency: the worst level of five hourly pollutants."""

from collections.abc import Mapping
from datetime import date

from indicators.air_quality import AirIndex, check_names, worst
from indicators.exact import exact
from indicators.thresholds import table_for


def european_aqi(concentrations: Mapping[str, float], on: date | None = None) -> AirIndex:
    """Return the level of a place, 1 (good) to 6 (extremely poor).

    `concentrations` are hourly means in ug/m3 of pm2_5, pm10, no2, o3, so2. Upper bounds are inclusive and met by the
    unrounded value: published legends print 0-5, 6-15, so that 5.4 is Fair here. `on` picks the edition in force.
    Raises IndicatorError for an unknown pollutant or a value that is no number.
    """
    table = table_for("european_aqi", on)
    bounds = table.section("upper_bounds")
    check_names(concentrations, bounds, table)
    levels = {
        pollutant: 1 + sum(exact(value) > bound for bound in bounds[pollutant])
        for pollutant, value in concentrations.items()
    }
    names = [{**level, "up_to": number} for number, level in enumerate(table.section("levels"), start=1)]
    return worst(levels, names, table.edition)

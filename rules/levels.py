"""Levels of the indices, by name: the lowest value that belongs to each.

US AQI: 40 CFR 58 App. G. European index: EEA, hourly levels 1 to 6. Level of service: A to F as 1 to 6.
"""

LEVELS: dict[str, dict[str, float]] = {
    "us_aqi": {
        "Good": 0,
        "Moderate": 51,
        "Unhealthy for Sensitive Groups": 101,
        "Unhealthy": 151,
        "Very Unhealthy": 201,
        "Hazardous": 301,
    },
    "european_aqi": {"Good": 1, "Fair": 2, "Moderate": 3, "Poor": 4, "Very poor": 5, "Extremely poor": 6},
    "level_of_service": {letter: float(number) for number, letter in enumerate("ABCDEF", 1)},
}

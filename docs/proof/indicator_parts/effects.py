"""Comparing before and after: how often a planted change is found, and one that is none."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np

from indicators.compare import Effect, compare


def prove_compare() -> dict[str, object]:
    """Return how often a planted change of -10 % is found in a simulated year, and how often one that is not there."""
    planted = [_simulated(seed, -0.1) for seed in range(20)]
    none = [_simulated(seed, 0.0) for seed in range(20)]
    many = [_simulated(seed, 0.0) for seed in range(1000, 1100)]
    return {
        "planted": {
            "found": sum(each.found for each in planted),
            "interval_holds_truth": sum(each.low <= -0.1 <= each.high for each in planted),
            "mean_change": round(sum(each.change for each in planted) / len(planted), 4),
            "mean_width": round(sum(each.high - each.low for each in planted) / len(planted), 4),
            "of": len(planted),
        },
        "none_planted": {"found": sum(each.found for each in none), "of": len(none)},
        "none_planted_other_seeds": {"found": sum(each.found for each in many), "of": len(many)},
        "share": planted[0].share,
    }


def _simulated(seed: int, change: float) -> Effect:
    """Return the comparison of two half years at one place with a control place.

    Both share season (+-10 % over the year) and weather (days correlated 0.6, 4 %); each has days of its own
    (correlated 0.5, 4 %) and hours of its own (15 %). Weekends carry 70 %. The measure takes effect at half-year.
    """
    chance = np.random.default_rng(seed)
    days, start = 364, datetime(2026, 1, 5, tzinfo=UTC)
    shared = 1 + 0.1 * np.sin(2 * math.pi * np.arange(days) / days) + 0.04 * _correlated(chance, days, 0.6)
    shape = 60 + 50 * np.sin(2 * math.pi * (np.arange(24) - 8) / 24)
    places = []
    for effect in (change, 0.0):
        of_day = shared * (1 + 0.04 * _correlated(chance, days, 0.5))
        of_day *= np.where(np.arange(days) % 7 >= 5, 0.7, 1.0) * np.where(np.arange(days) >= days // 2, 1 + effect, 1)
        hours = (of_day[:, None] * shape * (1 + 0.15 * chance.standard_normal((days, 24)))).ravel()
        places.append([(start + at * timedelta(hours=1), float(value)) for at, value in enumerate(hours)])
    place, control = places
    half = days // 2 * 24
    effect_found = compare(place[:half], place[half:], control=control)
    if effect_found is None:
        raise RuntimeError("half a year is enough to compare")
    return effect_found


def _correlated(chance: np.random.Generator, days: int, correlation: float) -> np.ndarray:
    noise = chance.standard_normal(days)
    for day in range(1, days):
        noise[day] = correlation * noise[day - 1] + math.sqrt(1 - correlation**2) * noise[day]
    return noise

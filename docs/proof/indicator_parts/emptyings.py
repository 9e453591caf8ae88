"""Emptyings of the bins of Wyndham: drops recognised, and lone spikes that are none."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from docs.proof.shared_data import shared_rows
from indicators.emptying import collections, emptyings
from indicators.fill import FillReading

FOUR_STEPS = 40.0  # percent


def wyndham() -> dict[str, list[FillReading]]:
    """Return the daily fill levels of each Wyndham bin, in percent."""
    bins: defaultdict[str, list[FillReading]] = defaultdict(list)
    for row in shared_rows("timeseries/waste_wyndham/wyndham_smart_bins.csv.gz"):
        at = datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC)
        bins[row["serialNumber"]].append(FillReading(at, 10.0 * float(row["latestFullness"])))
    return dict(bins)


def count_drops(bins: dict[str, list[FillReading]]) -> dict[str, int]:
    """Return how many drops of four steps there are, and how many are recognised and counted as emptyings."""
    drops = recognised = counted = 0
    for readings in bins.values():
        found = {each.time for each in emptyings(readings)}
        # The very last reading has none after it that could confirm it.
        counts = {each.time for each in collections(readings)} | {readings[-1].time}
        for before, low in pairwise(readings):
            if before.level - low.level >= FOUR_STEPS:
                drops += 1
                recognised += low.time in found
                counted += low.time in counts
    return {"drops_of_4_steps": drops, "recognised": recognised, "of_these_counted_as_collections": counted}


def count_spikes(bins: dict[str, list[FillReading]], replace: bool, seed: int = 1) -> dict[str, int]:
    """Inject a reading of 0 % at 2 % of rows and count those that are then called an emptying.

    `replace` False: the low reading comes ten minutes before the true one. True: it takes the true one's place; only
    those count as lone whose next true reading is not low itself, since otherwise the bin was emptied then.
    """
    chance = random.Random(seed)
    counts = {"injected": 0, "lone_with_a_drop": 0, "taken_for_an_emptying": 0, "told_as_perhaps_one": 0}
    for readings in bins.values():
        chosen = set(chance.sample(range(1, len(readings) - 1), round(0.02 * len(readings))))
        dirty: list[FillReading] = []
        lone: set[datetime] = set()
        for at, reading in enumerate(readings):
            if at in chosen:
                spike = FillReading(reading.time if replace else reading.time - timedelta(minutes=10), 0.0)
                dirty.append(spike)
                following = readings[at + 1] if replace else reading
                rises = following.level >= FOUR_STEPS and (not replace or following.level >= readings[at - 1].level)
                alone = at - 1 not in chosen and at + 1 not in chosen
                if readings[at - 1].level >= FOUR_STEPS and rises and alone:
                    lone.add(spike.time)
            if not (replace and at in chosen):
                dirty.append(reading)
        counts["injected"] += len(chosen)
        counts["lone_with_a_drop"] += len(lone)
        counted = {each.time for each in collections(dirty)}
        counts["taken_for_an_emptying"] += len(lone & counted)
        counts["told_as_perhaps_one"] += len(lone & {each.time for each in emptyings(dirty)} - counted)
    return counts

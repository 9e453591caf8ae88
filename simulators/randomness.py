"""Repeatable chance: every number is a function of a key, so that any moment can be asked for without the ones before.

The generator is SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every machine and in every process, which
Python's own `hash` of text is not.
"""

import math
from bisect import bisect_right
from hashlib import blake2b
from itertools import accumulate

_MASK = (1 << 64) - 1


def key_of(*parts: object) -> int:
    """Return the 64-bit key that stands for `parts` (their text), everywhere and always the same."""
    text = "\x1f".join(map(str, parts)).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


def mix(key: int, index: int) -> int:
    """Return the 64-bit number at `index` of the sequence that belongs to `key`."""
    z = (key + (index + 1) * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def uniform(key: int, index: int = 0) -> float:
    """Return a number in [0, 1)."""
    return (mix(key, index) >> 11) * (1.0 / (1 << 53))


def between(key: int, index: int, low: float, high: float) -> float:
    """Return a number in [low, high)."""
    return low + (high - low) * uniform(key, index)


def normal(key: int, index: int = 0) -> float:
    """Return a standard normal number, within about 3.5 (sum of four uniforms: smooth, bounded, cheap)."""
    z = mix(key, index)
    total = (z & 0xFFFF) + ((z >> 16) & 0xFFFF) + ((z >> 32) & 0xFFFF) + (z >> 48)
    return (total / 65536.0 - 2.0) * 1.7320508


def smooth(key: int, seconds: float, period: float) -> float:
    """Return smooth noise of about unit variance at a moment: hashed values each `period` seconds, joined smoothly."""
    position = seconds / period
    step = math.floor(position)
    share = position - step
    share = share * share * (3.0 - 2.0 * share)
    # Joining two values narrows their spread by a third on average: put it back.
    return 1.16 * (normal(key, step) * (1.0 - share) + normal(key, step + 1) * share)


def poisson(key: int, index: int, mean: float) -> int:
    """Return how many of many rare things happened, `mean` on average; above 30 by the normal approximation."""
    if mean > 30.0:
        return max(0, round(mean + math.sqrt(mean) * normal(key, index)))
    left, count = uniform(key, index), 0
    term = math.exp(-mean)
    while left > term and count < 100:
        left -= term
        count += 1
        term *= mean / count
    return count


def choose(key: int, index: int, weights: dict[str, float]) -> str:
    """Return one of the names, each with a chance proportional to its weight."""
    names = list(weights)
    ends = list(accumulate(weights.values()))
    return names[min(bisect_right(ends, uniform(key, index) * ends[-1]), len(names) - 1)]

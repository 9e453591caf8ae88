"""Batteries that last years, and the mains supply of gateways."""

from simulators.randomness import between, normal, smooth

LIFE_SECONDS = 5 * 365.25 * 86400.0


def battery_level(key: int, seconds: float) -> float:
    """Return percent left: an even decline over five years from a new cell, which is replaced at 35 %."""
    age = (seconds / LIFE_SECONDS + between(key + 60, 0, 0.0, 1.0)) % 1.0
    return round(100.0 - 65.0 * age, 1)


def measure_gateway(key: int, seconds: float) -> dict[str, float | None]:
    """Return a gateway's supply voltage and the signal it hears."""
    step = int(seconds // 60)
    return {
        "battery_voltage": round(13.6 + 0.05 * normal(key + 61, step), 2),
        "rssi": round(-71.0 + 3.0 * smooth(key + 62, seconds, 5400.0) + normal(key + 63, step)),
    }

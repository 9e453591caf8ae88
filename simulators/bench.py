"""One device type alone, for bench work: a city whose every device is of one profile."""

from dataclasses import replace

from citywatch.errors import CitywatchError
from simulators.city import City
from simulators.dialects import DIALECTS, SPOKEN, in_dialect
from simulators.placing import build_city

# profiles that speak native JSON, by the domain whose devices have them
NATIVE = {"citywatch/road": "traffic", "citywatch/bin": "waste", "citywatch/air": "air"}
SHARE = 8  # a city of so many times the devices asked for has enough of each domain


def bench_profiles() -> list[str]:
    """Return the profiles that the simulator can be."""
    return sorted([*NATIVE, *(dialect.profile for dialect in DIALECTS.values() if dialect.profile)])


def build_bench(seed: int, profile: str, count: int) -> City:
    """Return `count` devices of one profile, as the city of this seed has them; raise CitywatchError for another."""
    domain, dialect = _how(profile)
    city = build_city(seed, max(40, count * SHARE + 40))
    chosen = [in_dialect(device, dialect) for device in city.devices if device.domain == domain][:count]
    return replace(city, devices=tuple(chosen))


def _how(profile: str) -> tuple[str, str]:
    if profile in NATIVE:
        return NATIVE[profile], "native"
    for name, dialect in DIALECTS.items():
        if dialect.profile and dialect.profile == profile:
            return next(domain for domain, spoken in SPOKEN.items() if name in spoken and name != "native"), name
    raise CitywatchError(f"the simulator cannot be a {profile!r}: it can be {', '.join(bench_profiles())}")

"""Scenarios: which faults and incidents are planted, where and when, from a YAML file, a seed and a start."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from citywatch.durations import parse_duration
from citywatch.errors import CitywatchError
from simulators.city import City, RoadTraits, SimulatedDevice
from simulators.faults import FROZEN, SILENT, VALUE_FAULTS
from simulators.geography import CORRIDORS
from simulators.incidents import INCIDENTS, reach
from simulators.planting import Planted
from simulators.randomness import between, key_of, poisson, uniform
from simulators.signals import readings_at
from simulators.signals.calendar import local_seconds, utc_seconds
from simulators.wire_faults import WIRE_FAULTS

KINDS = frozenset({*INCIDENTS, *VALUE_FAULTS, *SILENT, *FROZEN, *WIRE_FAULTS})
# which devices an incident or fault of one domain can happen to; the rest happen to any
DOMAINS = {
    "overflow": "waste",
    "bin_fire": "waste",
    "pollution_episode": "air",
    "crash": "traffic",
    "congestion": "traffic",
    "festival": "waste",
    "gateway_down": "health",
    "battery_decline": "waste",
}


def _duration(value: object) -> object:
    """Return the duration that a text spells; a minus sign in front means before."""
    if not isinstance(value, str):
        return value
    return -parse_duration(value[1:]) if value.startswith("-") else parse_duration(value)


Duration = Annotated[timedelta, BeforeValidator(_duration)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Plant(_Part):
    """One thing to plant, `after` the start or when the city's clocks next show `clock`.

    `after: -10m` is before the start. `count` says on how many devices, `pick` on which of the domain: any, the
    `fullest` bin, a `motorway` or an `arterial` detector.
    """

    kind: str
    after: Duration = timedelta()
    clock: str | None = Field(None, pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    lasts: Duration = timedelta(minutes=20)
    domain: str | None = None
    district: str | None = None
    pick: Literal["any", "fullest", "motorway", "arterial"] = "any"
    count: int = Field(1, ge=1)
    parameters: dict[str, Any] = {}


class Mix(_Part):
    """A kind that happens at random, `per_day` times a day in the whole city."""

    kind: str
    per_day: float = Field(gt=0)
    lasts: tuple[Duration, Duration]
    domain: str | None = None
    parameters: dict[str, Any] = {}


class Scenario(_Part):
    """One scenario file. `start` fixes its clock (RFC 3339) where the date matters, as for the change of clocks."""

    name: str
    description: str
    start: datetime | None = None
    lasts: Duration = timedelta(days=1)
    devices: int | None = None
    plants: tuple[Plant, ...] = ()
    mix: tuple[Mix, ...] = ()


def scenario_names() -> list[str]:
    """Return the names of the shipped scenarios."""
    folder = resources.files("simulators") / "scenarios"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def load_scenario(name: str) -> Scenario:
    """Return a shipped scenario by name, or one of your own by path; raise CitywatchError with the reason."""
    path: Path | Traversable = Path(name)
    if not name.endswith((".yaml", ".yml")):
        if name not in scenario_names():
            raise CitywatchError(f"no scenario {name!r}: there are {', '.join(scenario_names())}, or give a YAML file")
        path = resources.files("simulators") / "scenarios" / f"{name}.yaml"
    try:
        scenario = Scenario.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as reason:
        raise CitywatchError(f"{path}: {reason}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise CitywatchError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    for kind in [*(p.kind for p in scenario.plants), *(m.kind for m in scenario.mix)]:
        if kind not in KINDS:
            raise CitywatchError(f"{path}: nothing is known of {kind!r}: there are {', '.join(sorted(KINDS))}")
    return scenario


def fixed_plants(scenario: Scenario, city: City, start: datetime) -> Iterator[Planted]:
    """Yield what the scenario plants at stated times."""
    taken: set[str] = set()
    for number, plant in enumerate(scenario.plants):
        begin = _begin(plant, start)
        for at in range(plant.count):
            key = key_of(city.seed, scenario.name, number, at)
            domain = plant.domain or DOMAINS.get(plant.kind)
            device = _pick(city, key, plant.kind, domain, plant.district, plant.pick, begin, taken)
            taken.add(device.device_id)
            name = f"{scenario.name}-{number + 1}" + (f"-{at + 1}" if plant.count > 1 else "")
            yield planted_at(name, plant.kind, begin, begin + plant.lasts, city, device, plant.parameters)


def mixed_plants(scenario: Scenario, city: City, start: datetime, hour: int) -> Iterator[Planted]:
    """Yield what happens at random in the `hour`-th hour after the start."""
    for mix in scenario.mix:
        key = key_of(city.seed, scenario.name, mix.kind, mix.domain)
        for at in range(poisson(key, hour, mix.per_day / 24)):
            one = key_of(key, hour, at)
            begin = start + timedelta(seconds=hour * 3600 + round(3600 * uniform(one, 0)))
            lasts = between(one, 1, mix.lasts[0].total_seconds(), mix.lasts[1].total_seconds())
            domain = mix.domain or DOMAINS.get(mix.kind)
            device = _pick(city, one, mix.kind, domain, None, "any", begin, set())
            name = f"{scenario.name}-{mix.kind}-{hour}-{at}"
            end = begin + timedelta(seconds=round(lasts))
            yield planted_at(name, mix.kind, begin, end, city, device, mix.parameters)


def planted_at(
    planted_id: str,
    kind: str,
    start: datetime,
    end: datetime,
    city: City,
    device: SimulatedDevice,
    parameters: dict[str, Any],
) -> Planted:
    """Return the plant with every device that it reaches."""
    affected, placed = reach(kind, city, device, parameters)
    if kind == "gateway_down":
        behind = (d.device_id for d in city.devices if d.gateway_id == device.device_id)
        affected = (device.device_id, *behind)
    elif kind == "power_cut":
        # Mains-fed things go dark; bins live on their batteries.
        dark = (
            d.device_id
            for d in city.devices
            if d.site.district_id == device.site.district_id and d.domain != "waste" and d is not device
        )
        affected = (device.device_id, *dark)
    district = device.site.district_id
    return Planted(
        planted_id,
        kind,
        start.astimezone(UTC),
        end.astimezone(UTC),
        device.device_id,
        district,
        {**parameters, **placed},
        affected,
    )


def _begin(plant: Plant, start: datetime) -> datetime:
    """Return when a plant begins."""
    if plant.clock is None:
        return start + plant.after
    hour, minute = map(int, plant.clock.split(":"))
    local = local_seconds(start.timestamp())
    wanted = local // 86400 * 86400 + hour * 3600 + minute * 60
    return datetime.fromtimestamp(utc_seconds(wanted if wanted >= local else wanted + 86400), UTC)


def _pick(
    city: City,
    key: int,
    kind: str,
    domain: str | None,
    district: str | None,
    pick: str,
    at: datetime,
    taken: set[str],
) -> SimulatedDevice:
    """Return the device that something happens to."""
    fitting = [
        d
        for d in city.devices
        if (d.domain == domain if domain else d.domain != "health")
        and (district is None or d.site.district_id == district)
        # The time and the counter of a LoRaWAN message are its network's: only native devices get those wrong.
        and (d.dialect == "native" or kind not in WIRE_FAULTS)
    ]
    choices = [d for d in fitting if d.device_id not in taken]
    if not choices and kind in INCIDENTS:
        choices = fitting  # a small place may see two incidents; two faults of one device nobody could tell apart
    if not choices:
        raise CitywatchError(
            f"the city has no {domain or 'device'} left {f'in {district} ' if district else ''}for this"
        )
    if pick == "fullest":
        return max(choices, key=lambda d: (readings_at(city.seed, d, at.timestamp())["fill_level"] or 0, d.device_id))
    if pick in ("motorway", "arterial"):
        corridors = {c.corridor_id for c in CORRIDORS if c.kind == pick}
        choices = [d for d in choices if isinstance(d.traits, RoadTraits) and d.traits.corridor_id in corridors]
    return choices[int(uniform(key, 5) * len(choices))]

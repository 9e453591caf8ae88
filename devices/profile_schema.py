"""The shape of a profile file, and its check: what may stand in `devices/profiles/*.yaml`."""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from citywatch.durations import parse_duration
from citywatch.errors import SettingsError
from devices.model import Domain
from devices.properties import DERIVED, FORBIDDEN, PROPERTIES
from devices.units import conversion

NAME = r"^[a-z0-9][a-z0-9._-]*$"
KEY = r"^[a-z0-9][a-z0-9._-]*/[a-z0-9][a-z0-9._-]*$"


def _duration(value: object) -> object:
    if isinstance(value, str):
        try:
            return parse_duration(value)
        except SettingsError as reason:
            raise ValueError(str(reason)) from None
    return value


def _property(name: str) -> str:
    if name in FORBIDDEN:
        raise ValueError(f"{name} is personal data: there is no place for it")
    if name not in PROPERTIES:
        raise ValueError(f"{name} is not in the catalogue of observed properties")
    if name in DERIVED:
        raise ValueError(f"{name} is worked out here from what devices measure: none may send it")
    return name


def _field(value: object) -> object:
    return {"property": value} if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_duration)]
PropertyName = Annotated[str, BeforeValidator(_property)]


class Part(BaseModel):
    """Base of every part: unknown keys are errors, so that a misspelt limit is not silently no limit."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class FieldMap(Part):
    """One source field: which property it is, in which unit, and what its odd values mean."""

    property: PropertyName
    unit: str | None = None
    scale: float = 1.0
    offset: float = 0.0
    boolean: bool = False
    values: dict[str, float] = {}
    missing: tuple[float | str, ...] = ()
    absent: tuple[float | str, ...] = ()
    text: bool = False

    @model_validator(mode="after")
    def _unit_converts(self) -> "FieldMap":
        if self.unit is not None:
            conversion(self.unit, self.property)
        return self


class FillLevel(Part):
    """Fill level from the distance to the content: `empty` and `full` are that distance in cm in either state."""

    source: Literal["distance"] = Field("distance", alias="from")
    empty: float = Field(gt=0)
    full: float = Field(ge=0)

    @model_validator(mode="after")
    def _empty_is_farther(self) -> "FillLevel":
        if self.empty <= self.full:
            raise ValueError(f"empty ({self.empty} cm) must be farther away than full ({self.full} cm)")
        return self


class Derived(Part):
    """Readings computed from others of the same record."""

    fill_level: FillLevel | None = None


class Range(Part):
    """Inclusive bounds; see `devices.limits.GrossRange`."""

    fail: tuple[float, float] | None = None
    suspect: tuple[float, float] | None = None


class StepLimits(Part):
    """See `devices.limits.Step`."""

    suspect: float | None = Field(None, gt=0)
    fail: float | None = Field(None, gt=0)


class FlatLineLimits(Part):
    """See `devices.limits.FlatLine`; a tolerance of 0 would never fire."""

    tolerance: float = Field(gt=0)
    suspect_after: Duration | None = None
    fail_after: Duration | None = None


class AttenuatedLimits(Part):
    """See `devices.limits.Attenuated`."""

    period: Duration
    suspect_below: float | None = Field(None, gt=0)
    fail_below: float | None = Field(None, gt=0)
    spread: Literal["std", "range"] = "std"
    least: int = Field(3, ge=2, le=1000)


class GapLimits(Part):
    """See `devices.limits.Gap`."""

    suspect_after: Duration | None = None
    fail_after: Duration | None = None


class PropertyLimits(Part):
    """Every limit of one property."""

    gross_range: Range = Range()
    spike: StepLimits | None = None
    rate_of_change: StepLimits | None = None
    flat_line: FlatLineLimits | None = None
    attenuated_signal: AttenuatedLimits | None = None
    gap: GapLimits | None = None


class Battery(Part):
    """How the device is powered, and below which level it wants a visit."""

    property: PropertyName = "battery"
    low: float


class History(Part):
    """Where a decoder puts readings it stored earlier: a list under `path`, each entry with its own `time`."""

    path: str = "history"
    time: str = "timestamp"


class Example(Part):
    """One message in, what it must give out; every example is a test.

    In: `payload` (through the profile's envelope; an object is sent as JSON), or `hex` with `port`.
    Out: `readings` as property to value (a list of such mappings for a pack), `refused` as property to reason,
    `decoded` as the vendor's own fields, or `error`. What is left out is not compared.
    """

    description: str = ""
    payload: Any = None
    hex: str | None = None
    port: int | None = None
    decoded: dict[str, Any] | None = None
    readings: dict[str, float | None] | list[dict[str, float | None]] | None = None
    refused: dict[str, str] = {}
    error: str | None = None

    @model_validator(mode="after")
    def _one_input(self) -> "Example":
        if (self.payload is None) == (self.hex is None):
            raise ValueError("an example has either payload or hex")
        return self

    @model_validator(mode="after")
    def _can_be_run(self) -> "Example":
        try:
            bytes.fromhex(self.hex or "")
            orjson.dumps(self.payload)
            re.compile(self.error or "")
        except (ValueError, TypeError, re.error) as fault:
            raise ValueError(f"an example that cannot be run: {fault}") from None
        return self


class ProfileFile(Part):
    """One device type.

    `also` names models that speak the same way. Bytes on a port that is not among `ports` are not decoded; the first
    one stands in where the network left the port out. `time` is the field of a foreign record that holds its time.
    `variables` are handed to a JavaScript decoder.
    """

    vendor: str = Field(pattern=NAME)
    model: str = Field(pattern=NAME)
    label: str = ""
    source: str = ""
    domain: Domain
    envelope: str
    codec: str | None = None
    variables: dict[str, str] = {}
    also: tuple[Annotated[str, Field(pattern=KEY)], ...] = ()
    ports: tuple[Annotated[int, Field(ge=0, le=255)], ...] = ()
    time: str | None = None
    history: History | None = None
    fields: Literal["catalogue"] | dict[str, Annotated[FieldMap, BeforeValidator(_field)]]
    unmapped: Literal["refuse", "ignore"] = "refuse"
    ignore: tuple[str, ...] = ()
    derived: Derived = Derived()
    expected_interval: Duration
    limits: dict[PropertyName, PropertyLimits] = {}
    battery: Battery | None = None
    examples: tuple[Example, ...] = ()

"""Device profiles: what a type of device says, how it says it, and which of its values are believable."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from devices.codecs import CODECS, Codec
from devices.envelopes import ENVELOPES
from devices.javascript import JavaScriptDecoder, Sandbox
from devices.limits import Attenuated, FlatLine, Gap, GrossRange, Limits, Step
from devices.mapping import NATIVE_KEYS, Field, FillFromDistance, Mapper, Meaning, catalogue_fields
from devices.model import Decoded, DecodeError, Domain, Uplink
from devices.profile_files import ProfileError, fault_at, read_profile_file
from devices.profile_schema import Battery, Example, FieldMap, History, ProfileFile, PropertyLimits
from devices.properties import PROPERTIES
from devices.units import conversion

BUILTIN = Path(__file__).parent / "profiles"
# Envelopes whose records carry `time`, `seq` and the like beside the readings
NATIVE = ("native", "senml_json", "senml_cbor")


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """One device type, ready to decode. `properties` are those it can yield, derived ones among them."""

    vendor: str
    model: str
    also: tuple[str, ...]
    label: str
    domain: Domain
    envelope: str
    codec_name: str | None
    ports: tuple[int, ...]
    properties: tuple[str, ...]
    expected_interval: timedelta
    limits: Mapping[str, Limits]
    battery: Battery | None
    examples: tuple[Example, ...]
    path: Path
    codec: Codec | None
    mapper: Mapper
    history: History | None

    @property
    def key(self) -> str:
        """Return `vendor/model`, by which devices name their profile."""
        return f"{self.vendor}/{self.model}"

    def decode(self, uplink: Uplink, now: datetime | None = None) -> Decoded:
        """Return what one message says; `now` is what relative times count from, where the uplink has none itself.

        Bytes go through the profile's codec. Without bytes, or without a codec, the records of the uplink count.
        """
        records: Sequence[Mapping[str, object]] = uplink.records
        if self.codec is not None and uplink.raw is not None:
            records = (self.decode_bytes(uplink.raw, uplink.port, uplink.time),)
        elif not records and uplink.raw is not None:
            raise DecodeError(f"{self.key} has no codec, and the network sent no decoded payload")
        return self.map(records, uplink.now or uplink.time or now)

    def map(self, records: Sequence[Mapping[str, object]], now: datetime | None = None) -> Decoded:
        """Return the readings in records that are decoded already, stored ones after the fresh ones."""
        decoded = self.mapper.map(records, now)
        if self.history is not None:
            for entries in [record[self.history.path] for record in records if self.history.path in record]:
                earlier = self._decode_history(entries, self.history, now)
                decoded.readings.extend(earlier.readings)
                decoded.refused.extend(earlier.refused)
        return decoded

    def _decode_history(self, entries: object, history: History, now: datetime | None) -> Decoded:
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise DecodeError(f"{history.path} is not a list of records")
        return self.mapper.with_time(history.time).map(entries, now)

    def decode_bytes(self, payload: bytes, port: int | None, time: datetime | None = None) -> Mapping[str, object]:
        """Return the vendor's own fields of a binary payload that the network received at `time`."""
        if self.codec is None:
            raise DecodeError(f"{self.key} has no codec")
        if port is None:
            port = self.ports[0] if self.ports else None
        elif self.ports and port not in self.ports:
            raise DecodeError(f"{self.key} does not send readings on port {port}")
        return self.codec(payload, port, time)

    def with_geometry(self, *, empty: float, full: float) -> "Profile":
        """Return this profile for a bin with its own distances (cm) when empty and when full."""
        return replace(self, mapper=self.mapper.with_fill(FillFromDistance(empty, full)))


def load_profiles(*folders: Path, sandbox: Sandbox | None = None) -> dict[str, Profile]:
    """Return every profile of `folders` by its key; the same key in a later folder wins, within one it is an error.

    Vendors' JavaScript runs in `sandbox`, by default one for all the profiles that are returned.
    """
    sandbox = sandbox or Sandbox()
    profiles: dict[str, Profile] = {}
    for folder in folders:
        here: dict[str, Profile] = {}
        for path in sorted(folder.rglob("*.yaml")):
            profile = load_profile(path, sandbox)
            for key in (profile.key, *profile.also):
                if key in here:
                    raise ProfileError(f"{path}: line 1: {key} is also in {here[key].path}")
                here[key] = profile
        profiles |= here
    return profiles


def load_profile(path: Path, sandbox: Sandbox) -> Profile:
    """Return the profile in one file; raise ProfileError naming file, line and reason."""
    return make_profile(read_profile_file(path), path, sandbox)


def make_profile(content: ProfileFile, path: Path, sandbox: Sandbox) -> Profile:
    """Return the profile of a file's content; raise ProfileError as `load_profile` does."""
    if content.envelope not in ENVELOPES:
        raise fault_at(path, "envelope", f"{content.envelope} is none of {', '.join(ENVELOPES)}")
    fields = _fields(content)
    fill = content.derived.fill_level
    native = content.envelope in NATIVE
    mapper = Mapper(
        fields,
        by_last_name=content.fields == "catalogue",
        refuse_unmapped=content.unmapped == "refuse",
        ignore=frozenset(content.ignore),
        fill=None if fill is None else FillFromDistance(fill.empty, fill.full),
        reserved=NATIVE_KEYS if native else frozenset({content.time} if content.time else ()),
        time_key="time" if native else content.time,
    )
    properties = dict.fromkeys(field.property for field in fields.values())
    if fill is not None:
        properties["fill_level"] = None
    return Profile(
        vendor=content.vendor,
        model=content.model,
        also=content.also,
        label=content.label or f"{content.vendor} {content.model}",
        domain=content.domain,
        envelope=content.envelope,
        codec_name=content.codec,
        ports=content.ports,
        properties=tuple(properties),
        expected_interval=content.expected_interval,
        limits={name: _limits(name, content.limits.get(name)) for name in properties},
        battery=content.battery,
        examples=content.examples,
        path=path,
        codec=_codec(content, path, sandbox),
        mapper=mapper,
        history=content.history,
    )


def _codec(content: ProfileFile, path: Path, sandbox: Sandbox) -> Codec | None:
    if content.codec is None:
        return None
    kind, _, name = content.codec.partition(":")
    if kind == "native" and name in CODECS:
        return CODECS[name]
    if kind == "js":
        script = (path.parent / name).resolve()
        if not script.is_relative_to(path.parent.resolve()) or not script.is_file():
            raise fault_at(path, "codec", f"{name} is no file beside the profile")
        return JavaScriptDecoder(script.read_text(encoding="utf-8", errors="replace"), sandbox, content.variables)
    raise fault_at(path, "codec", f"{content.codec} is neither native:NAME nor js:FILE")


def _fields(content: ProfileFile) -> dict[str, Field]:
    if isinstance(content.fields, str):
        return catalogue_fields()
    return {path: _field(entry) for path, entry in content.fields.items()}


def _field(entry: FieldMap) -> Field:
    scale, offset = entry.scale, entry.offset
    if entry.unit is not None:
        to_catalogue = conversion(entry.unit, entry.property)
        scale, offset = scale * to_catalogue.scale, offset * to_catalogue.scale + to_catalogue.offset
    if not (entry.boolean or entry.values or entry.missing or entry.absent or entry.text):
        return Field(entry.property, scale, offset)
    missing, absent = frozenset(entry.missing), frozenset(entry.absent)
    meaning = Meaning(entry.boolean, entry.values or None, missing, absent, entry.text)
    return Field(entry.property, scale, offset, meaning)


def _limits(name: str, stated: PropertyLimits | None) -> Limits:
    """Return the stated limits; the catalogue's physical range stands in where no fail range is given."""
    possible = (PROPERTIES[name].low, PROPERTIES[name].high)
    if stated is None:
        return Limits(GrossRange(possible))
    spike, rate, flat = stated.spike, stated.rate_of_change, stated.flat_line
    weak, gap = stated.attenuated_signal, stated.gap
    return Limits(
        GrossRange(stated.gross_range.fail or possible, stated.gross_range.suspect),
        None if spike is None else Step(spike.suspect, spike.fail),
        None if rate is None else Step(rate.suspect, rate.fail),
        None if flat is None else FlatLine(flat.tolerance, flat.suspect_after, flat.fail_after),
        None if weak is None else Attenuated(weak.period, weak.suspect_below, weak.fail_below, weak.spread, weak.least),
        None if gap is None else Gap(gap.suspect_after, gap.fail_after),
    )

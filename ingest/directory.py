"""The devices as ingest needs them: profile, time base and channels of each, kept across reloads of the registry."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from devices.limits import GrossRange, Limits
from devices.model import Device
from devices.profiles import Profile
from devices.properties import PROPERTIES
from devices.registry import Registry
from ingest.model import Channel
from ingest.quality.memory import needs_memory


@dataclass(slots=True, eq=False)
class Speaker:
    """One device: `profile` is None where the registry names one that is not there."""

    device: Device
    profile: Profile | None
    live: bool
    datastreams: Mapping[tuple[str, str], int]
    channels: dict[str, Channel] = field(default_factory=dict)

    def channel(self, name: str) -> Channel:
        """Return the channel of an observed property, made on its first reading."""
        channel = self.channels.get(name)
        if channel is None:
            observed = PROPERTIES[name]
            channel = Channel(
                self.device.device_id,
                name,
                observed.unit,
                self._limits(name),
                self.device.expected_interval,
                self.datastreams.get((self.device.device_id, name)),
            )
            channel.watched = needs_memory(channel.limits)
            self.channels[name] = channel
        return channel

    def renew(self, device: Device, profile: Profile | None, live: bool) -> None:
        """Take over what the registry and the profile say now; what the channels remember stays."""
        self.device, self.profile, self.live = device, profile, live
        for name, channel in self.channels.items():
            channel.limits, channel.interval = self._limits(name), device.expected_interval
            channel.watched = needs_memory(channel.limits)

    def _limits(self, name: str) -> Limits:
        stated = None if self.profile is None else self.profile.limits.get(name)
        return stated or Limits(GrossRange((PROPERTIES[name].low, PROPERTIES[name].high)))


class Directory:
    """Every device by id, and the clocks of the replay sources, which only advance."""

    def __init__(self) -> None:
        self.speakers: dict[str, Speaker] = {}
        self.clocks: dict[str, datetime] = {}
        self.edition = 0

    def renew(self, registry: Registry, profiles: Mapping[str, Profile]) -> None:
        """Take over a fresh registry; devices that are gone are forgotten."""
        before, self.speakers = self.speakers, {}
        for device_id, device in registry.devices.items():
            live = registry.sources[device.source_id].live
            profile = profiles.get(device.profile)
            speaker = before.get(device_id)
            if speaker is None:
                speaker = Speaker(device, profile, live, registry.datastreams)
            else:
                speaker.datastreams = registry.datastreams
                speaker.renew(device, profile, live)
            self.speakers[device_id] = speaker
        for source in registry.sources.values():
            if source.clock is not None:
                self.advance(source.source_id, source.clock)
        self.edition += 1

    def advance(self, source_id: str, to: datetime) -> datetime:
        """Move a source's clock forward to `to`, never back, and return where it stands."""
        clock = self.clocks.get(source_id)
        if clock is None or clock < to:
            self.clocks[source_id] = clock = to
        return clock

"""Topic to envelope: which topics are listened to, and where in a topic the device's id stands."""

from collections.abc import Mapping
from dataclasses import dataclass

from citywatch.errors import SettingsError
from devices.envelopes.network_server import WEBHOOK

# Citywatch's own topic scheme; the device's profile says by which envelope it speaks there.
NATIVE = "city/v1/devices/{device_id}/telemetry"
DEVICE = "{device_id}"
WEBHOOKS = ("tts_v3", "chirpstack_v4", "airgradient")


@dataclass(frozen=True, slots=True)
class Route:
    """One topic template: literal levels, `+`, a last `#`, and `{device_id}` at most once."""

    template: str
    envelope: str | None  # None: the profile's own
    levels: tuple[str, ...]

    @property
    def filter(self) -> str:
        """Return the MQTT topic filter to subscribe to."""
        return "/".join("+" if level == DEVICE else level for level in self.levels)

    def match(self, topic: str) -> tuple[bool, str | None]:
        """Return whether `topic` is of this route, and the device id in it, None where the template has none."""
        parts = topic.split("/")
        device_id = None
        for at, level in enumerate(self.levels):
            if level == "#":
                return True, device_id
            if at >= len(parts):
                return False, None
            if level == DEVICE:
                device_id = parts[at]
            elif level not in ("+", parts[at]):
                return False, None
        return len(parts) == len(self.levels), device_id


def make_route(template: str, envelope: str | None = None) -> Route:
    """Return the route of one template; raise SettingsError where it is not a topic filter."""
    levels = tuple(template.split("/"))
    wild = [level for level in levels if ("+" in level or "#" in level or "{" in level)]
    if not template or any(level not in ("+", "#", DEVICE) for level in wild) or "#" in levels[:-1]:
        raise SettingsError(f"{template!r} is not a topic template: levels, +, a last # and {DEVICE}")
    if levels.count(DEVICE) > 1:
        raise SettingsError(f"{template!r} names {DEVICE} twice")
    return Route(template, envelope, levels)


def make_routes(foreign: Mapping[str, str], envelopes: Mapping[str, object]) -> tuple[Route, ...]:
    """Return the native route, those of webhooks and of the settings; the first that matches a topic is taken."""
    routes = [make_route(NATIVE), *(make_route(WEBHOOK.format(name), name) for name in WEBHOOKS)]
    for template, envelope in foreign.items():
        if envelope not in envelopes:
            raise SettingsError(f"route {template}: envelope {envelope} is none of {', '.join(envelopes)}")
        routes.append(make_route(template, envelope))
    return tuple(routes)

"""CAP 1.2 (OASIS): an alert in the words that civil protection, broadcasters and signs understand.

Identifier and sender hold no space, comma, `<` or `&`; times end in a numeric offset, never in `Z`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

from citywatch.errors import AlertError
from rules.model import Severity

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
_FORBIDDEN = re.compile(r"[\s,<&]")
SEVERITIES = {
    Severity.CRITICAL: "Extreme",
    Severity.HIGH: "Severe",
    Severity.MEDIUM: "Moderate",
    Severity.LOW: "Minor",
}
CATEGORIES = {"air": "Env", "traffic": "Transport", "waste": "Infra", "weather": "Met", "noise": "Env"}


@dataclass(frozen=True, slots=True)
class PublicAlert:
    """What a public alert says. `kind` is Alert, Update or Cancel; the latter two name the `earlier` ones.

    `area` is a description with a circle (latitude, longitude, radius in km) or a polygon of (latitude, longitude).
    """

    identifier: str
    sender: str
    sent_at: datetime
    event: str
    headline: str
    description: str
    instruction: str
    severity: Severity
    domain: str
    area: str
    expires_at: datetime
    circle: tuple[float, float, float] | None = None
    polygon: Sequence[tuple[float, float]] = ()
    kind: str = "Alert"
    status: str = "Actual"
    scope: str = "Public"
    language: str = "en"
    earlier: Sequence[tuple[str, str, datetime]] = ()  # sender, identifier, sent


def to_cap(alert: PublicAlert) -> bytes:
    """Return the message as XML; raise AlertError where the standard would not allow it."""
    _check(alert)
    ElementTree.register_namespace("", NAMESPACE)
    root = ElementTree.Element(f"{{{NAMESPACE}}}alert")
    head = {
        "identifier": alert.identifier,
        "sender": alert.sender,
        "sent": cap_time(alert.sent_at),
        "status": alert.status,
        "msgType": alert.kind,
        "scope": alert.scope,
    }
    _fill(root, head)
    if alert.earlier:
        earlier = " ".join(f"{sender},{identifier},{cap_time(at)}" for sender, identifier, at in alert.earlier)
        _fill(root, {"references": earlier})
    info = ElementTree.SubElement(root, f"{{{NAMESPACE}}}info")
    _fill(
        info,
        {
            "language": alert.language,
            "category": CATEGORIES.get(alert.domain, "Other"),
            "event": alert.event,
            "urgency": "Past" if alert.kind == "Cancel" else "Immediate",
            "severity": SEVERITIES[alert.severity],
            "certainty": "Observed",
            "expires": cap_time(alert.expires_at),
            "headline": alert.headline[:160],
            "description": alert.description,
            "instruction": alert.instruction,
        },
    )
    area = ElementTree.SubElement(info, f"{{{NAMESPACE}}}area")
    _fill(area, {"areaDesc": alert.area})
    if alert.polygon:
        _fill(area, {"polygon": " ".join(f"{latitude:.6f},{longitude:.6f}" for latitude, longitude in alert.polygon)})
    if alert.circle is not None:
        latitude, longitude, radius = alert.circle
        _fill(area, {"circle": f"{latitude:.6f},{longitude:.6f} {radius:g}"})
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def cap_time(at: datetime) -> str:
    """Return an instant as CAP writes it: `2026-03-01T07:05:00-00:00`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S-00:00")


def public_alert(
    body: Mapping[str, object], sender: str, *, domain: str, lasts: timedelta, radius: float = 0.5
) -> PublicAlert:
    """Return what to publish of a notification's body (as in the outbox): a circle of `radius` km around it."""
    latitude, longitude = body["latitude"], body["longitude"]
    if not isinstance(latitude, float) or not isinstance(longitude, float):
        raise AlertError("a public alert needs a place: this device has none")
    sent_at = datetime.fromisoformat(str(body["sent_at"]))
    return PublicAlert(
        identifier=str(body["id"]),
        sender=sender,
        sent_at=sent_at,
        event=str(body["rule_id"]).replace("-", " ").capitalize(),
        headline=str(body["text"]),
        description=f"{body['text']}, since {body['raised_at']}. From an indicative sensor.",
        instruction=str(body["operator_action"] or "Follow the advice of the authorities."),
        severity=Severity(str(body["severity"])),
        domain=domain,
        area=str(body["district_id"] or "Around the device"),
        expires_at=sent_at + lasts,
        circle=(latitude, longitude, radius),
    )


def _check(alert: PublicAlert) -> None:
    for name in ("identifier", "sender"):
        if not getattr(alert, name) or _FORBIDDEN.search(getattr(alert, name)):
            raise AlertError(f"a CAP {name} holds no space, comma, < or &")
    if alert.kind in ("Update", "Cancel") and not alert.earlier:
        raise AlertError(f"a CAP {alert.kind} names the message that it follows")
    if alert.polygon and (len(alert.polygon) < 4 or alert.polygon[0] != alert.polygon[-1]):
        raise AlertError("a CAP polygon has at least four points and ends where it began")
    if alert.expires_at <= alert.sent_at:
        raise AlertError("a public alert expires after it was sent")


def _fill(parent: ElementTree.Element, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        ElementTree.SubElement(parent, f"{{{NAMESPACE}}}{name}").text = text

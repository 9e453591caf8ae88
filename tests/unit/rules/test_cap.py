"""Public alerts against the schema of OASIS itself."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from citywatch.errors import AlertError
from rules.model import Severity
from rules.notify.cap import PublicAlert, public_alert, to_cap
from tests.unit.rules.series import at

xmlschema = pytest.importorskip("xmlschema", reason="xmlschema validates against the schema of OASIS")

ALERT = PublicAlert(
    identifier="citywatch-1",
    sender="control@city.example",
    sent_at=at(0),
    event="Smoke",
    headline="Smoke over the harbour & the old town",
    description="PM2.5 at 230 µg/m³ <indicative>",
    instruction="Stay inside and close the windows.",
    severity=Severity.CRITICAL,
    domain="air",
    area="Harbour",
    expires_at=at(7200),
    circle=(52.0, 4.3, 1.5),
)
SQUARE = ((52.0, 4.3), (52.1, 4.3), (52.1, 4.4), (52.0, 4.3))
BODY: dict[str, Any] = {
    "id": "citywatch-notification-7", "text": "air 1: fine particles at 230 µg/m³", "severity": "CRITICAL",
    "rule_id": "pm2-5-hazardous", "raised_at": at(0).isoformat(), "sent_at": at(20).isoformat(),
    "district_id": "harbour", "latitude": 52.0, "longitude": 4.3, "operator_action": "Stay inside.",
}  # fmt: skip


@pytest.fixture(scope="module")
def schema(shared_data: Path) -> Any:
    return xmlschema.XMLSchema(shared_data / "cap" / "cap12.xsd")


@pytest.mark.parametrize(
    "alert",
    [
        pytest.param(ALERT, id="an alert with a circle"),
        pytest.param(replace(ALERT, circle=None, polygon=SQUARE), id="with a polygon"),
        pytest.param(replace(ALERT, kind="Cancel", earlier=[("a@b", "citywatch-0", at(-60))]), id="a cancel"),
        pytest.param(replace(ALERT, kind="Update", earlier=[("a@b", "x-0", at(-60))], status="Test"), id="an update"),
        pytest.param(public_alert(BODY, "a@b", domain="air", lasts=timedelta(hours=2)), id="from a notification"),
        *(pytest.param(replace(ALERT, severity=each), id=f"of {each}") for each in Severity),
    ],
)
def test_messages_hold_to_the_schema(schema: Any, alert: PublicAlert) -> None:
    text = to_cap(alert)
    schema.validate(ElementTree.fromstring(text))
    assert b"Z<" not in text


def test_the_schema_refuses_what_is_wrong(schema: Any) -> None:
    assert not schema.is_valid(ElementTree.fromstring(to_cap(ALERT).replace(b"Extreme", b"Terrible")))
    assert not schema.is_valid(ElementTree.fromstring(to_cap(ALERT).replace(b"-00:00<", b"Z<", 1)))


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        ({"identifier": "a b"}, "identifier"),
        ({"sender": "a,b"}, "sender"),
        ({"kind": "Cancel"}, "names the message"),
        ({"polygon": SQUARE[:3]}, "four points"),
        ({"expires_at": at(0)}, "expires"),
    ],
)
def test_what_the_standard_forbids_is_refused(odd: dict[str, Any], message: str) -> None:
    with pytest.raises(AlertError, match=message):
        to_cap(replace(ALERT, **odd))

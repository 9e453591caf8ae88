"""Six kinds of bad input, published to a running city: each is visible with its reason, and nothing stops."""

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests.installation import Installation, installation, wait_for

TOPIC = "city/v1/devices/{}/telemetry"


@contextmanager
def publisher(port: int) -> Iterator[mqtt.Client]:
    """A connected publisher; QoS 1, each message acknowledged by the broker before the next."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, "proof")
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


def some_device(city: Installation, profile: str) -> str:
    """Return the id of one registered device of a type."""
    devices = city.get("/api/v1/devices", profile=profile, limit=1)["items"]
    return str(devices[0]["device_id"])


def prove() -> dict[str, object]:
    """Publish the six kinds and look each up where an operator would."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        with installation(Path(folder) / "data", "--devices", "30") as city:
            device = some_device(city, "citywatch/bin")
            cases: dict[str, tuple[str, bytes, set[str]]] = {
                "not a number": (device, b'{"fill_level": "abc"}', {"not_a_number"}),
                "invalid JSON": (device, b'{"fill_level": 5', {"bad_json"}),
                "unknown device": ("nobody-knows-me", b'{"fill_level": 5}', {"unknown_device"}),
                "2 MB payload": (device, b'{"fill_level": ' + b"5" * 2_000_000 + b"}", {"too_large"}),
            }
            flagged = {"a time in 1970": "1970-01-01T00:00:10Z", "a time in 2099": "2099-01-01T00:00:00Z"}
            before = city.get("/api/v1/status")["observations"]
            with publisher(city.running["broker_port"]) as client:
                for where, payload, _reasons in cases.values():
                    client.publish(TOPIC.format(where), payload, qos=1).wait_for_publish(10)
                for moment in flagged.values():
                    body = json.dumps({"fill_level": 12.5, "time": moment}).encode()
                    client.publish(TOPIC.format(device), body, qos=1).wait_for_publish(10)
                    time.sleep(0.2)
            found: dict[str, object] = {}
            for name, (where, _payload, reasons) in cases.items():

                def shown(where: str = where, reasons: set[str] = reasons) -> list[dict[str, object]]:
                    items = city.get("/api/v1/rejected", limit=100)["items"]
                    return [i for i in items if i["device_id"] == where and i["reason"] in reasons]

                wait_for(shown, f"{name} among the rejected", 20)
                message = shown()[0]
                found[name] = {key: message[key] for key in ("fate", "reason", "detail")}
            account = {row["device_id"]: row for row in city.get("/api/v1/account", limit=500)["items"]}
            assert all(row["closes"] for row in account.values()), "a sum does not close"
            streams = city.get("/api/v1/datastreams", device_id=device)["items"]
            series = next(stream for stream in streams if stream["property"] == "fill_level")
            wait_for(lambda: _fails(city, series["datastream_id"]) >= 2, "both impossible times flagged FAIL", 20)
            found["times in 1970 and 2099"] = {"stored_with_flag_FAIL": _fails(city, series["datastream_id"])}
            wait_for(lambda: city.get("/api/v1/status")["observations"] > before, "readings go on", 120)
            found["the account closes for every device"] = True
            processes = city.get("/api/v1/status")["processes"]
            found["processes not running afterwards"] = [p["name"] for p in processes if p["state"] != "running"]
            assert found["processes not running afterwards"] == [], processes
    return found


def _fails(city: Installation, datastream_id: int) -> int:
    async def ask() -> int:
        connection = await asyncpg.connect(city.running["dsn"])
        try:
            statement = "SELECT count(*) FROM observation WHERE datastream_id = $1 AND quality = 4 AND tests & 1 = 1"
            return int(await connection.fetchval(statement, datastream_id))
        finally:
            await connection.close()

    return asyncio.run(ask())

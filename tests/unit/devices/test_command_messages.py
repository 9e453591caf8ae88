import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from devices.command_messages import Answer, answer_topics, downlink, native_command, read_answer
from devices.model import DecodeError
from devices.presence import read_status

ID = UUID("0192f0c1-a7b3-4e0c-9a51-d3c5c0b1f7aa")
TTS, CHIRPSTACK = "v3/city@t/devices/{device_id}/down/push", "application/7e1c/device/{device_id}/command/down"
RESPONSE = "city/v1/devices/air-1/commands/identify/response"


def test_a_native_command_carries_its_id_both_ways() -> None:
    message = native_command(ID, "air-1", "identify", {"seconds": 5}, datetime(2026, 3, 1, tzinfo=UTC))
    assert message.topic == "city/v1/devices/air-1/commands/identify"
    assert (message.response_topic, message.correlation) == (RESPONSE, ID.bytes)
    assert json.loads(message.payload) == {
        "id": str(ID), "expires_at": "2026-03-01T00:00:00+00:00", "arguments": {"seconds": 5},
    }  # fmt: skip


def test_downlinks_read_as_the_network_servers_expect(shared_data: Path) -> None:
    published = json.loads((shared_data / "payloads/network_server/tts_v3_downlink_message_example.json").read_text())
    message = downlink(ID, "n-1", "tts_v3", TTS, {"port": 85, "hex": "FF0102"})
    assert message.topic == "v3/city@t/devices/n-1/down/push"
    (one,) = json.loads(message.payload)["downlinks"]
    assert (one["frm_payload"], one["f_port"], one["confirmed"]) == ("/wEC", 85, True)
    assert set(one) - {"correlation_ids"} <= set(published["downlinks"][0]) | {"confirmed", "f_port", "priority"}
    message = downlink(ID, "a840", "chirpstack_v4", CHIRPSTACK, {"port": 2, "object": {"led": 1}})
    assert message.topic == "application/7e1c/device/a840/command/down"
    assert json.loads(message.payload) == {
        "id": str(ID), "devEui": "a840", "confirmed": True, "fPort": 2, "object": {"led": 1},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"hex": "00"}, "port from 1 to 223, not None"),
        ({"port": 224, "hex": "00"}, "not 224"),
        ({"port": True, "hex": "00"}, "not True"),
        ({"port": 1}, "either `hex` or `object`"),
        ({"port": 1, "hex": "00", "object": {}}, "either `hex` or `object`"),
        ({"port": 1, "hex": "0g"}, "not hexadecimal"),
        ({"port": 1, "hex": 7}, "not hexadecimal"),
        ({"port": 1, "hex": "00", "when": "now"}, "nothing else"),
    ],
)
def test_a_downlink_that_says_too_little_is_refused(arguments: dict[str, object], reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        downlink(ID, "n-1", "tts_v3", TTS, arguments)


@pytest.mark.parametrize(
    ("topic", "body", "correlation", "answer"),
    [
        pytest.param(RESPONSE, {"id": str(ID), "state": "acknowledged"}, None, ("acknowledged", None, ""), id="3.1.1"),
        pytest.param(RESPONSE, {"result": {"ok": 1}}, ID.bytes, ("done", {"ok": 1}, ""), id="MQTT 5"),
        pytest.param(
            RESPONSE, {"id": str(ID), "state": "failed", "reason": "jam"}, None, ("failed", None, "jam"), id="failed",
        ),
        pytest.param(
            "v3/city@t/devices/air-1/down/ack",
            {"downlink_ack": {"correlation_ids": ["as:1", f"citywatch:{ID}"]}}, None, ("done", None, ""), id="TTS ack",
        ),
        pytest.param(
            "v3/city@t/devices/air-1/down/failed",
            {"correlation_ids": [f"citywatch:{ID}"], "downlink_failed": {"error": {"name": "x"}}}, None,
            ("failed", None, '{"name": "x"}'), id="TTS failed",
        ),
        pytest.param(
            "application/7e1c/device/air-1/event/txack", {"queueItemId": str(ID)}, None, ("acknowledged", None, ""),
            id="ChirpStack sent",
        ),
        pytest.param(
            "citywatch/webhooks/tts_v3",
            {"end_device_ids": {"device_id": "air-1"}, "downlink_nack": {"correlation_ids": [f"citywatch:{ID}"]}}, None,
            ("failed", None, ""), id="TTS nack by webhook",
        ),
        pytest.param(
            "citywatch/webhooks/chirpstack_v4",
            {"deviceInfo": {"devEui": "AIR-1"}, "queueItemId": str(ID), "gatewayId": "0016", "txInfo": {}}, None,
            ("acknowledged", None, ""), id="ChirpStack sent, by webhook",
        ),
        pytest.param(
            "citywatch/webhooks/chirpstack_v4",
            {"deviceInfo": {"devEui": "air-1"}, "queueItemId": str(ID), "acknowledged": True}, None,
            ("done", None, ""), id="ChirpStack ack by webhook",
        ),
        pytest.param(
            "application/7e1c/device/air-1/event/ack", {"queueItemId": str(ID), "acknowledged": False}, None,
            ("failed", None, "the device refused it"), id="ChirpStack nack",
        ),
    ],
)  # fmt: skip
def test_an_answer_is_read_whoever_gives_it(
    topic: str, body: dict[str, object], correlation: bytes | None, answer: tuple[str, object, str]
) -> None:
    assert read_answer(topic, json.dumps(body).encode(), correlation) == Answer(ID, "air-1", *answer)


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        (RESPONSE, b"{", "not JSON"),
        (RESPONSE, b"[]", "not a JSON object"),
        (RESPONSE, b'{"id": "7"}', "id is '7'"),
        (RESPONSE, b'{"id": "7", "state": "perhaps"}', "state is 'perhaps'"),
        (RESPONSE, b'{"id": "7", "result": ["\\u0000"]}', r"result\[0\]: text may not contain NUL"),
        (RESPONSE, b'{"id": "7", "reason": "\\ud800"}', "reason: .*half a character"),
        (RESPONSE, b"[" * 100_000, "nested too deep"),
    ],
)
def test_an_answer_that_is_none_says_why(topic: str, payload: bytes, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        read_answer(topic, payload)


def test_somebody_elses_downlinks_are_none_of_ours() -> None:
    assert read_answer("v3/a/devices/n/down/ack", b'{"downlink_ack": {"correlation_ids": ["as:x"]}}') is None
    uplink = {"end_device_ids": {"device_id": "n"}, "uplink_message": {"f_port": 1}}
    assert read_answer("citywatch/webhooks/tts_v3", json.dumps(uplink).encode()) is None
    assert read_answer("citywatch/webhooks/chirpstack_v4", b'{"deviceInfo": {"devEui": "a"}, "data": "AQ=="}') is None
    assert read_answer("citywatch/webhooks/tts_v3", b'{"end_device_ids": 7}') is None
    assert read_answer("application/1/device/n/event/ack", b'{"queueItemId": "17", "acknowledged": true}') is None


def test_the_topics_of_the_answers() -> None:
    assert "v3/city@t/devices/+/down/ack" in answer_topics("tts_v3", TTS)
    assert answer_topics("chirpstack_v4", CHIRPSTACK) == [
        "citywatch/webhooks/chirpstack_v4",
        "application/7e1c/device/+/event/txack", "application/7e1c/device/+/event/ack",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("payload", "link"),
    [(b"online", "online"), (b'"OFFLINE"', "offline"), (b'{"status": "online", "fw": 2}', "online"), (b"0", "offline")],
)
def test_births_and_wills_are_read(payload: bytes, link: str) -> None:
    assert read_status("city/v1/devices/air-1/status", payload) == ("air-1", link)


@pytest.mark.parametrize("payload", [b"", b"{", b'{"fw": 2}', b"\xff"])
def test_a_status_that_says_neither_is_refused(payload: bytes) -> None:
    with pytest.raises(DecodeError, match="air-1"):
        read_status("city/v1/devices/air-1/status", payload)

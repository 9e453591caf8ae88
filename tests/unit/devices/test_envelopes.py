import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from devices.codecs import cayenne_lpp
from devices.envelopes import ENVELOPES
from devices.envelopes.json_text import MAX_BYTES
from devices.model import DecodeError, RejectReason, Uplink

NATIVE, TTS, CHIRPSTACK = ENVELOPES["native"], ENVELOPES["tts_v3"], ENVELOPES["chirpstack_v4"]


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


def test_native_keeps_record_times_and_reads_what_is_about_the_message() -> None:
    record = {"time": "2026-03-01T07:05:00Z", "seq": 17, "now": 1772348705, "device_id": "air-7", "pm2_5": 12.4}
    assert NATIVE(as_json(record)) == Uplink(
        records=(record,),
        device_id="air-7",
        now=datetime(2026, 3, 1, 7, 5, 5, tzinfo=UTC),
        delivery_key="seq:17@2026-03-01T07:05:00Z",
    )


def test_a_pack_is_told_apart_by_its_first_and_last_record() -> None:
    pack = [{"seq": 1, "battery": 90}, {"seq": 2, "battery": 89, "now": "2026-03-01T07:05:05+01:00"}]
    uplink = NATIVE(as_json(pack))
    assert uplink.records == tuple(pack)
    assert uplink.delivery_key == "seq:1..seq:2"
    assert uplink.now == datetime(2026, 3, 1, 6, 5, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("payload", "reason", "account"),
    [
        pytest.param(b"", "not JSON", RejectReason.BAD_JSON, id="nothing"),
        pytest.param(b'{"pm2_5": NaN}', "not JSON", RejectReason.BAD_JSON, id="NaN"),
        pytest.param(b'{"pm2_5": Infinity}', "not JSON", RejectReason.BAD_JSON, id="Infinity"),
        pytest.param(b'{"pm2_5": 1e400}', "not JSON", RejectReason.BAD_JSON, id="beyond a double"),
        pytest.param(b"[" * 2000 + b"]" * 2000, "not JSON", RejectReason.BAD_JSON, id="too deep"),
        pytest.param(b"\xff\xfe", "not JSON", RejectReason.BAD_JSON, id="not UTF-8"),
        pytest.param(b"3", "a number", RejectReason.BAD_ENVELOPE, id="a number"),
        pytest.param(b"{}", "empty object", RejectReason.BAD_ENVELOPE, id="an empty object"),
        pytest.param(b"[]", "empty pack", RejectReason.BAD_ENVELOPE, id="an empty pack"),
        pytest.param(
            b'[{"battery":1},3]', "record 1 of the pack is a number", RejectReason.BAD_ENVELOPE, id="no object"
        ),
        pytest.param(
            b'[{"battery":1},{}]', "record 1 of the pack is empty", RejectReason.BAD_ENVELOPE, id="empty record"
        ),
        pytest.param(b'{"device_id":7,"a":1}', "device_id is 7", RejectReason.BAD_ENVELOPE, id="a numeric identity"),
        pytest.param(b'{"seq":1.5,"a":1}', "seq is 1.5", RejectReason.BAD_ENVELOPE, id="half a sequence number"),
        pytest.param(b'{"now":"soon","a":1}', "now: 'soon'", RejectReason.BAD_ENVELOPE, id="a now that is none"),
        pytest.param(b" " * (MAX_BYTES + 1), "bytes, at most", RejectReason.TOO_LARGE, id="too large"),
        pytest.param(
            b'[{"device_id":"a","x":1},{"device_id":"b","x":1}]', "from 'b'", RejectReason.IDENTITY_MISMATCH, id="two"
        ),
    ],
)
def test_native_refuses_by_name(payload: bytes, reason: str, account: RejectReason) -> None:
    with pytest.raises(DecodeError, match=reason) as caught:
        NATIVE(payload)
    assert caught.value.reason is account


def published_uplink(shared_data: Path) -> dict[str, Any]:
    path = shared_data / "payloads" / "network_server" / "tts_v3_uplink_message_example.json"
    message: dict[str, Any] = json.loads(path.read_text())
    return message


def test_the_things_stack_uplink_as_published(shared_data: Path) -> None:
    assert TTS(as_json(published_uplink(shared_data))) == Uplink(
        records=({"temperature": 1.0, "luminosity": 0.64},),
        raw=bytes.fromhex("8241de"),
        port=None,  # left out, as zero is
        device_id="dev1",
        time=datetime(2020, 2, 12, 15, 15, 45, 789585, tzinfo=UTC),
        delivery_key="tts:dev1:AXA50tHUGUucuzS/bCGMNw==:1",
    )


def test_the_things_stack_may_leave_out_port_decoding_counter_and_session(shared_data: Path) -> None:
    message = published_uplink(shared_data)
    for name in ("decoded_payload", "f_cnt"):
        del message["uplink_message"][name]
    message["uplink_message"]["f_port"] = 85
    uplink = TTS(as_json(message))
    assert (uplink.records, uplink.raw, uplink.port) == ((), bytes.fromhex("8241de"), 85)
    assert uplink.delivery_key == "tts:dev1:AXA50tHUGUucuzS/bCGMNw==:0"
    del message["uplink_message"]["session_key_id"]
    assert TTS(as_json(message)).delivery_key == "tts:as:up:01E0WZGT6Y7657CPFPE5WEYDSQ"


@pytest.mark.parametrize("name", ["join", "downlink_event"])
def test_a_join_or_a_downlink_event_says_nothing_to_store(shared_data: Path, name: str) -> None:
    path = shared_data / "payloads" / "network_server" / f"tts_v3_{name}_message_example.json"
    uplink = TTS(path.read_bytes())
    assert (uplink.device_id, uplink.records, uplink.raw) == ("dev1", (), None)


def chirpstack_event() -> dict[str, Any]:
    return {
        "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
        "time": "2026-03-01T07:05:00.123456789+00:00",
        "deviceInfo": {"deviceName": "roof", "devEui": "24E124136B502217"},
        "fCnt": 10,
        "fPort": 85,
        "data": base64.b64encode(bytes.fromhex("01755c")).decode(),
        "object": {"battery": 92.0},
    }


def test_chirpstack_event() -> None:
    assert CHIRPSTACK(as_json(chirpstack_event())) == Uplink(
        records=({"battery": 92.0},),
        raw=bytes.fromhex("01755c"),
        port=85,
        device_id="24e124136b502217",
        time=datetime(2026, 3, 1, 7, 5, 0, 123456, tzinfo=UTC),
        delivery_key="chirpstack:3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
    )


def test_chirpstack_may_leave_out_port_data_and_object() -> None:
    event = chirpstack_event()
    for name in ("fPort", "data", "object"):
        del event[name]
    uplink = CHIRPSTACK(as_json(event))
    assert (uplink.port, uplink.raw, uplink.records) == (None, None, ())


@pytest.mark.parametrize(
    ("envelope", "message", "reason"),
    [
        pytest.param("tts_v3", {}, "end_device_ids is missing", id="no device"),
        pytest.param("tts_v3", {"end_device_ids": {"device_id": "a"}}, "neither uplink_message", id="no event"),
        pytest.param(
            "tts_v3",
            {"end_device_ids": {"device_id": "a"}, "uplink_message": {"frm_payload": "*"}},
            "frm_payload is not base64",
            id="not base64",
        ),
        pytest.param(
            "tts_v3",
            {"end_device_ids": {"device_id": "a"}, "uplink_message": {"f_port": -1}},
            "f_port is -1",
            id="a port below zero",
        ),
        pytest.param("chirpstack_v4", {"deviceInfo": {}}, "devEui is missing", id="no EUI"),
        pytest.param("chirpstack_v4", {"deviceInfo": {"devEui": "a"}, "time": "x"}, "time: 'x'", id="no time"),
        pytest.param("chirpstack_v4", {"deviceInfo": {"devEui": "a"}, "object": [1]}, "object is an array", id="array"),
        pytest.param("airgradient", {"serialno": 7}, "serialno is 7", id="a numeric serial"),
    ],
)
def test_foreign_envelopes_refuse_by_name(envelope: str, message: object, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        ENVELOPES[envelope](as_json(message))


def test_airgradient_names_itself_by_serial(shared_data: Path) -> None:
    payload = (shared_data / "payloads" / "airgradient_measures_current.json").read_bytes()
    uplink = ENVELOPES["airgradient"](payload)
    assert uplink.device_id == "ecda3b1eaaaf"
    assert uplink.records[0]["pm02"] == 7


def test_cayenne_lpp_as_published(shared_data: Path) -> None:
    for vector in json.loads((shared_data / "payloads" / "cayenne_lpp_vectors.json").read_text()):
        found = [
            {"channel": one.channel, "type": one.type, "name": one.name, "value": one.value}
            for one in cayenne_lpp.channels(bytes.fromhex(vector["hex"]))
        ]
        assert found == vector["expected"]


def test_cayenne_lpp_names_channels_and_axes() -> None:
    (record,) = ENVELOPES["cayenne_lpp"](bytes.fromhex("0367011001880676" + "5ff2960a0003e8")).records
    assert record == {
        "temperature_3": 27.2,
        "gps_1": {"latitude": 42.3519, "longitude": -87.9094, "altitude": 10.0},
    }
    with pytest.raises(DecodeError, match="temperature is cut short at byte 0"):
        ENVELOPES["cayenne_lpp"](b"\x03\x67\x01")
    with pytest.raises(DecodeError, match="type 255 at byte 1"):
        ENVELOPES["cayenne_lpp"](b"\x03\xff\x01")

"""The load that the benchmark publishes is what devices say: every message of it is understood whole."""

from pathlib import Path

from benchmarks.load import VENDOR, uplinks
from benchmarks.two_workers import PROFILE, READINGS, SCRIPT
from devices.envelopes import ENVELOPES
from devices.javascript import Sandbox
from devices.profiles import load_profile


def test_every_uplink_is_decoded_by_the_vendors_script(tmp_path: Path) -> None:
    (tmp_path / "decoder.js").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "javascript.yaml").write_text(PROFILE, encoding="utf-8")
    profile = load_profile(tmp_path / "javascript.yaml", Sandbox())
    said = [ENVELOPES[profile.envelope](body) for _, body in uplinks(4, devices=2)]
    decoded = [profile.decode(uplink) for uplink in said]
    assert [uplink.device_id for uplink in said] == [VENDOR.format(n) for n in (0, 1, 0, 1)]
    assert [len(one.readings) for one in decoded] == [READINGS["javascript"]] * 4
    assert not any(one.refused for one in decoded)
    assert len({uplink.delivery_key for uplink in said}) == 4

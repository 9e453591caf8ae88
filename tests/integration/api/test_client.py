"""The Python client, as the documentation shows it, against a server."""

import asyncio
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from dashboard.client import ApiError, connect
from dashboard.components.alerts import QUIET
from dashboard.components.marks import UNANSWERED
from dashboard.urgent import most_urgent
from sql.connection import Pool
from tests.installation import ROOT


async def test_the_client_follows_cursors_and_tells_faults(address: str) -> None:
    async with connect(f"http://{address}") as city:
        assert [one["device_id"] for one in await city.devices(domain="waste")] == ["bin-1", "bin-2"]
        assert len(await city.alerts(most=12)) == 12
        with pytest.raises(ApiError, match="there is no device 'nobody'") as refused:
            await city.device("nobody")
        assert refused.value.status == 404
    async with connect(f"http://{address}", "cw_no_key", seconds=5) as city:
        assert (await city.summary())["devices"] == 5  # the demo asks for none
    async with connect("http://127.0.0.1:1") as city:
        with pytest.raises(ApiError, match="no answer"):
            await city.summary()


async def test_in_a_flood_the_most_urgent_come_first(address: str, city: Pool) -> None:
    """Of the open ones, 1 and 5 are high, 2 medium, 3 low, and 4 is critical and the oldest but one."""
    async with connect(f"http://{address}") as client:
        found, more = await most_urgent(client, 3, source_id="live")
        assert ({alert["alert_id"] for alert in found}, more) == ({4, 1, 5}, True)
        await city.execute("UPDATE alert SET state = CASE alert_id WHEN 4 THEN 'shelved' ELSE 'acknowledged' END"
                           " WHERE alert_id IN (1, 4)")  # fmt: skip
        # What waits for an answer comes before what has one, and what is kept quiet last.
        for most, expected in ((3, {5, 2, 3}), (4, {5, 2, 3, 1}), (5, {1, 2, 3, 4, 5})):
            found, more = await most_urgent(client, most, source_id="live")
            assert ({alert["alert_id"] for alert in found}, more) == (expected, most < 5)
        assert [alert["alert_id"] for alert in (await most_urgent(client, 5, states=QUIET))[0]] == [4]
        assert await most_urgent(client, 1, severity="HIGH", states=UNANSWERED) == ([found[4]], False)
        assert await most_urgent(client, 5, source_id="i94") == ([], False)


async def test_a_name_in_any_script_acts_and_stands_in_the_journal(address: str) -> None:
    async with connect(f"http://{address}") as city:
        for name in ("王芳", "Jürgen", "Ada Lovelace", "100% Ada"):
            alert = await city.act(1, "comment", name, {"comment": "seen"})
            assert alert["events"][-1]["actor"] == f"{name} (unverified)"
        alert = await city.act(1, "acknowledge", "王芳", {"comment": ""})
        assert alert["acknowledged_by"] == "王芳 (unverified)"


async def test_the_example_of_the_documentation_runs(address: str, tmp_path: Path) -> None:
    found = re.search(r"```python\n(.+?)```", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"), re.S)
    assert found is not None
    script = tmp_path / "example.py"
    script.write_text(found[1].replace("localhost:8050", address), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    example = partial(subprocess.run, [sys.executable, script], env=environment, capture_output=True, text=True)
    run = await asyncio.to_thread(example)
    assert run.stdout.splitlines() == ["bin-1 stale", "bin-2 silent", "404 there is no device 'nobody'"], run.stderr

"""The simulator's process steered over HTTP, and the scoreboard's results."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api import scores
from citywatch.local.broker import local_broker
from sql.connection import Pool
from tests.conftest import ROOT

V1 = "/api/v1"
PATIENCE = 120  # seconds, on a machine that does much else


async def _until(client: httpx.AsyncClient, holds: Callable[[dict[str, Any]], object], child: Any) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        while True:
            state: dict[str, Any] = (await client.get(f"{V1}/simulator")).json()
            if holds(state):
                return state
            assert child.returncode is None, "the simulator ended"
            await asyncio.sleep(0.05)


async def test_where_none_listens_there_is_nothing_to_steer(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"{V1}/simulator")).json()["enabled"] is False
    for path, body in (("start", {"scenario": "festival"}), ("stop", None)):
        refused = await client.post(f"{V1}/simulator/{path}", json=body)
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/no-simulator")
    assert (await client.post(f"{V1}/simulator/start", json={"scenario": "doom"})).status_code == 404


@pytest.mark.timeout(300)
async def test_the_running_city_plays_what_is_asked_for(
    client: httpx.AsyncClient, pool: Pool, dsn: str, tmp_path: Path
) -> None:
    key = tmp_path / "key.jsonl"
    command = [sys.executable, "-m", "citywatch", "simulate", "--steered", "--devices", "40", "--answer-key", str(key)]
    with local_broker(tmp_path / "broker", 22_884) as broker:
        environment = {
            **os.environ,
            "CITYWATCH_STORE__DSN": dsn,
            "CITYWATCH_BROKER__HOST": "127.0.0.1",
            "CITYWATCH_BROKER__PORT": str(broker.port),
        }
        child = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment)
        try:
            begun = await _until(client, lambda state: state["playing"] == "living-city", child)
            assert (begun["enabled"], begun["devices"], begun["asked"]) == (True, 40, "living-city")
            asked = await client.post(f"{V1}/simulator/start", json={"scenario": "gateway-storm"})
            assert (asked.status_code, asked.json()["asked"]) == (200, "gateway-storm")
            await _until(client, lambda state: state["playing"] == "gateway-storm", child)
            # Written before it is said to play.
            assert '"gateway_down"' in key.read_text(encoding="utf-8")
            assert (await client.post(f"{V1}/simulator/stop")).status_code == 200
            still = await _until(client, lambda state: state["playing"] is None, child)
            assert still["enabled"]
        finally:
            child.terminate()
            assert await asyncio.wait_for(child.wait(), PATIENCE) == 0
    told = await pool.fetch("SELECT action, detail FROM audit_event WHERE object = 'simulator' ORDER BY event_id")
    assert [(row["action"], json.loads(row["detail"])["scenario"]) for row in told] == [
        ("simulator.start", "gateway-storm"), ("simulator.stop", None),
    ]  # fmt: skip


async def test_scores_are_those_that_came_along_and_those_made_here(
    client: httpx.AsyncClient, application: FastAPI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = {
        "scenario": "festival", "seed": 102, "devices": 120, "days": 0.5, "planted": 9, "false_alerts_per_day": 0.0,
        "incidents": {"planted": 3, "found": 3, "recall": 1.0, "said": 4, "right": 3, "precision": 0.75},
    }  # fmt: skip
    shipped = tmp_path / "shipped.jsonl"
    shipped.write_text(json.dumps(run) + "\n" + "half a li", encoding="utf-8")
    monkeypatch.setattr(scores, "SHIPPED", shipped)
    here = scores.scores_file(tmp_path)
    here.parent.mkdir()
    made = {**run, "seed": 7, "at": "2026-11-25T20:00:00+00:00"}
    here.write_text(json.dumps(made) + "\n", encoding="utf-8")
    application.state.settings = application.state.settings.model_copy(update={"data_dir": tmp_path})
    items = (await client.get(f"{V1}/scores")).json()["items"]
    assert [(one["seed"], one["at"], one["planted"]) for one in items] == [
        (102, None, 3), (7, "2026-11-25T20:00:00Z", 3),
    ]  # fmt: skip

"""What a reader does with the simulator, from the buttons of pages/simulator.py, and its outcome in words."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from dashboard.client_simulator import SimulatorQuestions
from dashboard.shapes import JsonObject
from dashboard.texts import text

LOOKS, PAUSE = 40, 0.25  # until it plays what it was asked for: it looks once a second


async def _wait_until_playing(api: SimulatorQuestions, scenario: str | None) -> None:
    for _ in range(LOOKS):
        state = await api.simulation()
        if state["playing"] == scenario or state["asked"] != scenario:
            return
        await asyncio.sleep(PAUSE)


async def _start(api: SimulatorQuestions, request: dict[str, Any]) -> JsonObject:
    scenario = str(request["scenario"])
    await api.start_scenario(scenario, str(request["operator"]))
    await _wait_until_playing(api, scenario)
    return {"words": text("{name} begins", name=scenario)}


async def _stop(api: SimulatorQuestions, request: dict[str, Any]) -> JsonObject:
    await api.stop_scenario(str(request["operator"]))
    await _wait_until_playing(api, None)
    return {"words": text("The city stands still")}


STEPS: dict[str, Callable[[SimulatorQuestions, dict[str, Any]], Awaitable[JsonObject]]] = {
    "simulator-start": _start,
    "simulator-stop": _stop,
}

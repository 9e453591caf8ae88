"""Questions about the simulator, a part of the client."""

from typing import TypedDict, cast

from dashboard.asking import Asking, named
from dashboard.shapes import JsonObject


class Simulation(TypedDict):
    """How the simulator stands."""

    enabled: bool
    playing: str | None
    playing_since: str | None
    asked: str | None
    asked_by: str | None
    asked_at: str | None
    devices: int | None
    seed: int | None


class Score(TypedDict):
    """How one run of a scenario was answered."""

    at: str | None
    scenario: str
    seed: int
    devices: int
    days: float
    planted: int
    found: int
    recall: float | None
    said: int
    right: int
    precision: float | None
    false_alerts_per_day: float


class SimulatorQuestions(Asking):
    """What `ApiClient` asks about the simulated city."""

    async def scenarios(self) -> list[JsonObject]:
        """Return what the simulated city can go through."""
        return cast(list[JsonObject], (await self._ask("GET", "/scenarios"))["items"])

    async def simulation(self) -> Simulation:
        """Return what the simulator plays."""
        return cast(Simulation, await self._ask("GET", "/simulator"))

    async def start_scenario(self, scenario: str, operator: str) -> Simulation:
        """Have it play another scenario from its beginning, in the operator's name."""
        body, headers = {"scenario": scenario}, named(operator)
        return cast(Simulation, await self._ask("POST", "/simulator/start", json=body, headers=headers))

    async def stop_scenario(self, operator: str) -> Simulation:
        """Have the city stand still, in the operator's name."""
        return cast(Simulation, await self._ask("POST", "/simulator/stop", headers=named(operator)))

    async def scores(self) -> list[Score]:
        """Return how runs of the scenarios were answered, newest last."""
        return cast(list[Score], (await self._ask("GET", "/scores"))["items"])

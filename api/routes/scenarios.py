"""What the simulated city can be made to go through: each scenario with what it plants and which alerts may follow."""

from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

import yaml
from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from api.answer import answer
from api.permissions import Allow, Permission
from api.problems import responses
from api.version import PREFIX
from citywatch.durations import parse_duration

router = APIRouter(prefix=PREFIX, tags=["simulator"], dependencies=[Allow(Permission.CONFIGURE)])
LASTS = "20m"  # what is planted lasts this long where its file does not say


class Plant(BaseModel):
    """One thing that is planted, at a stated time or at random; times in seconds."""

    model_config = ConfigDict(extra="forbid")

    kind: str
    count: int = Field(description="on how many devices")
    after_s: float | None = Field(description="after the start; negative is before it")
    clock: str | None = Field(description="hh:mm of the city's clocks, in place of after_s")
    per_day: float | None = Field(description="at random, so often a day in the whole city")
    lasts_s: list[float] = Field(description="shortest and longest")
    domain: str | None
    district_id: str | None
    alerts: list[str] = Field(description="rules whose alerts may stand for it; none: flags or the account show it")


class ScenarioEntry(BaseModel):
    """One scenario."""

    model_config = ConfigDict(extra="forbid")

    name: str
    description: str
    plants: list[Plant]


class ScenarioList(BaseModel):
    """The shipped scenarios, by name."""

    model_config = ConfigDict(extra="forbid")

    items: list[ScenarioEntry]


def _seconds(text: str) -> float:
    sign = -1 if text.startswith("-") else 1
    return sign * parse_duration(text.lstrip("-")).total_seconds()


def _plants(scenario: dict[str, Any], alerts: dict[str, list[str]]) -> Iterator[Plant]:
    for plant in (*scenario.get("plants", ()), *scenario.get("mix", ())):
        lasts = plant.get("lasts", LASTS)
        timed = "per_day" not in plant
        clock = plant.get("clock")
        yield Plant(
            kind=plant["kind"],
            count=plant.get("count", 1),
            after_s=_seconds(plant.get("after", "0s")) if timed and clock is None else None,
            clock=clock,
            per_day=plant.get("per_day"),
            lasts_s=[_seconds(one) for one in (lasts if isinstance(lasts, list) else [lasts, lasts])],
            domain=plant.get("domain"),
            district_id=plant.get("district"),
            alerts=sorted(name for name, kinds in alerts.items() if plant["kind"] in kinds),
        )


@cache
def read_scenarios() -> tuple[ScenarioEntry, ...]:
    """Return the shipped scenarios from their files, which are data to us: nothing of the simulator is run."""
    folder = resources.files("simulators")
    alerts = yaml.safe_load((folder / "alert_names.yaml").read_text(encoding="utf-8"))
    found = []
    for file in (folder / "scenarios").iterdir():
        if file.name.endswith(".yaml"):
            scenario = yaml.safe_load(file.read_text(encoding="utf-8"))
            words = " ".join(scenario["description"].split())
            plants = list(_plants(scenario, alerts))
            found.append(ScenarioEntry(name=scenario["name"], description=words, plants=plants))
    return tuple(sorted(found, key=lambda each: each.name))


@router.get("/scenarios", response_model=ScenarioList, responses=responses(422, 503))
async def list_scenarios() -> Response:
    """What the simulated city can be made to go through, and what is expected of the alerts."""
    return answer({"items": [each.model_dump() for each in read_scenarios()]})

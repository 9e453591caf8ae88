"""The scoreboard: what `citywatch score` wrote down on this machine, after the runs this version came with."""

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.schemas import Instant
from citywatch.local.link import ROOT
from citywatch.telemetry import get_logger

SHIPPED = ROOT / "docs" / "proof" / "scoreboard_runs.jsonl"
MOST = 200  # the newest
log = get_logger()


class Score(BaseModel):
    """How one run of a scenario was answered; ratios from 0 to 1, null where there was nothing to find."""

    model_config = ConfigDict(extra="ignore")

    at: Instant | None = Field(None, description="when it was made here; null: it came with this version")
    scenario: str
    seed: int
    devices: int
    days: float = Field(description="of simulated time")
    planted: int = Field(description="incidents in it")
    found: int = Field(description="incidents that an alert told of")
    recall: float | None
    said: int = Field(description="alerts that claim an incident")
    right: int = Field(description="of these, how many were right")
    precision: float | None
    false_alerts_per_day: float


def scores_file(data_dir: Path) -> Path:
    """Return where runs on this machine are written down."""
    return data_dir / "simulator" / "scores.jsonl"


def read_scores(data_dir: Path) -> list[Score]:
    """Return the runs that can be read, those made here last."""
    return [*_read(SHIPPED), *_read(scores_file(data_dir))][-MOST:]


def _read(path: Path) -> Iterator[Score]:
    if not path.exists():
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            run = json.loads(line)
            yield Score.model_validate({**run, **run["incidents"]})
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            log.warning("score_unreadable", path=str(path), line=number, error=str(error))

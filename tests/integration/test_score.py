"""`citywatch score`: a small scenario through a whole live system, as `make bench` does it with days."""

import json
import os
import subprocess
import sys
from pathlib import Path

from api.scores import read_scores
from tests.installation import ROOT

SCENARIO = """
name: morning
description: A crash, a bin that overflows, a gateway that goes down and a sensor that spikes, within an hour.
start: 2026-03-03T06:30:00Z
plants:
  - {kind: overflow, after: 2m, lasts: 50m, parameters: {to: 97, rise: 300}}
  - {kind: crash, after: 10m, lasts: 40m, parameters: {depth: 0.95}}
  - {kind: spike, after: 5m, lasts: 50m, domain: air}
  - {kind: gateway_down, after: 32m, lasts: 20m}
"""


def test_a_scenario_is_scored_through_the_live_system(tmp_path: Path) -> None:
    file = tmp_path / "morning.yaml"
    file.write_text(SCENARIO)
    command = [sys.executable, "-m", "citywatch", "score", str(file), "--seed", "5", "--devices", "40", "--for", "1h"]
    environment = {k: v for k, v in os.environ.items() if k != "CITYWATCH_TEST_DSN"}
    environment["CITYWATCH_DATA_DIR"] = str(tmp_path / "data")
    done = subprocess.run([*command, "--json"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert (figures["scenario"], figures["seed"], figures["planted"]) == ("morning", 5, 4)
    assert figures["incidents"]["recall"] == figures["incidents"]["precision"] == 1.0, figures
    assert figures["kinds"]["gateway_down"]["pages"] == 1, figures
    assert figures["false_alerts"] == 0, figures["false"]
    assert figures["flags"]["spike"]["f1"] == 1.0, figures["flags"]
    assert figures["alerts_outside_simulated_time"] == 0
    assert [(one.scenario, one.seed, one.recall) for one in read_scores(tmp_path / "data")][-1:] == [
        ("morning", 5, 1.0)
    ]

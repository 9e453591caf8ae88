"""A process carries what it needs: everything the machine runs is started by the same command line."""

import subprocess
import sys

import pytest

from tests.installation import ROOT

EXPORT = """
import numpy
from api.export_parquet import _ROW, _Streams
_Streams([{"datastream_id": 1, "device_id": "d", "property": "p", "unit": "u"}]).table(numpy.ones(3, _ROW))
"""


@pytest.mark.parametrize(
    ("code", "foreign"),
    [
        pytest.param(
            "from citywatch.cli.attached import attach; attach('fold')", "fastapi numpy simulators", id="fold"
        ),
        # Which the tests' own tools bring: 40 MB of an export's memory.
        pytest.param(EXPORT, "pandas dash", id="Parquet"),
    ],
)
def test_a_process_loads_nothing_of_others(code: str, foreign: str) -> None:
    told = f"{code}\nimport sys\nprint(*sorted(set({foreign.split()}) & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == []

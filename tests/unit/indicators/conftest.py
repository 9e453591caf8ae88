"""Where the shared reference data is: beside the checkout, or where CITYWATCH_SHARED_DATA says."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of shared test data; without it CI fails and a lone checkout skips."""
    beside = Path(__file__).resolve().parents[3].parent / "shared" / "data"
    folder = Path(os.environ.get("CITYWATCH_SHARED_DATA") or beside)
    if not folder.is_dir():
        reason = f"no shared data at {folder}; set CITYWATCH_SHARED_DATA"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder

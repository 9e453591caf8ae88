"""The published payloads these tests judge by: `CITYWATCH_SHARED_DATA`, or `shared/data` beside the checkout."""

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).resolve().parents[4] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    folder = Path(os.environ.get("CITYWATCH_SHARED_DATA", BESIDE))
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"the shared data is missing: {folder}")
        pytest.skip(f"the shared data is not here: {folder}")
    return folder

"""Where the reference data lies."""

import os
from pathlib import Path


def data_folder() -> Path:
    """Return the folder of reference data; AssertionError says how to name it."""
    folder = Path(os.environ.get("CITYWATCH_SHARED_DATA", Path(__file__).resolve().parents[4] / "shared" / "data"))
    assert folder.is_dir(), f"no reference data at {folder}: set CITYWATCH_SHARED_DATA"
    return folder

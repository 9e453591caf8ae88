"""Where the reference data by others lies, and its tables."""

import csv
import gzip
import os
from collections.abc import Iterator
from pathlib import Path


def data_folder() -> Path:
    """Return the folder of reference data; AssertionError says how to name it."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("CITYWATCH_SHARED_DATA") or beside)
    assert folder.is_dir(), f"no reference data at {folder}: set CITYWATCH_SHARED_DATA"
    return folder


def shared_rows(path: str) -> Iterator[dict[str, str]]:
    """Yield the rows of a table in that folder, CSV or CSV packed by gzip."""
    file = data_folder() / path
    text = gzip.decompress(file.read_bytes()).decode() if file.suffix == ".gz" else file.read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())

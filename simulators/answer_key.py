"""The answer key: what was planted, when and where. It stays beside the data and is never published."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import orjson

from citywatch.errors import CitywatchError
from simulators.planting import Planted


class AnswerKey:
    """A file of one JSON object a line, written as things are planted. `path` None keeps none."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")

    def add(self, planted: Planted) -> None:
        """Write one down."""
        if self.path is not None:
            with self.path.open("ab") as file:
                file.write(planted.line())


def read_answer_key(path: Path) -> Iterator[Planted]:
    """Yield what an answer key says; raise CitywatchError naming file and line otherwise."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                entry = orjson.loads(line)
                yield Planted(
                    entry["planted_id"],
                    entry["kind"],
                    datetime.fromisoformat(entry["start"]),
                    datetime.fromisoformat(entry["end"]),
                    entry["device_id"],
                    entry["district_id"],
                    entry["parameters"],
                    tuple(entry["affected"]),
                )
            except (ValueError, KeyError, TypeError) as reason:
                raise CitywatchError(f"{path}, line {number}: not a line of an answer key ({reason})") from None

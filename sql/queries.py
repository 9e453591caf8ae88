"""Named queries: SQL stays in `.sql` files, each query under a line `-- name --`, loaded by name."""

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
_NAME = re.compile(r"^-- (\w+) --$", re.MULTILINE)


@cache
def load_queries(stem: str) -> dict[str, str]:
    """Return the queries of `sql/<stem>.sql` by name."""
    text = (FOLDER / f"{stem}.sql").read_text(encoding="utf-8")
    parts = _NAME.split(text)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def query(stem: str, name: str) -> str:
    """Return one query; a name that is not there is a mistake in the code."""
    return load_queries(stem)[name]

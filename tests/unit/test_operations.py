"""docs/operations.md names every setting, every metric and every log event there is, and no event there is not."""

import re
from pathlib import Path

from citywatch.local.example_env import operations

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
PACKAGES = ("citywatch", "sql", "devices", "ingest", "rules", "indicators", "api", "dashboard", "simulators")
LOGGED = re.compile(r"""(?:log|get_logger\(\))\.(?:debug|info|warning|error|exception)\(\s*f?"([a-z_{}.]+)\"""")
MADE_IN_SERVE = re.compile(r'"(citywatch_\w+)"')


def logged() -> set[str]:
    """Names of the events in the source; those of command-line output alone are not events."""
    found: set[str] = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            found.update(LOGGED.findall(path.read_text(encoding="utf-8")))
    return found - {"event_name"}


def test_settings_and_metrics_are_as_the_code_has_them() -> None:
    assert operations(PAGE) == PAGE, "make docs"


def test_every_metric_of_serve_is_explained() -> None:
    names = MADE_IN_SERVE.findall((ROOT / "api" / "metrics.py").read_text(encoding="utf-8"))
    assert len(names) >= 9
    assert [name for name in names if f"`{name}" not in PAGE] == []


def test_every_log_event_is_explained_and_there_is_one_for_every_explanation() -> None:
    logs = PAGE.partition("## Logs")[2].partition("## Runbooks")[0]
    explained = set(
        re.findall(r"`([a-z_{}.]+)`", "\n".join(row.split("|")[1] for row in logs.splitlines() if "|" in row))
    )
    assert logged() - explained == set(), "events that docs/operations.md does not explain"
    others = {"alert_raised", "alert_cleared"}
    assert explained - logged() - others == set(), "explained, but nowhere logged"

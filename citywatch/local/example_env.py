"""Writes `example.env` and the tables of `docs/operations.md` from what the code says: `make docs`."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from citywatch.durations import format_duration
from citywatch.local.link import ROOT
from citywatch.metrics import REGISTRY
from citywatch.settings import Settings, known_keys


def default_of(key: str) -> str:
    """Return the default of one environment key, as it would be written there."""
    value: Any = Settings.model_construct()
    for part in key.removeprefix("CITYWATCH_").lower().split("__"):
        value = getattr(value, part)
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or value == []:
        return ""
    return str(value) if isinstance(value, Path | str | int | float) else ""


def example_env() -> str:
    """Return the text of `example.env`."""
    head = "# Every setting, with what it means and its default. Copy to .env and uncomment what you change.\n"
    return head + "".join(f"\n# {sentence}\n#{key}={default_of(key)}\n" for key, sentence in known_keys().items())


def settings_table() -> str:
    """Return every setting as a table in Markdown."""
    rows = [f"| `{key}` | {sentence} | {_shown(default_of(key))} |" for key, sentence in known_keys().items()]
    return "\n".join(["| Setting | Meaning | Default |", "|---|---|---|", *rows]).replace("|TENANT", "\\|TENANT")


def metrics_table() -> str:
    """Return every metric that a process reports as a table in Markdown."""
    rows = []
    for family in REGISTRY.collect():
        if family.name.startswith("citywatch_"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            rows.append(f"| `{name}` | {family.type} | {family.documentation} |")
    return "\n".join(["| Metric | Type | Meaning |", "|---|---|---|", *rows])


def between(text: str, name: str, table: str) -> str:
    """Return `text` with `table` between the marks of `name`."""
    begin, end = f"<!-- {name}: make docs -->", f"<!-- end of {name} -->"
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n{table}\n{end}{rest.partition(end)[2]}"


def operations(text: str) -> str:
    """Return the text of `docs/operations.md` with its tables as they are to be."""
    return between(between(text, "settings", settings_table()), "metrics", metrics_table())


def _shown(text: str) -> str:
    return f"`{text}`" if text else ""


if __name__ == "__main__":
    (ROOT / "example.env").write_text(example_env(), encoding="utf-8")
    page = ROOT / "docs" / "operations.md"
    page.write_text(operations(page.read_text(encoding="utf-8")), encoding="utf-8")

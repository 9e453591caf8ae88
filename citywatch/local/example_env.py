"""Writes `example.env` from the settings model: `python -m citywatch.local.example_env > example.env`."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from citywatch.durations import format_duration
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


if __name__ == "__main__":
    print(example_env(), end="")

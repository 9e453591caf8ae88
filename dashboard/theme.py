"""The component library's part of the look; colours and type stand in assets/1-tokens.css."""

from typing import Any

# Ten shades around the accent of assets/1-tokens.css, lightest first.
_TIDE = [
    "#e8f5f8",
    "#d2e8ee",
    "#a5d1dd",
    "#76bacb",
    "#50a6bc",
    "#389ab3",
    "#0b6477",
    "#0a5a6b",
    "#084d5c",
    "#053e4a",
]

THEME: dict[str, Any] = {
    "colors": {"tide": _TIDE},
    "primaryColor": "tide",
    "primaryShade": {"light": 6, "dark": 3},
    "fontFamily": "var(--font)",
    "headings": {"fontFamily": "var(--font)"},
    "defaultRadius": "sm",
}

# Curves of several series. Mid tones: each has 3:1 against both grounds. None is a severity's colour.
CURVE_COLOURS = ("#2a8aa0", "#8a6fc4", "#5f8f3e", "#b0698f", "#6b7f93", "#9a7b4f", "#4f7fd0", "#3f9b83")
DASHES = ("solid", "dash", "dot", "dashdot")

"""Bars on a logarithmic scale as SVG: rates differ by two orders of magnitude."""

from collections.abc import Mapping
from html import escape
from math import log10

WIDTH, BAR, GAP, LEFT, RIGHT = 760, 24, 12, 210, 90
OURS = "Citywatch"


def bars(title: str, values: Mapping[str, float], unit: str) -> str:
    """Return one bar for each value, all of them above 0, the longest first."""
    lowest = 10 ** int(log10(min(values.values())))
    span = log10(max(values.values()) / lowest) or 1
    height = 60 + len(values) * (BAR + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif"',
        'font-size="13">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="16" y="26" font-size="15">{escape(title)} (logarithmic scale)</text>',
    ]
    for number, (name, value) in enumerate(sorted(values.items(), key=lambda item: -item[1])):
        top = 46 + number * (BAR + GAP)
        said = f"{value:,.{0 if value >= 10 else 1}f} {unit}"
        length = max(2.0, (WIDTH - LEFT - RIGHT) * log10(value / lowest) / span)
        colour = "#1864ab" if name.startswith(OURS) else "#868e96"
        parts += [
            f'<text x="{LEFT - 10}" y="{top + 17}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{LEFT}" y="{top}" width="{length:.1f}" height="{BAR}" fill="{colour}"/>',
            f'<text x="{LEFT + length + 6:.1f}" y="{top + 17}">{escape(said)}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])

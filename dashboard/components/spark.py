"""Sparklines: a shape without axes, drawn as SVG in the text's colour."""

from collections.abc import Sequence

import dash_svg as svg
from dash.development.base_component import Component

WIDTH, HEIGHT = 100.0, 30.0


def spark_path(values: Sequence[float | None], low: float | None = None, high: float | None = None) -> str:
    """Return the SVG path of `values`, oldest first, over the whole width; a gap where a value is missing.

    The scale is that of the values, or from `low` to `high` where several sparklines are to compare.
    """
    there = [value for value in values if value is not None]
    if len(there) < 2:
        return ""
    low = min(there) if low is None else low
    high = max(there) if high is None else high
    span = (high - low) or 1.0
    step = WIDTH / (len(values) - 1)
    parts, pen_down = [], False
    for position, value in enumerate(values):
        if value is None:
            pen_down = False
            continue
        # A flat line stands in the middle, not on the floor.
        share = (value - low) / span if high > low else 0.5
        parts.append(f"{'L' if pen_down else 'M'}{position * step:.1f} {HEIGHT - 2 - share * (HEIGHT - 4):.1f}")
        pen_down = True
    return "".join(parts)


def spark(
    values: Sequence[float | None], label: str, *, low: float | None = None, high: float | None = None
) -> Component:
    """Return a sparkline that says `label` to those who cannot see it."""
    path = svg.Path(
        d=spark_path(values, low, high),
        fill="none",
        stroke="currentColor",
        strokeWidth="1.6",
        strokeLinejoin="round",
        vectorEffect="non-scaling-stroke",
    )
    return svg.Svg(
        path,
        viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}",
        preserveAspectRatio="none",
        className="spark",
        role="img",
        **{"aria-label": label},
    )

"""Line icons (Tabler Icons, MIT, Copyright Paweł Kuna) and the four severity shapes, as SVG in the text's colour."""

import dash_svg as svg
from dash.development.base_component import Component

OUTLINES: dict[str, tuple[str, ...]] = {
    "overview": (
        "M5 4h4a1 1 0 0 1 1 1v6a1 1 0 0 1 -1 1h-4a1 1 0 0 1 -1 -1v-6a1 1 0 0 1 1 -1",
        "M5 16h4a1 1 0 0 1 1 1v2a1 1 0 0 1 -1 1h-4a1 1 0 0 1 -1 -1v-2a1 1 0 0 1 1 -1",
        "M15 12h4a1 1 0 0 1 1 1v6a1 1 0 0 1 -1 1h-4a1 1 0 0 1 -1 -1v-6a1 1 0 0 1 1 -1",
        "M15 4h4a1 1 0 0 1 1 1v2a1 1 0 0 1 -1 1h-4a1 1 0 0 1 -1 -1v-2a1 1 0 0 1 1 -1",
    ),
    "alerts": (
        "M10 5a2 2 0 1 1 4 0a7 7 0 0 1 4 6v3a4 4 0 0 0 2 3h-16a4 4 0 0 0 2 -3v-3a7 7 0 0 1 4 -6",
        "M9 17v1a3 3 0 0 0 6 0v-1",
    ),
    "traffic": (
        "M5 17a2 2 0 1 0 4 0a2 2 0 1 0 -4 0",
        "M15 17a2 2 0 1 0 4 0a2 2 0 1 0 -4 0",
        "M5 17h-2v-6l2 -5h9l4 5h1a2 2 0 0 1 2 2v4h-2m-4 0h-6m-6 -6h15m-6 0v-5",
    ),
    "waste": (
        "M4 7l16 0",
        "M10 11l0 6",
        "M14 11l0 6",
        "M5 7l1 12a2 2 0 0 0 2 2h8a2 2 0 0 0 2 -2l1 -12",
        "M9 7v-3a1 1 0 0 1 1 -1h4a1 1 0 0 1 1 1v3",
    ),
    "air": (
        "M5 8h8.5a2.5 2.5 0 1 0 -2.34 -3.24",
        "M3 12h15.5a2.5 2.5 0 1 1 -2.34 3.24",
        "M4 16h5.5a2.5 2.5 0 1 1 -2.34 3.24",
    ),
    "devices": ("M20 4v8", "M16 4.5v7", "M12 5v16", "M8 5.5v5", "M4 6v4", "M20 8h-16"),
    "account": (
        "M7 20l10 0",
        "M6 6l6 -1l6 1",
        "M12 3l0 17",
        "M9 12l-3 -6l-3 6a3 3 0 0 0 6 0",
        "M21 12l-3 -6l-3 6a3 3 0 0 0 6 0",
    ),
    "sum": ("M18 16v2a1 1 0 0 1 -1 1h-11l6 -7l-6 -7h11a1 1 0 0 1 1 1v2",),
    "status": ("M3 12h4l3 8l4 -16l3 8h4",),
    "language": (
        "M4 5h7",
        "M9 3v2c0 4.418 -2.239 8 -5 8",
        "M5 9c0 2.144 2.952 3.908 6.7 4",
        "M12 20l4 -9l4 9",
        "M19.1 18h-6.2",
    ),
    "map": ("M3 7l6 -3l6 3l6 -3v13l-6 3l-6 -3l-6 3v-13", "M9 4v13", "M15 7v13"),
    "trends": ("M4 19l16 0", "M4 15l4 -6l4 2l4 -5l4 4"),
    "district": (
        "M3 21l18 0",
        "M9 8l1 0",
        "M9 12l1 0",
        "M9 16l1 0",
        "M14 8l1 0",
        "M14 12l1 0",
        "M14 16l1 0",
        "M5 21v-16a2 2 0 0 1 2 -2h10a2 2 0 0 1 2 2v16",
    ),
    "rules": (
        "M3.5 5.5l1.5 1.5l2.5 -2.5",
        "M3.5 11.5l1.5 1.5l2.5 -2.5",
        "M3.5 17.5l1.5 1.5l2.5 -2.5",
        "M11 6l9 0",
        "M11 12l9 0",
        "M11 18l9 0",
    ),
    "report": (
        "M14 3v4a1 1 0 0 0 1 1h4",
        "M17 21h-10a2 2 0 0 1 -2 -2v-14a2 2 0 0 1 2 -2h7l5 5v11a2 2 0 0 1 -2 2",
        "M9 9l1 0",
        "M9 13l6 0",
        "M9 17l6 0",
    ),
    "wall": (
        "M3 5a1 1 0 0 1 1 -1h16a1 1 0 0 1 1 1v10a1 1 0 0 1 -1 1h-16a1 1 0 0 1 -1 -1v-10",
        "M7 20h10",
        "M9 16v4",
        "M15 16v4",
    ),
    "public": (
        "M3 12a9 9 0 1 0 18 0a9 9 0 0 0 -18 0",
        "M3.6 9h16.8",
        "M3.6 15h16.8",
        "M11.5 3a17 17 0 0 0 0 18",
        "M12.5 3a17 17 0 0 1 0 18",
    ),
    "keyboard": (
        "M2 8a2 2 0 0 1 2 -2h16a2 2 0 0 1 2 2v8a2 2 0 0 1 -2 2h-16a2 2 0 0 1 -2 -2v-8",
        "M6 10l0 .01",
        "M10 10l0 .01",
        "M14 10l0 .01",
        "M18 10l0 .01",
        "M6 14l0 .01",
        "M18 14l0 .01",
        "M10 14l4 .01",
    ),
    "work": ("M7 10h3v-3l-3.5 -3.5a6 6 0 0 1 8 8l6 6a2 2 0 0 1 -3 3l-6 -6a6 6 0 0 1 -8 -8l3.5 3.5",),
    "sun": (
        "M8 12a4 4 0 1 0 8 0a4 4 0 1 0 -8 0",
        "M3 12h1m8 -9v1m8 8h1m-9 8v1m-6.4 -15.4l.7 .7m12.1 -.7l-.7 .7m0 11.4l.7 .7m-12.1 -.7l-.7 .7",
    ),
    "moon": ("M12 3c.132 0 .263 0 .393 0a7.5 7.5 0 0 0 7.92 12.446a9 9 0 1 1 -8.313 -12.454l0 .008",),
    "person": ("M8 7a4 4 0 1 0 8 0a4 4 0 0 0 -8 0", "M6 21v-2a4 4 0 0 1 4 -4h4a4 4 0 0 1 4 4v2"),
    "clock": ("M3 12a9 9 0 1 0 18 0a9 9 0 0 0 -18 0", "M12 7v5l3 3"),
    "check": ("M5 12l5 5l10 -10",),
    "chevron": ("M9 6l6 6l-6 6",),
    "back": ("M15 6l-6 6l6 6",),
    "menu": ("M4 6l16 0", "M4 12l16 0", "M4 18l16 0"),
    "close": ("M18 6l-12 12", "M6 6l12 12"),
    "replay": ("M12 8l0 4l2 2", "M3.05 11a9 9 0 1 1 .5 4m-.5 5v-5h5"),
    "silent": (
        "M20 16l-4 4",
        "M7 12l5 5l-1.5 1.5a3.536 3.536 0 1 1 -5 -5l1.5 -1.5",
        "M17 12l-5 -5l1.5 -1.5a3.536 3.536 0 1 1 5 5l-1.5 1.5",
        "M3 21l2.5 -2.5",
        "M18.5 5.5l2.5 -2.5",
    ),
    "pin": (
        "M9 11a3 3 0 1 0 6 0a3 3 0 0 0 -6 0",
        "M17.657 16.657l-4.243 4.243a2 2 0 0 1 -2.827 0l-4.244 -4.243a8 8 0 1 1 11.314 0",
    ),
    "error": (
        "M12 9v4",
        "M12 16v.01",
        "M10.363 3.591l-8.106 13.534a1.914 1.914 0 0 0 1.636 2.871h16.214a1.914 1.914 0 0 0 1.636 -2.87"
        "l-8.106 -13.536a1.914 1.914 0 0 0 -3.274 0",
    ),
}

# One outline per severity, so that shape alone tells them apart; assets/map.js draws the same on the map.
SEVERITY_OUTLINES = {
    "CRITICAL": "M7.5 2h9L22 7.5v9L16.5 22h-9L2 16.5v-9z",
    "HIGH": "M12 2.5L22.5 21.5h-21z",
    "MEDIUM": "M12 1.5L22.5 12L12 22.5L1.5 12z",
    "LOW": "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0 -18",
}


def icon(name: str, *, size: int = 18, label: str | None = None, class_name: str = "") -> Component:
    """Return a line icon; without `label` it is decoration and hidden from assistive technology."""
    return svg.Svg(
        [
            svg.Path(
                d=outline,
                fill="none",
                stroke="currentColor",
                strokeWidth="1.75",
                strokeLinecap="round",
                strokeLinejoin="round",
            )
            for outline in OUTLINES[name]
        ],
        viewBox="0 0 24 24",
        width=str(size),
        height=str(size),
        className=f"icon {class_name}".strip(),
        **_spoken(label),
    )


def severity_shape(severity: str, *, size: int = 16, active: bool = True, label: str | None = None) -> Component:
    """Return the shape of a severity: filled while it asks for an answer, an outline once acknowledged."""
    return svg.Svg(
        svg.Path(
            d=SEVERITY_OUTLINES[severity],
            fill="currentColor" if active else "none",
            stroke="currentColor",
            strokeWidth="2.5",
            strokeLinejoin="round",
        ),
        viewBox="-1 -1 26 26",
        width=str(size),
        height=str(size),
        className=f"severity-shape severity-{severity.lower()}",
        **_spoken(label),
    )


def _spoken(label: str | None) -> dict[str, str]:
    return {"role": "img", "aria-label": label} if label else {"aria-hidden": "true"}

"""The districts side by side: devices heard, alerts open, and one figure per domain."""

from collections.abc import Sequence
from dataclasses import dataclass

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.icons import severity_shape
from dashboard.components.marks import SEVERITIES, SEVERITY_NAMES
from dashboard.components.parts import href, right_cell, table
from dashboard.components.readings import result_of
from dashboard.shapes import Device, District
from dashboard.status_shapes import DeviceCounts
from dashboard.texts import text
from dashboard.units import number, present

DUE = 80.0  # %, the fill level at which a bin is due; the overview's figure uses the same


@dataclass(frozen=True, slots=True)
class DistrictState:
    """One district at a glance; a mean is None where nothing fresh reports."""

    district_id: str
    name: str
    devices: int
    fresh: int
    alerts: dict[str, int]
    speed: float | None
    bins: int
    bins_due: int
    pm2_5: float | None


def mean(values: Sequence[float]) -> float | None:
    """Return the mean, None of nothing."""
    return sum(values) / len(values) if values else None


def district_states(
    districts: Sequence[District], devices: Sequence[Device], counts: DeviceCounts
) -> list[DistrictState]:
    """Return the districts that hold devices or alerts, by name. Means are over those of `devices` that are fresh."""
    states = []
    counted = {one["district_id"]: one for one in counts["districts"]}
    for district in districts:
        whole = counted.get(district["district_id"])
        if whole is None:
            continue
        here = [device for device in devices if device["district_id"] == district["district_id"]]
        fresh = [device for device in here if device["freshness"] == "fresh"]
        fills = present(result_of(device, "fill_level") for device in fresh)
        states.append(
            DistrictState(
                district_id=district["district_id"],
                name=district["name"],
                devices=whole["devices"],
                fresh=whole["freshness"]["fresh"],
                alerts=whole["open_alerts"],
                speed=mean(present(result_of(device, "vehicle_speed") for device in fresh)),
                bins=len(fills),
                bins_due=sum(fill >= DUE for fill in fills),
                pm2_5=mean(present(result_of(device, "pm2_5") for device in fresh)),
            )
        )
    return states


def _alert_counts(counts: dict[str, int]) -> list[Component] | str:
    marks: list[Component] = [
        html.Span(
            [severity_shape(severity, size=12, label=text(SEVERITY_NAMES[severity])), f" {counts[severity]}"],
            className="count-mark",
        )
        for severity in SEVERITIES
        if counts[severity]
    ]
    return marks or "–"


def district_table(states: Sequence[DistrictState], source: str | None) -> Component:
    """Return the districts as a table."""
    rows = [
        html.Tr(
            [
                html.Th(dcc.Link(state.name, href=href(f"/districts/{state.district_id}", source=source)), scope="row"),
                html.Td(_alert_counts(state.alerts)),
                right_cell(f"{number(state.fresh, 0)} / {number(state.devices, 0)}"),
                right_cell(number(state.speed, 0)),
                right_cell(f"{state.bins_due} / {state.bins}" if state.bins else "–"),
                right_cell(number(state.pm2_5, 1)),
            ]
        )
        for state in states
    ]
    headings = [
        (text("District"), False),
        (text("Open alerts"), False),
        (text("Fresh devices"), True),
        (text("Mean speed, km/h"), True),
        (text("Bins due"), True),
        (text("PM2.5, µg/m³"), True),
    ]
    return table(headings, rows, caption=text("Districts at a glance"))

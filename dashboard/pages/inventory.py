"""Every device of the chosen source: whether it is there, when it was heard, its battery; and who is unknown."""

import asyncio

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.grid import column, grid
from dashboard.components.marks import FRESHNESS_NAMES, SEVERITY_NAMES, replay_chip
from dashboard.components.parts import choices, href, page_head, panel, part
from dashboard.components.presence import PRESENCE_NAMES, presence_class, presence_of
from dashboard.components.quarantine import quarantine
from dashboard.components.readings import result_of
from dashboard.pages.overview import counted_words
from dashboard.pages.view import View
from dashboard.shapes import Device, JsonObject, Stranger
from dashboard.texts import domain_name, text
from dashboard.units import number


def inventory_row(device: Device, source: str | None, districts: dict[str, str]) -> JsonObject:
    """Return one device as a row of the table."""
    severity = device["worst_severity"]
    return {
        "name": device["name"] or device["device_id"],
        "name_href": href(f"/devices/{device['device_id']}", source=source),
        "device_id": device["device_id"],
        "domain": domain_name(device["domain"]),
        "district": districts.get(device["district_id"] or "", "–"),
        "freshness": text(FRESHNESS_NAMES[device["freshness"]]),
        "freshness_class": f"freshness-{device['freshness']}",
        "presence": text(PRESENCE_NAMES[presence_of(device)]),
        "presence_class": presence_class(presence_of(device)),
        "heard": device["last_time"],
        "battery": result_of(device, "battery"),
        "alert": text(SEVERITY_NAMES[severity]) if severity else "",
        "alert_class": f"severity-{severity.lower()}" if severity else "",
        "profile": device["profile"],
    }


async def page(view: View) -> Component:
    """Return the inventory."""
    devices, counts, districts, may = await asyncio.gather(
        view.devices(), view.counts(), view.api.districts(), view.api.permissions()
    )
    names = {district["district_id"]: district["name"] for district in districts}
    chips = [] if view.clock.live else [replay_chip(view.clock.source)]
    wanted = view.query.get("freshness")
    shown = [d for d in devices if wanted is None or d["freshness"] == wanted]
    filters = [(text("All"), href("/devices", source=view.source), wanted is None)] + [
        (text(words), href("/devices", source=view.source, freshness=name), wanted == name)
        for name, words in FRESHNESS_NAMES.items()
    ]
    if "configure" in may:
        chips.append(dcc.Link(text("Add a device"), href=href("/add-device"), className="button"))
    head = page_head(
        text("Devices"),
        part("counts", counted_words(counts["freshness"])),
        [*chips, choices(text("Freshness"), filters)],
    )
    columns = [
        column("name", text("Device"), width=232, cellRenderer="PageLink", flex=2),
        column("device_id", text("Id"), width=88),
        column("domain", text("Domain"), width=92),
        column("district", text("District"), width=124),
        column("freshness", text("Freshness"), width=106, cellRenderer="Chip"),
        column("presence", text("Presence"), width=100, cellRenderer="Chip"),
        column("heard", text("Heard"), width=100, cellRenderer="Age"),
        column(
            "battery",
            text("Battery, %"),
            width=116,
            type="rightAligned",
            filter="agNumberColumnFilter",
            valueFormatter={"function": "wholeNumber(params)"},
        ),
        column("alert", text("Worst alert"), width=115, cellRenderer="Chip"),
        column("profile", text("Profile"), width=120),
    ]
    rows = [inventory_row(device, view.source, names) for device in shown]
    table = grid(
        "inventory",
        columns,
        rows,
        label=text("All devices"),
        height="calc(100vh - 200px)",
        empty=text("None is in this state just now.") if wanted else text("No device here"),
    )
    listed = panel(text("Inventory"), table, note=_cut(len(devices), counts["devices"]), flush=True)
    strangers = await view.api.quarantine() if "inspect" in may and view.clock.live else None
    unknown = [] if strangers is None else [await _unknown(view, strangers, allowed="configure" in may)]
    # Whoever waits comes first; that nobody does is no news.
    parts = [head, *unknown, listed] if strangers else [head, listed, *unknown]
    return html.Div(parts, style={"display": "contents"})


def _cut(listed: int, there: int) -> str:
    """Return what is said where more devices are there than a table holds; nothing where all are listed."""
    return "" if listed >= there else text("the first {n}; all are counted above", n=number(listed, 0))


async def _unknown(view: View, strangers: list[Stranger], *, allowed: bool) -> Component:
    """Return the quarantine, for those who may look into raw messages; it is of the city as it runs."""
    return panel(
        text("Quarantine"),
        quarantine(strangers, await view.api.profiles() if strangers else [], allowed=allowed),
        note=text("devices that send and that nobody registered; their messages are kept"),
        flush=True,
        scroll="340px",
    )

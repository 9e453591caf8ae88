"""A sample of the numbers on every page, each beside what the API says: the screen must never say otherwise."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page

from tests.browser.look import settle

Get = Callable[..., Any]  # path and query -> the API's answer
Ask = Callable[[Get, str], object]  # that and the page's address -> the number
Read = Callable[[Page], str]
TRIES = 5  # as the city goes on between the two looks
ROADS, BINS, STATIONS = "traffic", "waste", "air"
SERVICE = "level_of_service"


def _digits(words: str) -> str:
    return re.sub(r"[\s,\u202f]", "", words)


def said(pattern: str, selector: str = "#page, main") -> Read:
    """Return what a page says in words that hold `pattern`, spaces and separators left out."""

    def read(page: Page) -> str:
        found = re.search(pattern, _digits(page.locator(selector).first.inner_text()))
        return found[1] if found else "nothing"

    return read


def lines(selector: str) -> Read:
    """Return how many elements there are."""
    return lambda page: str(page.locator(selector).count())


def column(number: int) -> Read:
    """Return what stands in a column of the page's first table, counted after the heading of the row."""
    cells = f"#page section:first-of-type tbody td:nth-of-type({number})"
    return lambda page: " ".join(page.locator(cells).all_inner_texts())


def _query(address: str, name: str) -> str:
    return parse_qs(urlsplit(address).query)[name][-1]


def _last(address: str) -> str:
    return urlsplit(address).path.rstrip("/").rpartition("/")[2]


def _devices(get: Get, domain: str | None = None, source: str = "live") -> list[Any]:
    asked = {"source_id": source, "limit": 1000, **({"domain": domain} if domain else {})}
    return list(get("/api/v1/devices", **asked)["items"])


def _fresh(get: Get, _address: str) -> str:
    devices = _devices(get)
    return f"{sum(one['freshness'] == 'fresh' for one in devices)}of{len(devices)}"


def _open(get: Get, _address: str) -> list[Any]:
    alerts = get("/api/v1/alerts", open="true", limit=500)["items"]
    return [alert for alert in alerts if alert["source_id"] in ("live", None)]


def _waiting(get: Get, address: str) -> int:
    return sum(alert["state"].endswith("unacknowledged") for alert in _open(get, address))


def _reading(device_id: str, name: str, digits: int) -> Callable[[Get], str]:
    def ask(get: Get) -> str:
        latest = {row["property"]: row["result"] for row in get(f"/api/v1/devices/{device_id}")["latest"]}
        return f"{latest[name]:.{digits}f}"

    return ask


def _speed(get: Get, _address: str) -> str:
    figures = {one["name"]: one["value"] for one in get("/api/v1/summary")["figures"]}
    return f"{figures['vehicle_speed']:.0f}"


def _inhabitants(get: Get, address: str) -> str:
    (found,) = [one for one in get("/api/v1/districts")["items"] if one["district_id"] == _last(address)]
    devices = [one for one in _devices(get) if one["district_id"] == _last(address)]
    return f"{found['population']}inhabitants{len(devices)}devices"


def _open_in(get: Get, district_id: str) -> list[Any]:
    return [alert for alert in _open(get, "") if alert["district_id"] == district_id]


def _open_by_district(get: Get, _address: str) -> str:
    districts = get("/api/v1/districts")["items"]  # by name, as on the page
    return " ".join(str(len(_open_in(get, one["district_id"]))) for one in districts)


def _parity(get: Get, _address: str) -> str:
    return f"{100 * get('/api/v1/equity')['parity']:.0f}"


def _covered(get: Get, _address: str) -> int:
    return len({one["district_id"] for one in _devices(get)} - {None})


def _scored(get: Get, address: str) -> object:
    streams = {
        row["property"]: row["datastream_id"]
        for row in get("/api/v1/datastreams", device_id=_query(address, "device"))["items"]
    }
    score = get(f"/api/v1/datastreams/{streams[_query(address, 'forecast')]}/forecast")["score"]
    return "nothing" if score is None else score["n"]


def _total(name: str) -> Ask:
    return lambda get, _address: get("/api/v1/account", limit=1)["total"][name]


def _heard(get: Get, address: str) -> int:
    rows = get("/api/v1/account", device_id=_last(address))["items"]
    return sum(row["received"] for row in rows)


def _due(get: Get, address: str) -> int:
    return int(get("/api/v1/routes", trucks=1, least_level=_query(address, "level"), source_id="live")["bins"])


def _levels(get: Get, _address: str) -> str:
    found = [row["result"] for one in _devices(get, ROADS) for row in one["latest"] if row["property"] == SERVICE]
    return "".join("ABCDEF"[int(level) - 1] for level in sorted(found, reverse=True))


def letters(page: Page) -> str:
    """Return the levels of service of all detectors, in the order of the page."""
    return "".join(page.locator("#page tbody .level").all_inner_texts())


FRESH = ("devices that are fresh", _fresh, said(r"(\d+of\d+)devicesfresh"))
# page of tests/browser/look.py -> what is compared, the API's number, the page's number
NUMBERS: Mapping[str, tuple[tuple[str, Ask, Read], ...]] = {
    "overview": (FRESH, ("mean speed", _speed, said(r"Meanspeed(\d+)km/h"))),
    "overview-device": (
        (
            "fill level",
            lambda get, address: _reading(_query(address, "device"), "fill_level", 0)(get),
            said(r"Filllevel(\d+)%", ".device-card"),
        ),
    ),
    "alerts": (("open alerts", lambda get, address: len(_open(get, address)), lines("#alert-list .alert")),),
    "map": (FRESH,),
    "trends": (
        (
            "devices with the property",
            lambda get, address: sum(
                any(row["property"] == _query(address, "property") and row["phenomenon_time"] for row in one["latest"])
                for one in _devices(get)
            ),
            lines("#page section:first-of-type tr[data-selected]"),
        ),
    ),
    "districts": (
        ("districts with devices", _covered, lines("#page section:first-of-type tbody tr")),
        ("open alerts of each", _open_by_district, column(3)),
        ("parity", _parity, said(r"fewesthas(\d+)%")),
    ),
    "district": (
        ("inhabitants and devices", _inhabitants, said(r"(\d+inhabitants\d+devices)")),
        ("open alerts", lambda get, address: len(_open_in(get, _last(address))), lines("#alert-list .alert")),
    ),
    "traffic": (
        ("detectors", lambda get, _address: len(_devices(get, ROADS)), said(r"(\d+)detectors")),
        ("levels of service, worst first", _levels, letters),
    ),
    "waste": (("bins", lambda get, _address: len(_devices(get, BINS)), said(r"of(\d+)binsat")),),
    "waste-plan": (("bins that are due", _due, said(r"(\d+)binstoempty")),),
    "air": (("stations", lambda get, _address: len(_devices(get, STATIONS)), said(r"(\d+)stationsindicative")),),
    "air-outlook": (("hours that judge the forecast", _scored, said(r"%of(\d+)promised")),),
    "work": (
        (
            "work orders",
            lambda get, _address: len(get("/api/v1/work-orders", limit=200)["items"]),
            lines("#page tbody tr"),
        ),
    ),
    "report": (("refused readings", _total("refused"), said(r"duplicate\+(\d+)refused")),),
    "wall": (FRESH, ("alerts that wait", _waiting, said(r"(\d+)alerts?wait"))),
    "rules": (
        (
            "rules in force",
            lambda get, _address: sum(rule["enabled"] for rule in get("/api/v1/rules")["items"]),
            said(r"(\d+)rulesinforce"),
        ),
    ),
    "calculations": (
        ("formulas", lambda get, _address: len(get("/api/v1/calculations")["items"]), lines("#page tbody tr")),
    ),
    "rule": (
        (
            "its version",
            lambda get, address: get(f"/api/v1/rules/{_last(address)}")["version"],
            said(r"Version(\d+)by"),
        ),
    ),
    "devices": (FRESH,),
    "device": (("messages received", _heard, said(r"Messages(\d+)received")),),
    "account": (
        ("received", _total("received"), said(r"Messages(\d+)received")),
        ("stored", _total("stored"), said(r"=(\d+)stored")),
    ),
    "me": (
        (
            "what one may do",
            lambda get, _address: len(set(get("/api/v1/me")["permissions"]) - {"public", "own"}),
            lines("#page .facts-list li"),
        ),
    ),
    "simulator": (
        (
            "scenarios",
            lambda get, _address: len(get("/api/v1/scenarios")["items"]),
            lines("#page .scenarios section.panel"),
        ),
    ),
    "status": (("version", lambda get, _address: get("/api/v1/status")["version"], said(r"version([\d.a-z]+?)store")),),
    "replay": (
        (
            "detectors of the replay",
            lambda get, address: len(_devices(get, ROADS, _query(address, "source"))),
            said(r"(\d+)detector"),
        ),
    ),
    "public": (
        (
            "districts of which something is published",
            lambda get, _address: len({one["district_id"] for one in get("/api/v1/public/districts")["items"]}),
            lines("main section:first-of-type tbody tr"),
        ),
        (
            "version of a rule",
            lambda get, _address: get("/api/v1/rules/bin-fire")["version"],
            said(r"Fireinabin.*?version(\d+)"),
        ),
    ),
}


def _between(before: str, shown: str, after: str) -> bool:
    """Return whether a count that grows stood on the page between two answers of the API."""
    if shown in (before, after):
        return True
    return all(each.isdigit() for each in (before, shown, after)) and int(before) <= int(shown) <= int(after)


def differing(page: Page, name: str, get: Get) -> list[str]:
    """Return what the page that is open says otherwise than the API; loaded anew where the city goes on."""
    wrong = []
    for what, ask, read in NUMBERS[name]:
        before = str(ask(get, page.url))
        for _ in range(TRIES):
            shown, after = read(page), str(ask(get, page.url))
            if _between(before, shown, after):
                break
            before = after
            page.reload()
            settle(page)
        else:
            wrong.append(f"{what}: {shown} on the page, {after} in the API")
    return wrong

"""Looking at a page as the tests do: wait until it stands still, then check what axe-core and arithmetic can check."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# name -> address, heading in English
PAGES = {
    "overview": ("/", "City overview"),
    "overview-device": ("/?device=bin-004", "City overview"),
    "alerts": ("/alerts?alert=1", "Alerts"),
    "map": ("/map", "Map"),
    "trends": ("/trends?property=pm2_5", "Trends"),
    "districts": ("/districts", "Districts"),
    "district": ("/districts/harbour", "Harbour"),
    "traffic": ("/traffic", "Traffic"),
    "waste": ("/waste", "Waste"),
    "waste-plan": ("/waste/plan?level=50", "Collection plan"),
    "air": ("/air", "Air"),
    "air-outlook": ("/air/outlook?device=air-000&forecast=no2", "Air outlook"),
    "work": ("/work?show=all", "Work orders"),
    "report": ("/report", "Shift report"),
    "wall": ("/wall?theme=wall", "City now"),
    "rules": ("/rules", "Rules"),
    "calculations": ("/calculations", "Calculated datastreams"),
    "rule": ("/rules/bin-fire", "Fire in a bin"),
    "devices": ("/devices", "Devices"),
    "device": ("/devices/road-002", "Harbour Street east, km 0.4"),
    "account": ("/account", "Data account"),
    "simulator": ("/simulator", "Simulator"),
    "status": ("/status", "Status"),
    "me": ("/me", "Your account"),
    "replay": ("/traffic?source=i94-2016", "Traffic"),
    "public": ("/public", "The city now"),
}

# Nothing is being fetched, every chart is drawn, and nothing is dimmed while it waits for news.
_STILL = """() => document.querySelector('#page h1, main h1') !== null
    && document.querySelector('#page.is-loading') === null
    && [...document.querySelectorAll('.dash-graph')].every(g => g.querySelector('.js-plotly-plot .main-svg'))
    && document.getAnimations().every(a => a.playState !== 'running')"""

# The contrast of each node that axe could not decide: its text colour against all grounds below it, blended.
_CONTRAST = """targets => {
    const parse = (text) => {
        const n = text.match(/[\\d.]+/g).map(Number);
        const scale = text.startsWith('color(') ? 255 : 1;
        return [n[0] * scale, n[1] * scale, n[2] * scale, n[3] ?? 1];
    };
    const over = (top, under) => [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3])).concat([1]);
    const light = (c) => {
        const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const found = [];
    for (const target of targets) {
        const element = document.querySelector(target);
        if (!element || !element.checkVisibility() || !element.textContent.trim()) continue;
        const layers = [];
        for (let at = element; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
        let ground = [255, 255, 255, 1];
        for (const layer of layers.reverse()) ground = over(layer, ground);
        const style = getComputedStyle(element);
        const text = over(parse(element instanceof SVGElement ? style.fill : style.color), ground);
        const [high, low] = [light(text), light(ground)].sort((a, b) => b - a);
        const ratio = (high + 0.05) / (low + 0.05);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
        if (ratio < (large ? 3 : 4.5)) found.push([target, Math.round(ratio * 100) / 100]);
    }
    return found;
}"""


def axe_source() -> str:
    """Return the checker's source, from the package that carries it; raise LookupError where it is not installed."""
    found = find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        raise LookupError("axe-playwright-python is not installed: make setup-dev")
    return Path(found.origin).with_name("axe.min.js").read_text(encoding="utf-8")


def settle(page: Page) -> None:
    """Wait until nothing on the page changes by itself any more."""
    page.wait_for_load_state("networkidle")
    page.wait_for_function(_STILL)


def violations(page: Page, axe: str) -> list[Any]:
    """Return every violation of WCAG 2.2 A or AA: what axe-core finds, and contrast that it leaves open, computed."""
    page.evaluate(axe)
    options = {"runOnly": TAGS, "resultTypes": ["violations", "incomplete"]}
    result = page.evaluate("options => axe.run(document, options)", options)
    found: list[Any] = [(v["id"], [n["target"] for n in v["nodes"]]) for v in result["violations"]]
    undecided = [
        node["target"][0]
        for entry in result["incomplete"]
        if entry["id"] == "color-contrast"
        for node in entry["nodes"]
        if len(node["target"]) == 1 and isinstance(node["target"][0], str)
    ]
    if undecided and (low := page.evaluate(_CONTRAST, undecided)):
        found.append(("contrast, computed", low))
    return found

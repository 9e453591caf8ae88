"""The two sums of the data account, in words: what arrived became something, every time."""

from dash import html
from dash.development.base_component import Component

from dashboard.components.icons import icon
from dashboard.status_shapes import AccountRow
from dashboard.texts import text
from dashboard.units import number

FIELDS = ("received", "accepted", "rejected", "readings", "stored", "duplicate", "refused")


def count(value: int) -> str:
    """Return a whole number with its thousands apart."""
    return number(value, 0)


def closes_mark(closes: bool) -> Component:
    """Return whether both sums close, as sign and word."""
    if closes:
        return html.Span([icon("check", size=14), text("close")], className="chip freshness-fresh")
    return html.Span([icon("error", size=14), text("do not close")], className="chip severity-high")


def account_facts(total: AccountRow) -> Component:
    """Return both sums of `total` as sentences."""
    plain = dict(total)
    shown = {name: count(int(str(plain[name]))) for name in FIELDS}
    return html.Dl(
        [
            html.Dt(text("Messages")),
            html.Dd(
                text("{received} received = {accepted} accepted + {rejected} rejected", **shown), className="number"
            ),
            html.Dt(text("Readings")),
            html.Dd(
                text("{readings} in them = {stored} stored + {duplicate} duplicate + {refused} refused", **shown),
                className="number",
            ),
            html.Dt(text("Both sums")),
            html.Dd(closes_mark(total["closes"])),
        ],
        className="facts-list",
    )

"""Atom (RFC 4287) of what the city tells everybody. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree

ATOM = "http://www.w3.org/2005/Atom"
MEDIA_TYPE = "application/atom+xml; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Entry:
    """One item; `link` leads to it, `kind` is the link's media type."""

    identity: str
    title: str
    updated: datetime
    summary: str
    link: str
    kind: str
    category: str | None = None


def atom(identity: str, title: str, address: str, updated: datetime, entries: Iterable[Entry]) -> bytes:
    """Return a feed as XML."""
    ElementTree.register_namespace("", ATOM)
    feed = ElementTree.Element(f"{{{ATOM}}}feed")
    _texts(feed, {"id": identity, "title": title, "updated": _time(updated)})
    ElementTree.SubElement(feed, f"{{{ATOM}}}link", {"rel": "self", "href": address})
    author = ElementTree.SubElement(feed, f"{{{ATOM}}}author")
    _texts(author, {"name": "Citywatch"})
    for one in entries:
        entry = ElementTree.SubElement(feed, f"{{{ATOM}}}entry")
        _texts(entry, {"id": one.identity, "title": one.title, "updated": _time(one.updated), "summary": one.summary})
        ElementTree.SubElement(entry, f"{{{ATOM}}}link", {"rel": "alternate", "href": one.link, "type": one.kind})
        if one.category is not None:
            ElementTree.SubElement(entry, f"{{{ATOM}}}category", {"term": one.category})
    written: bytes = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return written


def _texts(parent: ElementTree.Element, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        # XML has no control characters, whatever a rule's author wrote.
        clean = "".join(c for c in text if c >= " " or c in "\t\n")
        ElementTree.SubElement(parent, f"{{{ATOM}}}{name}").text = clean


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")

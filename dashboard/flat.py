"""Static markup as one component: what nobody calls back needs no component of its own.

The page library keeps a subscription for every component and tells all of them about each new one, so a table of a
thousand cells takes it many seconds. Here a subtree without anything interactive becomes its outermost element with
its inside as HTML in `data-html`, which assets/c-shell.js puts in place. Every text and attribute is escaped.
"""

from html import escape
from typing import Any

from dash.development.base_component import Component

VOID = frozenset({"br", "hr", "img", "input", "wbr"})
# Properties whose HTML name is not simply their own in lower case.
NAMES = {"className": "class", "htmlFor": "for", "viewBox": "viewBox", "preserveAspectRatio": "preserveAspectRatio"}
DASHED = frozenset({"strokeWidth", "strokeLinecap", "strokeLinejoin", "vectorEffect", "fillOpacity", "strokeDasharray"})


def _kind(component: Component) -> str:
    return str(component._namespace)


def is_static(node: Any) -> bool:
    """Return whether `node` is words, or markup without an id and without anything interactive inside."""
    if not isinstance(node, Component):
        return node is None or isinstance(node, str | int | float)
    link = _kind(node) == "dash_core_components" and node._type == "Link"
    if not link and _kind(node) not in ("dash_html_components", "dash_svg"):
        return False
    return getattr(node, "id", None) is None and all(is_static(child) for child in _children(node))


def _children(component: Component) -> list[Any]:
    children = getattr(component, "children", None)
    if children is None:
        return []
    return list(children) if isinstance(children, list | tuple) else [children]


def _dashes(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)


def _attributes(component: Component) -> str:
    parts = []
    for name in component._prop_names + [n for n in component.__dict__ if n.startswith(("data-", "aria-"))]:
        value = getattr(component, name, None)
        if name in ("children", "id", "loading_state", "refresh") or value is None or value is False:
            continue
        if name == "style":
            value = ";".join(f"{_dashes(key)}:{each}" for key, each in value.items())
        written = NAMES.get(name) or (_dashes(name) if name in DASHED else name.lower())
        parts.append(f" {written}" if value is True else f' {written}="{escape(str(value))}"')
    return "".join(dict.fromkeys(parts))


def to_html(node: Any) -> str:
    """Return static markup as HTML; raise TypeError on what is not static."""
    if not isinstance(node, Component):
        return "" if node is None else escape(str(node), quote=False)
    if not is_static(node):
        raise TypeError(f"{node._type} is not static markup")
    tag = "a" if node._type == "Link" and _kind(node) == "dash_core_components" else node._type.lower()
    inner = "".join(to_html(child) for child in _children(node))
    return f"<{tag}{_attributes(node)}>" if tag in VOID else f"<{tag}{_attributes(node)}>{inner}</{tag}>"


def flatten(node: Any) -> Any:
    """Return `node` with every static subtree made one component."""
    if isinstance(node, list | tuple):
        return [flatten(child) for child in node]
    if not isinstance(node, Component):
        return node
    children = _children(node)
    if _kind(node) == "dash_html_components" and is_static(node):
        if any(isinstance(child, Component) for child in children):
            node.children = None
            setattr(node, "data-html", "".join(to_html(child) for child in children))
        return node
    if children and _kind(node) != "dash_leaflet":
        node.children = [flatten(child) for child in children] if len(children) > 1 else flatten(children[0])
    return node

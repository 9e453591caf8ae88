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
OWN = frozenset({"children", "id", "loading_state", "refresh"})  # what is not written as an attribute
DASHED = frozenset({"strokeWidth", "strokeLinecap", "strokeLinejoin", "vectorEffect", "fillOpacity", "strokeDasharray"})


def _kind(component: Component) -> str:
    return str(component._namespace)


def is_static(node: Any) -> bool:
    """Return whether `node` is words, or markup without an id and without anything interactive inside."""
    return _judge(node, set())


def _judge(node: Any, static: set[int]) -> bool:
    """Return whether `node` is static; put the identity of every component that is, at any depth, into `static`.

    Each component is judged once: asked anew at every depth, a long table would take longer to judge than to read.
    """
    if not isinstance(node, Component):
        return node is None or isinstance(node, str | int | float)
    inside = [_judge(child, static) for child in _children(node)]  # every one, whatever its siblings are
    link = _kind(node) == "dash_core_components" and node._type == "Link"
    plain = (link or _kind(node) in ("dash_html_components", "dash_svg")) and getattr(node, "id", None) is None
    if plain and all(inside):
        static.add(id(node))
    return id(node) in static


def _children(component: Component) -> list[Any]:
    children = getattr(component, "children", None)
    if children is None:
        return []
    return list(children) if isinstance(children, list | tuple) else [children]


def _dashes(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)


def _attributes(component: Component) -> str:
    parts = []
    for name, value in vars(component).items():
        # What a component holds beside what it was given is the page library's own.
        if value is None or value is False or name in OWN or name.startswith(("_", "available_")):
            continue
        said = ";".join(f"{_dashes(key)}:{each}" for key, each in value.items()) if name == "style" else str(value)
        written = NAMES.get(name) or (_dashes(name) if name in DASHED else name.lower())
        parts.append(f" {written}" if value is True else f' {written}="{escape(said)}"')
    return "".join(parts)


def to_html(node: Any) -> str:
    """Return static markup as HTML; raise TypeError on what is not static."""
    if not is_static(node):
        raise TypeError(f"{node._type if isinstance(node, Component) else type(node).__name__} is not static markup")
    return _write(node)


def _write(node: Any) -> str:
    if not isinstance(node, Component):
        return "" if node is None else escape(str(node), quote=False)
    tag = "a" if node._type == "Link" and _kind(node) == "dash_core_components" else node._type.lower()
    inner = "".join([_write(child) for child in _children(node)])
    return f"<{tag}{_attributes(node)}>" if tag in VOID else f"<{tag}{_attributes(node)}>{inner}</{tag}>"


def flatten(node: Any) -> Any:
    """Return `node` with every static subtree made one component."""
    static: set[int] = set()
    for each in node if isinstance(node, list | tuple) else [node]:
        _judge(each, static)
    return _flatten(node, static)


def _flatten(node: Any, static: set[int]) -> Any:
    if isinstance(node, list | tuple):
        return [_flatten(child, static) for child in node]
    if not isinstance(node, Component):
        return node
    children = _children(node)
    if _kind(node) == "dash_html_components" and id(node) in static:
        if any(isinstance(child, Component) for child in children):
            node.children = None
            setattr(node, "data-html", "".join([_write(child) for child in children]))
        return node
    if children and _kind(node) != "dash_leaflet":
        node.children = _flatten(children if len(children) > 1 else children[0], static)
    return node

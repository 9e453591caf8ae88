"""Addresses that messages are sent to: what one may look like, and a name for it that gives no token away."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import urlsplit

LONGEST_TOPIC = 65_535  # bytes; MQTT 3.1.1, 4.7.3
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_WEB_HOST = re.compile(r"(https?://)(?:[^/?#]*@)?([^/?#@]+)")


def check_web_address(text: str) -> None:
    """Raise ValueError where nothing can be posted to `text`. The message does not repeat it: it may hold a token."""
    try:
        parts = urlsplit(text)
        odd = parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0
    except ValueError:
        odd = True
    if odd or not text.isprintable() or " " in text:
        raise ValueError("a web address is needed, as https://desk.example/hook")


def check_topic(text: str) -> None:
    """Raise ValueError where nothing can be published on `text`."""
    if not text or "\0" in text or set(text) & {"+", "#"} or len(text.encode()) > LONGEST_TOPIC:
        raise ValueError(f"a topic to publish on has 1 to {LONGEST_TOPIC} bytes and no + or #, not {text[:100]!r}")


def short_name(text: str) -> str:
    """Return a name for a URL that carries a secret: scheme, host where that is none, and a short hash.

    Only of web addresses is the host shown: in an Apprise URL such as `tgram://TOKEN/CHAT` it is the token.
    """
    scheme = _SCHEME.match(text)
    host = _WEB_HOST.match(text)
    start = host[1] + host[2] if host else scheme[0] if scheme else ""
    return f"{start} #{hashlib.sha256(text.encode()).hexdigest()[:8]}".lstrip()

"""Every other channel (Telegram, Slack, Teams, SMS ...) through the library Apprise, where somebody installed it.

`pip install apprise` in our environment; a target is an Apprise URL. It is not among our own dependencies.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Mapping
from typing import Any

from citywatch.errors import SettingsError
from rules.notify.outbox import NotifyError


class Apprise:
    """Sends through Apprise; raise SettingsError where it is not installed."""

    def __init__(self) -> None:
        try:
            self._library: Any = importlib.import_module("apprise")
        except ImportError:
            raise SettingsError("CITYWATCH_NOTIFY__APPRISE needs the package apprise: pip install apprise") from None

    async def __call__(self, target: str, body: Mapping[str, Any]) -> None:
        """Send `body` to the Apprise URL `target`; raise NotifyError when it was not taken."""
        title = f"[{body['severity']}] {body['text']}"[:200]
        text = f"{body['text']}\n\nWhat to do: {body['operator_action'] or '-'}"
        if not await asyncio.to_thread(self._send, target, title, text):
            raise NotifyError("Apprise could not deliver it")

    def _send(self, target: str, title: str, text: str) -> bool:
        sender = self._library.Apprise()
        return bool(sender.add(target) and sender.notify(body=text, title=title))

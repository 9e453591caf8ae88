"""E-mail by SMTP, with the standard library in a thread."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

from rules.notify.outbox import NotifyError

TIMEOUT = 20.0


@dataclass(frozen=True, slots=True)
class Mailer:
    """Sends plain-text messages through one server; `starttls` refuses to go on unencrypted."""

    host: str
    port: int
    sender: str
    starttls: bool = True
    username: str | None = None
    password: str | None = None

    async def __call__(self, target: str, body: Mapping[str, Any]) -> None:
        """Send `body` to the address `target`; raise NotifyError when the server did not take it."""
        try:
            await asyncio.to_thread(self._send, compose(self.sender, target, body))
        except (OSError, smtplib.SMTPException) as error:
            raise NotifyError(f"{type(error).__name__}: {error}") from None

    def _send(self, message: EmailMessage) -> None:
        with smtplib.SMTP(self.host, self.port, timeout=TIMEOUT) as server:
            if self.starttls:
                server.starttls(context=ssl.create_default_context())
            if self.username is not None:
                server.login(self.username, self.password or "")
            server.send_message(message)


def compose(sender: str, target: str, body: Mapping[str, Any]) -> EmailMessage:
    """Return the message: what happened, where, since when, and what to do."""
    message = EmailMessage()
    message["From"], message["To"] = sender, target
    message["Subject"] = " ".join(f"[{body['severity']}] {body['text']}".split())[:200]
    message["Message-ID"] = f"<{body['id']}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    lines = [
        body["text"],
        "",
        f"Since {body['raised_at']}, {body['severity']}, {body['state'].replace('_', ' ')}.",
        f"Device {body['device_id'] or '-'}, district {body['district_id'] or '-'}.",
        "",
        f"What to do: {body['operator_action'] or '-'}",
        f"Alert {body['alert_id']}, rule {body['rule_id']}.",
    ]
    message.set_content("\n".join(lines))
    return message

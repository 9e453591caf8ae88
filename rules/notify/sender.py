"""Sends what is in the outbox, as the settings say by whom and to whom."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import httpx

from citywatch.errors import SettingsError
from citywatch.settings import NotifySettings
from rules.model import Severity
from rules.notify.email import Mailer
from rules.notify.outbox import Send, Target, send_next
from rules.notify.webhook import Webhook
from sql.connection import Pool

LOOK_EVERY = timedelta(seconds=1)


def targets_of(settings: NotifySettings) -> list[Target]:
    """Return whom to tell; raise SettingsError where a channel lacks what it needs."""
    least = Severity(settings.least_severity)
    if settings.webhooks and settings.webhook_secret is None:
        raise SettingsError("webhooks need CITYWATCH_NOTIFY__WEBHOOK_SECRET, so that receivers know who it is from")
    if settings.emails and settings.smtp_host is None:
        raise SettingsError("mails need CITYWATCH_NOTIFY__SMTP_HOST")
    return [Target("webhook", url, least) for url in settings.webhooks] + [
        Target("email", address, least) for address in settings.emails
    ]


def channels_of(settings: NotifySettings, client: httpx.AsyncClient) -> dict[str, Send]:
    """Return the channels that are set up."""
    channels: dict[str, Send] = {}
    if settings.webhook_secret is not None:
        channels["webhook"] = Webhook(client, settings.webhook_secret.get_secret_value().encode())
    if settings.smtp_host is not None:
        password = settings.smtp_password.get_secret_value() if settings.smtp_password else None
        channels["email"] = Mailer(
            settings.smtp_host,
            settings.smtp_port,
            settings.smtp_sender,
            settings.smtp_starttls,
            settings.smtp_username,
            password,
        )
    return channels


async def keep_sending(pool: Pool, settings: NotifySettings, stop: asyncio.Event) -> None:
    """Send what is due until `stop`; errors of the store are the caller's."""
    async with httpx.AsyncClient() as client:
        channels = channels_of(settings, client)
        while not stop.is_set():
            async with pool.acquire() as connection:
                while not stop.is_set() and await send_next(connection, channels, datetime.now(UTC)):
                    pass
            try:
                await asyncio.wait_for(stop.wait(), LOOK_EVERY.total_seconds())
            except TimeoutError:
                continue

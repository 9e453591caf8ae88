"""Sends what is in the outbox, as the settings say by whom and to whom."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from citywatch.addresses import check_topic, check_web_address
from citywatch.errors import SettingsError
from citywatch.setting_groups import NotifySettings
from rules.model import Severity
from rules.notify.apprise import Apprise
from rules.notify.email import Mailer
from rules.notify.escalation import Policy, Step
from rules.notify.outbox import NotifyError, Send, Target, send_next
from rules.notify.webhook import Webhook
from sql.connection import Pool
from sql.retry import pause

LOOK_EVERY = timedelta(seconds=1)


def policy_of(settings: NotifySettings) -> Policy:
    """Return whom to tell, and when; raise SettingsError where a channel lacks what it needs."""
    least = Severity(settings.least_severity)
    first = [
        *(Target("webhook", url.get_secret_value(), least) for url in settings.webhooks),
        *(Target("email", address, least) for address in settings.emails),
        *(Target("mqtt", topic, least) for topic in settings.topics),
        *(Target("apprise", url.get_secret_value(), least) for url in settings.apprise),
    ]
    steps = tuple(
        Step(each.after, tuple(_target(text.get_secret_value(), least) for text in each.to), each.hours)
        for each in settings.escalation
    )
    used = {each.channel for each in [*first, *(target for step in steps for target in step.targets)]}
    if ("webhook" in used or settings.work_webhooks) and settings.webhook_secret is None:
        raise SettingsError("webhooks need CITYWATCH_NOTIFY__WEBHOOK_SECRET, so that receivers know who it is from")
    if "email" in used and settings.smtp_host is None:
        raise SettingsError("mails need CITYWATCH_NOTIFY__SMTP_HOST")
    return Policy(tuple(first), steps, settings.repeat)


def _target(text: str, least: Severity) -> Target:
    channel, _, address = text.partition(":")
    if channel not in ("webhook", "email", "mqtt", "apprise") or not address:
        raise SettingsError(f"CITYWATCH_NOTIFY__ESCALATION: {text!r} is not CHANNEL:ADDRESS such as email:chief@city")
    try:
        if channel == "webhook":
            check_web_address(address)
        elif channel == "mqtt":
            check_topic(address)
    except ValueError as error:
        raise SettingsError(f"CITYWATCH_NOTIFY__ESCALATION: {channel}: {error}") from None
    return Target(channel, address, least)


def work_targets(settings: NotifySettings) -> list[Target]:
    """Return where work orders are posted to."""
    return [Target("webhook", url.get_secret_value()) for url in settings.work_webhooks]


def _by_name(send: Send, targets: Sequence[Target]) -> Send:
    """Return `send` for those who know an address by its short name only."""
    addresses = {target.name: target.address for target in targets}

    async def deliver(name: str, message: Mapping[str, Any]) -> None:
        if name not in addresses:
            raise NotifyError(f"{name} is not among the settings any more")
        await send(addresses[name], message)

    return deliver


def channels_of(settings: NotifySettings, client: httpx.AsyncClient, publisher: Send | None) -> dict[str, Send]:
    """Return the channels that are set up; `publisher` speaks to our broker."""
    policy = policy_of(settings)
    targets = [*policy.targets, *(target for step in policy.steps for target in step.targets), *work_targets(settings)]
    channels: dict[str, Send] = {}
    if publisher is not None:
        channels["mqtt"] = publisher
    if any(target.channel == "apprise" for target in targets):
        channels["apprise"] = _by_name(Apprise(), targets)
    if settings.webhook_secret is not None:
        channels["webhook"] = _by_name(Webhook(client, settings.webhook_secret.get_secret_value().encode()), targets)
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


async def keep_sending(pool: Pool, settings: NotifySettings, publisher: Send | None, stop: asyncio.Event) -> None:
    """Send what is due until `stop`; errors of the store are the caller's."""
    async with httpx.AsyncClient() as client:
        channels = channels_of(settings, client, publisher)
        while not stop.is_set():
            async with pool.acquire() as connection:
                while not stop.is_set() and await send_next(connection, channels, datetime.now(UTC)):
                    pass
            await pause(stop, LOOK_EVERY)

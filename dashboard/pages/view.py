"""What every page is given: the API, the address, and the clock of the source that is shown."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from dash.development.base_component import Component

from dashboard.client import ApiClient
from dashboard.query import Clock, Query
from dashboard.shapes import Alert, Device, Source


@dataclass(frozen=True, slots=True)
class View:
    """One request for one page."""

    api: ApiClient
    query: Query
    sources: list[Source]
    clock: Clock
    path: str
    zone: ZoneInfo

    @property
    def source_id(self) -> str:
        """Return the source that is shown."""
        return self.clock.source["source_id"]

    @property
    def source(self) -> str | None:
        """Return the source for links: nothing for live, so that plain addresses stay plain."""
        return None if self.clock.live else self.source_id

    async def devices(self, domain: str | None = None) -> list[Device]:
        """Return the devices of the chosen source."""
        return await self.api.devices(source_id=self.source_id, domain=domain)

    async def open_alerts(self, devices: list[Device], domain: str | None = None) -> list[Alert]:
        """Return the open alerts about `devices`; live also shows those that are about no device."""
        known = {device["device_id"] for device in devices}
        alerts = await self.api.alerts(open=True, domain=domain, most=500)
        return [a for a in alerts if a["device_id"] in known or (a["device_id"] is None and self.clock.live)]


Page = Callable[[View], Awaitable[Component]]

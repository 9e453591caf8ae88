"""What every page is given: the API, the address, and the clock of the source that is shown."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from dash.development.base_component import Component

from dashboard.alert_shapes import Alert
from dashboard.client import ApiClient
from dashboard.query import Clock, Query
from dashboard.shapes import Clusters, Device, Source
from dashboard.status_shapes import DeviceCounts
from dashboard.urgent import most_urgent

MOST_OPEN = 500


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

    def below(self, folder: str) -> str | None:
        """Return what the address names below `folder`, such as a device below `devices`, None where it does not."""
        first, _, name = self.path.strip("/").partition("/")
        return name if first == folder and name else None

    async def whole(self, domain: str | None = None) -> Clusters:
        """Return the located devices of the chosen source as sums: how many, how fresh, with how many alerts."""
        return await self.api.clusters(source_id=self.source_id, domain=domain)

    async def counts(self) -> DeviceCounts:
        """Return how many devices the chosen source has in each state: also where they are too many to list."""
        return await self.api.counts(source_id=self.source_id)

    async def devices(self, domain: str | None = None, *, latest: bool = True) -> list[Device]:
        """Return the devices of the chosen source, without their readings where these are not asked for."""
        return await self.api.devices(source_id=self.source_id, domain=domain, latest=latest)

    async def open_alerts(self) -> tuple[list[Alert], bool]:
        """Return the open alerts of the city or district shown, and whether these are only the most urgent of more."""
        return await most_urgent(self.api, MOST_OPEN, source_id=self.source_id, district_id=self.below("districts"))


Page = Callable[[View], Awaitable[Component]]

"""What the API says of devices gathered for a map, as types."""

from datetime import datetime

from pydantic import BaseModel, Field

from api.schemas import Severity


class FreshnessCounts(BaseModel):
    """How many devices are in each state of freshness."""

    fresh: int
    never: int
    stale: int
    silent: int


class ClusteredDevice(BaseModel):
    """The one device of a cluster of one."""

    device_id: str
    name: str
    domain: str


class Cluster(BaseModel):
    """Devices that stand too near to each other to be drawn one by one; `device` where it is one only."""

    longitude: float
    latitude: float
    extent: list[float] = Field(description="west, south, east, north")
    count: int
    freshness: FreshnessCounts | None
    alerting: int = Field(description="devices with an open alert")
    worst_severity: Severity | None
    waiting: bool = Field(description="whether one of the worst alerts waits for an answer")
    device: ClusteredDevice | None


class ClusterPage(BaseModel):
    """What stands in a map box: sums over all of it, and the clusters on the grid of `zoom`."""

    at: datetime
    devices: int
    freshness: FreshnessCounts | None = Field(description="null for an earlier time: nobody keeps it")
    alerting: int
    domains: dict[str, int]
    extent: list[float] | None = Field(description="west, south, east, north of all devices in the box")
    zoom: int
    items: list[Cluster]

"""Under which name a worker is known to the broker, and what it asks for."""

from citywatch.settings import IngestSettings
from devices.envelopes import ENVELOPES
from ingest.broker import share
from ingest.routes import make_routes


def session_name(slot: int) -> str:
    """Return the client id of a worker's persistent session: the same after every restart."""
    return f"citywatch-ingest-{slot}"


def topic_filters(options: IngestSettings) -> tuple[str, ...]:
    """Return the filters that a worker subscribes to: the native route and those of the settings."""
    return share([route.filter for route in make_routes(options.routes, ENVELOPES)], options.workers)

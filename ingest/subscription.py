"""Under which name a worker is known to the broker, and what it asks for."""

from citywatch.setting_groups import IngestSettings
from devices.envelopes import ENVELOPES
from ingest.broker import share
from ingest.routes import make_routes


def session_name(slot: int) -> str:
    """Return the client id of a worker's persistent session: the same after every restart."""
    return f"citywatch-ingest-{slot}"


def topic_filters(options: IngestSettings) -> tuple[str, ...]:
    """Return the filters that a worker subscribes to: the native route and those of the settings."""
    return share([route.filter for route in make_routes(options.routes, ENVELOPES)], options.workers)


def plain_filters(options: IngestSettings) -> tuple[str, ...]:
    """Return the filters of everything we take in, not shared."""
    return share([route.filter for route in make_routes(options.routes, ENVELOPES)], 1)


def outdated_filters(options: IngestSettings) -> tuple[str, ...]:
    """Return the filters of another number of workers: alone where they are shared now, or the other way round."""
    return share([route.filter for route in make_routes(options.routes, ENVELOPES)], 1 if options.workers > 1 else 2)


def every_filter(options: IngestSettings) -> tuple[str, ...]:
    """Return the filters a worker may be subscribed to, alone or shared: what it leaves when it goes for good."""
    filters = [route.filter for route in make_routes(options.routes, ENVELOPES)]
    return (*share(filters, 1), *share(filters, 2))

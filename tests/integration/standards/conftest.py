"""The same small city as the API's own tests."""

from tests.integration.api.conftest import address, application, city, client, demo, plain_log, settings

__all__ = ["address", "application", "city", "client", "demo", "plain_log", "settings"]

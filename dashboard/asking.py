"""What each part of the client is built on: one request to the API and its decoded answer."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote


class Asking(ABC):
    """Somebody who can ask the API."""

    @abstractmethod
    async def _ask(self, method: str, path: str, *, parameters: Mapping[str, Any] | None = None, **more: Any) -> Any:
        """Return the decoded answer to one request, None for one without a body; raise ApiError for none."""


def named(operator: str) -> dict[str, str]:
    """Return the headers that say who acts: percent-encoded, as headers hold ASCII and names any script."""
    return {"X-Citywatch-Operator": quote(operator, safe="")}

"""Who a request acts for: a person by session, a program by key, the demo, or nobody known."""

from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Role(StrEnum):
    """What a principal is, from which its permissions follow; the last two are never an account's."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ENGINEER = "engineer"
    AUDITOR = "auditor"
    ADMIN = "admin"
    DEMO = "demo"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Limits:
    """The part of the city an account is limited to; None: any district, any domain."""

    districts: frozenset[str] | None = None
    domains: frozenset[str] | None = None

    def covers(self, district_id: str | None, domain: str | None) -> bool:
        """Return whether a thing in `district_id` and of `domain` lies inside; what has no place lies outside."""
        return (self.districts is None or district_id in self.districts) and (
            self.domains is None or domain in self.domains
        )


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts. `name` is what the journal and the audit log say."""

    name: str
    kind: Literal["anonymous", "demo", "session", "key"]
    roles: frozenset[Role]
    account_id: int | None = None
    limits: Limits | None = None  # None: the whole city
    must_change_password: bool = False

    @property
    def sight(self) -> str:
        """Return what part of the city is seen, the same text for the same part: for ETags."""
        if self.limits is None:
            return "all"
        return repr(
            [sorted(part) if part is not None else None for part in (self.limits.districts, self.limits.domains)]
        )


ANONYMOUS = Principal("anonymous", "anonymous", frozenset({Role.ANONYMOUS}))
# The page that the city publishes reads as this; it shows sums and rules, never a device or a person.
PUBLISHER = Principal("public page", "anonymous", frozenset({Role.VIEWER}))
DEMO = Principal("demo", "demo", frozenset({Role.DEMO}))

# Set by the gate for every connection from outside; read by `in_process`, through which the dashboard asks the API in
# the name of whoever is looking at it.
current_principal: ContextVar[Principal] = ContextVar("current_principal", default=ANONYMOUS)

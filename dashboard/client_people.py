"""Questions about accounts and keys, a part of the client; all but the reader's own are an administrator's."""

from collections.abc import Sequence
from typing import TypedDict, cast
from urllib.parse import quote

from dashboard.asking import Asking


class Me(TypedDict):
    """Who asks."""

    name: str
    kind: str
    roles: list[str]
    permissions: list[str]
    districts: list[str] | None
    domains: list[str] | None


class Person(TypedDict):
    """One account."""

    name: str
    role: str
    districts: list[str] | None
    domains: list[str] | None
    issuer: str | None
    must_change: bool
    created_at: str
    disabled_at: str | None
    keys: int


class ApiKey(TypedDict):
    """One key, without its secret."""

    key_id: str
    name: str
    label: str
    role: str
    districts: list[str] | None
    domains: list[str] | None
    expires_at: str


class PeopleQuestions(Asking):
    """What `ApiClient` asks about people."""

    async def me(self) -> Me:
        """Return who asks, with roles, permissions and limits."""
        return cast(Me, await self._ask("GET", "/me"))

    async def permissions(self) -> frozenset[str]:
        """Return what the reader may do: read, inspect, operate, configure ..."""
        return frozenset((await self.me())["permissions"])

    async def people(self) -> list[Person]:
        """Return every account by name."""
        return cast(list[Person], (await self._ask("GET", "/accounts"))["items"])

    async def add_person(
        self, name: str, role: str, districts: Sequence[str] | None, domains: Sequence[str] | None
    ) -> str:
        """Add an account and return its one-time password."""
        body = {"name": name, "role": role, "districts": districts, "domains": domains}
        return str((await self._ask("POST", "/accounts", json=body))["password"])

    async def change_person(
        self, name: str, role: str, districts: Sequence[str] | None, domains: Sequence[str] | None
    ) -> None:
        """Give an account a role and limits."""
        body = {"role": role, "districts": districts, "domains": domains}
        await self._ask("PUT", f"/accounts/{quote(name)}", json=body)

    async def enable_person(self, name: str, *, able: bool) -> None:
        """Let an account sign in, or not."""
        await self._ask("POST", f"/accounts/{quote(name)}/{'enable' if able else 'disable'}")

    async def reset_person(self, name: str) -> str:
        """Return a new one-time password of an account; its sessions end."""
        return str((await self._ask("POST", f"/accounts/{quote(name)}/reset"))["password"])

    async def keys(self) -> list[ApiKey]:
        """Return every key that was not revoked."""
        return cast(list[ApiKey], (await self._ask("GET", "/keys"))["items"])

    async def add_key(self, name: str, label: str, days: int, role: str | None) -> str:
        """Make a key for an account and return it, this once."""
        body = {"label": label, "days": days, "role": role}
        return str((await self._ask("POST", f"/accounts/{quote(name)}/keys", json=body))["key"])

    async def own_keys(self) -> list[ApiKey]:
        """Return the reader's own keys."""
        return cast(list[ApiKey], (await self._ask("GET", "/me/keys"))["items"])

    async def add_own_key(self, label: str, days: int, role: str | None) -> str:
        """Make a key for the reader and return it, this once."""
        body = {"label": label, "days": days, "role": role}
        return str((await self._ask("POST", "/me/keys", json=body))["key"])

    async def revoke_own_key(self, key_id: str) -> None:
        """End one of the reader's own keys."""
        await self._ask("DELETE", f"/me/keys/{quote(key_id)}")

    async def revoke_key(self, key_id: str) -> None:
        """End a key."""
        await self._ask("DELETE", f"/keys/{quote(key_id)}")

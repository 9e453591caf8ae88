"""Bodies and answers about accounts and keys."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from api.context import DomainName
from api.schemas import Schema

AccountName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9@._+-]{0,79}$")]
RoleName = Literal["viewer", "operator", "engineer", "auditor", "admin"]
Label = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^[^\x00]+$")]
DistrictId = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]


class Limited(Schema):
    """Which part of the city is seen; null for all of it."""

    districts: list[DistrictId] | None = Field(None, min_length=1, max_length=100)
    domains: list[DomainName] | None = Field(None, min_length=1, max_length=10)


class AccountChange(Limited):
    """Body of `PUT /api/v1/accounts/{name}`: role and limits as they shall be."""

    role: RoleName


class NewAccount(AccountChange):
    """Body of `POST /api/v1/accounts`."""

    name: AccountName = Field(examples=["ada"])


class OneTimePassword(Schema):
    """A password that is shown this once, to be changed at the first sign-in."""

    name: str
    password: str


class AccountEntry(Schema):
    """One account, without its secrets."""

    name: str
    role: RoleName
    districts: list[str] | None
    domains: list[str] | None
    issuer: str | None = Field(description="where they sign in, null: here")
    must_change: bool = Field(description="has yet to choose a password of their own")
    created_at: datetime
    disabled_at: datetime | None
    keys: int = Field(description="in use")


class AccountEntries(Schema):
    """All accounts, by name."""

    items: list[AccountEntry]


class NewApiKey(Limited):
    """Body of `POST /api/v1/accounts/{name}/keys`: never more than its owner."""

    label: Label = Field(examples=["prometheus"])
    days: int = Field(90, ge=1, le=366, description="how long it lives")
    role: RoleName | None = Field(None, description="the owner's where it is not given")


class ApiKeyShown(Schema):
    """A key, the only time that it is shown."""

    key_id: str
    key: str = Field(description="`Authorization: Bearer KEY`")
    expires_at: datetime


class ApiKeyEntry(Schema):
    """One key, without its secret."""

    key_id: str
    name: str = Field(description="whose it is")
    label: str
    role: RoleName
    districts: list[str] | None
    domains: list[str] | None
    expires_at: datetime


class ApiKeyEntries(Schema):
    """All keys that were not revoked, by owner."""

    items: list[ApiKeyEntry]

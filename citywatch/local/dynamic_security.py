"""Mosquitto's dynamic security: who may do what, as the plugin's file and its commands say it.

One role for each device, because the plugin (2.0) has no pattern for "the branch of whoever is connected".
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Of our own processes. No device can have this name: an id begins with a letter or a digit.
SERVICE = "@citywatch"
DEVICE_ROLE = "device:"
# The passwords are random and long, so a slow hash protects nothing; this is the plugin's own number.
ITERATIONS = 101
HASH_BYTES = 64
BRANCH = "city/v1/devices/{}"


@dataclass(frozen=True, slots=True)
class Account:
    """One name at the broker and the hash of its password: PBKDF2-HMAC-SHA512 over the text of `salt`."""

    username: str
    salt: str
    hash: bytes
    iterations: int = ITERATIONS


def new_password() -> str:
    """Return a password nobody guesses: 192 random bits."""
    return secrets.token_urlsafe(24)


def make_account(username: str, password: str) -> Account:
    """Return the account with a salt of its own."""
    salt = secrets.token_urlsafe(9)  # twelve characters: the plugin takes no other length
    derived = hashlib.pbkdf2_hmac("sha512", password.encode(), salt.encode(), ITERATIONS, HASH_BYTES)
    return Account(username, salt, derived)


def device_role(device_id: str) -> dict[str, Any]:
    """Return the role that binds a device to its own branch: it publishes and subscribes there and nowhere else."""
    branch = BRANCH.format(device_id)
    return {
        "rolename": f"{DEVICE_ROLE}{device_id}",
        "acls": [
            {"acltype": "publishClientSend", "topic": f"{branch}/telemetry", "allow": True},
            {"acltype": "publishClientSend", "topic": f"{branch}/status", "allow": True},
            {"acltype": "publishClientSend", "topic": f"{branch}/commands/+/response", "allow": True},
            {"acltype": "subscribePattern", "topic": f"{branch}/commands/#", "allow": True},
        ],
    }


def device_client(device_id: str) -> dict[str, Any]:
    """Return the account of a device, without its password.

    It may connect under its id as client id only: a broker hands a session, and what waits in it, to whoever comes
    with its client id, under whatever account.
    """
    return {"username": device_id, "clientid": device_id, "roles": [{"rolename": f"{DEVICE_ROLE}{device_id}"}]}


def write_document(path: Path, service: Account, devices: Iterable[Account]) -> None:
    """Write the plugin's file: our own account, these devices, and what somebody else put there before."""
    document = _others(path)
    document["clients"].append({**_client(service), "roles": [{"rolename": "citywatch"}]})
    document["roles"].append(_service_role())
    for account in devices:
        if account.username == service.username:
            continue
        document["clients"].append({**_client(account), **device_client(account.username)})
        document["roles"].append(device_role(account.username))
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(document), encoding="utf-8")
    fresh.replace(path)


def _others(path: Path) -> dict[str, Any]:
    """Return the file without what is ours; an empty one where there is none."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    ours = {"citywatch"}

    def is_ours(role: str) -> bool:
        return role in ours or role.startswith(DEVICE_ROLE)

    return {
        **document,
        "defaultACLAccess": {
            "publishClientSend": False,
            # Nobody may subscribe to what is not theirs, nor take over a session in which somebody else has.
            "publishClientReceive": True,
            "subscribe": False,
            "unsubscribe": True,
        },
        "clients": [
            one
            for one in document.get("clients", [])
            if not any(is_ours(role["rolename"]) for role in one.get("roles", []))
        ],
        "roles": [one for one in document.get("roles", []) if not is_ours(one["rolename"])],
    }


def _client(account: Account) -> dict[str, Any]:
    return {
        "username": account.username,
        "password": base64.b64encode(account.hash).decode(),
        "salt": base64.b64encode(account.salt.encode()).decode(),
        "iterations": account.iterations,
    }


def _service_role() -> dict[str, Any]:
    topics = [("publishClientSend", "#"), ("subscribePattern", "#"), ("subscribePattern", "$share/#")]
    topics += [(kind, "$CONTROL/dynamic-security/#") for kind in ("publishClientSend", "subscribePattern")]
    topics += [("publishClientReceive", "$CONTROL/dynamic-security/#"), ("subscribePattern", "$SYS/#")]
    return {"rolename": "citywatch", "acls": [{"acltype": k, "topic": t, "allow": True} for k, t in topics]}

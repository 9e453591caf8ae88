"""What an administrator does about accounts and keys, from the forms of pages/people.py, and its outcome in words."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from dashboard.client_people import PeopleQuestions
from dashboard.shapes import JsonObject
from dashboard.texts import text

Request = dict[str, Any]
Fields = Sequence[tuple[str, str]]  # name and value, as they are shown
DISTRICT, DOMAIN = "district:", "domain:"  # before the name of what a ticked box stands for


def ticked(request: Request, kind: str) -> list[str] | None:
    """Return what is ticked of one kind, None (no limit) for nothing."""
    return [name.removeprefix(kind) for name in request if name.startswith(kind)] or None


def shown_once(title: str, note: str, named: str, value: str, *, before: Fields = (), after: Fields = ()) -> JsonObject:
    """Return what the browser shows until it is put away: `value`, not to be had a second time, and what goes with it.

    `named` says what the value is.
    """
    fields = [*before, (named, value), *after]
    return {
        "title": title,
        "note": note,
        "value": value,
        "fields": [list(each) for each in fields],
        "copy": text("Copy"),
        "close": text("Done"),
    }


def _first_password(title: str, password: str) -> JsonObject:
    note = text("Shown this once. At the first sign-in a password of their own is asked for.")
    return shown_once(title, note, text("Password"), password)


async def _add(api: PeopleQuestions, request: Request) -> JsonObject:
    name = str(request["name"]).strip().lower()
    limits = ticked(request, DISTRICT), ticked(request, DOMAIN)
    password = await api.add_person(name, str(request["role"]), *limits)
    shown = _first_password(text("One-time password of {name}", name=name), password)
    return {"words": text("{name} may sign in", name=name), "secret": shown}


async def _change(api: PeopleQuestions, request: Request) -> JsonObject:
    name = str(request["name"])
    await api.change_person(name, str(request["role"]), ticked(request, DISTRICT), ticked(request, DOMAIN))
    return {"words": text("{name} changed; it holds from their next request on", name=name), "go": "/people"}


async def _disable(api: PeopleQuestions, request: Request) -> JsonObject:
    await api.enable_person(str(request["name"]), able=False)
    return {"words": text("{name} is shut out; sessions and keys have ended", name=request["name"])}


async def _enable(api: PeopleQuestions, request: Request) -> JsonObject:
    await api.enable_person(str(request["name"]), able=True)
    return {"words": text("{name} may sign in", name=request["name"])}


async def _reset(api: PeopleQuestions, request: Request) -> JsonObject:
    name = str(request["name"])
    shown = _first_password(text("One-time password of {name}", name=name), await api.reset_person(name))
    return {"words": text("New password for {name}; their sessions have ended", name=name), "secret": shown}


async def _add_key(api: PeopleQuestions, request: Request) -> JsonObject:
    label = str(request["label"]).strip()
    role = str(request["role"]) or None
    key = await api.add_key(str(request["name"]), label, int(request["days"]), role)
    return _made(label, key)


async def _add_own_key(api: PeopleQuestions, request: Request) -> JsonObject:
    label = str(request["label"]).strip()
    return _made(label, await api.add_own_key(label, int(request["days"]), str(request["role"]) or None))


def _made(label: str, key: str) -> JsonObject:
    note = text("Shown this once. Programs send it as: {header}", header="Authorization: Bearer KEY")
    return {
        "words": text("Key {label} made", label=label),
        "secret": shown_once(text("API key"), note, text("Key"), key),
    }


async def _revoke_own_key(api: PeopleQuestions, request: Request) -> JsonObject:
    await api.revoke_own_key(str(request["key_id"]))
    return {"words": text("Key {label} revoked", label=request["label"])}


async def _revoke_key(api: PeopleQuestions, request: Request) -> JsonObject:
    await api.revoke_key(str(request["key_id"]))
    return {"words": text("Key {label} revoked", label=request["label"])}


STEPS: dict[str, Callable[[PeopleQuestions, Request], Awaitable[JsonObject]]] = {
    "person-add": _add,
    "person-change": _change,
    "person-disable": _disable,
    "person-enable": _enable,
    "person-reset": _reset,
    "key-add": _add_key,
    "key-revoke": _revoke_key,
    "own-key-add": _add_own_key,
    "own-key-revoke": _revoke_own_key,
}

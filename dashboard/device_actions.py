"""What is done to devices themselves: added by form or list, their accounts made, replaced and taken away."""

from typing import Any

from dashboard.client import ApiClient, ApiError
from dashboard.people import shown_once
from dashboard.shapes import JsonObject
from dashboard.texts import plural, text

CREDENTIALS = frozenset({"credential-create", "credential-rotate", "credential-revoke"})
ACTIONS = frozenset({"register-device", "device-list", *CREDENTIALS})


def device_of(request: JsonObject) -> JsonObject:
    """Return the new device as the API takes it: what is left empty is not given; raise ValueError for a number."""
    given: JsonObject = {}
    for field in ("device_id", "profile", "name", "site_id"):
        if written := str(request.get(field) or "").strip():
            given[field] = written
    for field in ("latitude", "longitude"):
        if written := str(request.get(field) or "").strip():
            given[field] = float(written)
    return given


async def act(api: ApiClient, request: dict[str, Any]) -> JsonObject:
    """Take the step; return words and whether all went well, `go` where the browser goes, `secret` to show once.

    Raises ApiError where the API refuses, ValueError on what no form of ours sends.
    """
    action, operator = str(request["action"]), str(request["operator"])
    if action == "register-device":
        return await _register(api, request, operator)
    if action == "device-list":
        return await _import(api, request, operator)
    device_id = str(request["device_id"])
    if action == "credential-revoke":
        await api.change("DELETE", f"/devices/{device_id}/credential", operator)
        return {"words": text("{id} is cut off from the broker", id=device_id), "refresh": True}
    account = await _credential(api, device_id, operator, rotate=action == "credential-rotate")
    return {"words": text("{id} has a new account", id=device_id), "secret": account, "refresh": True}


async def _credential(api: ApiClient, device_id: str, operator: str, *, rotate: bool) -> JsonObject:
    parameters = {"rotate": str(rotate).lower()}
    made = await api.change("POST", f"/devices/{device_id}/credential", operator, parameters=parameters)
    return shown_once(
        text("Account at the broker"),
        text("Put it into the device now: the password is kept nowhere and not shown again."),
        text("Password"),
        str(made["password"]),
        before=[(text("User name and client ID"), str(made["username"]))],
        after=[(text("Publishes on"), f"city/v1/devices/{device_id}/telemetry")],
    )


async def _register(api: ApiClient, request: JsonObject, operator: str) -> JsonObject:
    made = await api.change("POST", "/devices", operator, json=device_of(request))
    done = {"words": text("{id} added", id=made["device_id"]), "go": f"/devices/{made['device_id']}"}
    if not request.get("credential"):
        return done
    try:
        return {**done, "secret": await _credential(api, made["device_id"], operator, rotate=False)}
    except ApiError as error:
        # The device stands, and says so; the account can be made on its page.
        words = text("{id} added, without an account: {why}", id=made["device_id"], why=str(error))
        return {**done, "ok": False, "words": words}


async def _import(api: ApiClient, request: JsonObject, operator: str) -> JsonObject:
    parameters = {"dry_run": str(bool(request["dry_run"])).lower()}
    content = str(request["csv"]).encode()
    report = await api.change("POST", "/device-list", operator, parameters=parameters, content=content)
    if report["faults"]:
        words = plural("{n} fault: nothing is changed", "{n} faults: nothing is changed", len(report["faults"]))
    elif report["dry_run"]:
        words = text("Would be added: {new}, changed: {changed}", new=report["new"], changed=report["changed"])
    else:
        words = text("Added: {new}, changed: {changed}", new=report["new"], changed=report["changed"])
    faults = [
        text(
            "Line {line}, {column}: {value} ({limit})",
            line=fault["line"],
            column=fault["column"],
            value=fault["value"] or "–",
            limit=fault["limit"],
        )
        for fault in report["faults"]
    ]
    return {"words": words, "ok": not faults, "list": {"words": words, "faults": faults}}

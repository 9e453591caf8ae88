"""What an operator does about alerts, one or many at a time: each step goes to the API, and its outcome into words."""

import asyncio
import json
from datetime import timedelta
from typing import Any

from dashboard import device_actions
from dashboard.client import ApiClient, ApiError
from dashboard.people import STEPS as PEOPLE
from dashboard.query import wall_clock
from dashboard.shapes import JsonObject
from dashboard.simulator import STEPS as SIMULATOR
from dashboard.texts import plural, property_name, text

# action -> sentence for one, sentence for many
DONE = {
    "acknowledge": lambda n: plural("{n} alert acknowledged", "{n} alerts acknowledged", n),
    "comment": lambda n: plural("Comment added to {n} alert", "Comment added to {n} alerts", n),
    "assign": lambda n: plural("{n} alert assigned", "{n} alerts assigned", n),
    "shelve": lambda n: plural("{n} alert shelved", "{n} alerts shelved", n),
    "unshelve": lambda n: plural("{n} alert unshelved", "{n} alerts unshelved", n),
    "work": lambda n: plural("{n} work order handed over", "{n} work orders handed over", n),
    "reset": lambda n: plural("{n} alert reset", "{n} alerts reset", n),
}
# What is done to something else than alerts, each in its own way.
OTHERS = frozenset(
    {
        "proceed",
        "backtest",
        "cancel-backtest",
        "command",
        "adopt",
        "calculate",
        "end-calculation",
        *device_actions.ACTIONS,
        *PEOPLE,
        *SIMULATOR,
    }
)
LONGEST_SHELVING = 7 * 24 * 60  # minutes


def body_of(request: JsonObject) -> JsonObject:
    """Return what the API is told, from what the browser asked; raises ValueError on what no form of ours sends."""
    action, words = request["action"], str(request.get("comment") or "").strip()
    if action == "assign":
        return {"to": str(request["to"]).strip()}
    if action == "shelve":
        minutes = int(request["minutes"])
        if not 1 <= minutes <= LONGEST_SHELVING:
            raise ValueError(f"shelving for {minutes} minutes: from 1 to {LONGEST_SHELVING}")
        # A little less than the limit: the API's clock is not quite ours.
        until = wall_clock() + timedelta(minutes=minutes) - timedelta(seconds=5)
        return {"until": until.isoformat(), "comment": words}
    return {"comment": words}


def arguments_of(request: JsonObject) -> JsonObject:
    """Return a command's arguments as the form has them; raise ValueError on what is no JSON object."""
    written = str(request.get("arguments") or "").strip() or "{}"
    try:
        given = json.loads(written)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise ValueError(text("the arguments must be a JSON object, such as {example}", example='{"seconds": 60}'))
    return given


def inputs_of(written: str) -> JsonObject:
    """Return a formula's inputs as written, one a line; raise ValueError that names a line of another form."""
    found: JsonObject = {}
    for line in filter(None, (line.strip() for line in written.splitlines())):
        name, sign, source = line.partition("=")
        parts = source.split()
        if not sign or not name.strip() or len(parts) != 2:
            raise ValueError(text("an input is written as name = device property, not {line}", line=repr(line)))
        if name.strip() in found:
            raise ValueError(text("the input {name} stands there twice", name=name.strip()))
        found[name.strip()] = {"device_id": parts[0], "property": parts[1]}
    return found


async def _calculate(api: ApiClient, request: dict[str, Any]) -> JsonObject:
    """Set or only check a formula, or end one."""
    target, operator = (str(request["device_id"]).strip(), str(request["property"]).strip()), str(request["operator"])
    if request["action"] == "end-calculation":
        await api.end_calculation(target, operator)
        return {"words": text("{name} is no longer calculated", name=property_name(target[1])), "refresh": True}
    check = bool(request.get("check"))
    body = {name: str(request[name]).strip() for name in ("formula", "unit", "every", "reason")}
    await api.calculate(target, {**body, "inputs": inputs_of(str(request["inputs"]))}, operator, dry_run=check)
    if check:
        return {"words": text("The formula can be worked out, and its units fit. Nothing is set yet.")}
    return {
        "words": text("{name} is calculated from the next period on", name=property_name(target[1])),
        "refresh": True,
    }


async def take(api: ApiClient, request: dict[str, Any]) -> JsonObject:
    """Take the step on every alert asked for; return words, whether all went well, and which alerts it was done to."""
    action = str(request["action"])
    if action in OTHERS:
        return await _other(api, action, request)
    if action not in DONE:
        return {"words": text("There is no such action"), "ok": False, "done": [], "action": action}
    ids = [int(alert_id) for alert_id in request["alert_ids"]]
    try:
        body = body_of(request)
    except ValueError as error:
        return {"words": text("Not done: {why}", why=str(error)), "ok": False, "done": [], "action": action}

    async def one(alert_id: int) -> ApiError | None:
        try:
            if action == "work":
                await api.hand_over(alert_id, str(request["queue"]).strip(), body["comment"], str(request["operator"]))
                return None
            await api.act(alert_id, action, str(request["operator"]), body)
        except ApiError as error:
            return error
        return None

    outcomes = await asyncio.gather(*(one(alert_id) for alert_id in ids))
    done = [alert_id for alert_id, error in zip(ids, outcomes, strict=True) if error is None]
    failed = [str(error) for error in outcomes if error is not None]
    words = [DONE[action](len(done))] if done else []
    if failed:
        words.append(text("Not done for {n}: {why}", n=len(failed), why=failed[0]))
    return {"words": ". ".join(words), "ok": not failed, "done": done, "action": action}


async def _other(api: ApiClient, action: str, request: dict[str, Any]) -> JsonObject:
    """Do what is not about alerts; `go` is where the browser goes then."""
    operator, done = str(request["operator"]), {"ok": True, "done": [], "action": action}
    try:
        if action in PEOPLE:
            return {**done, "refresh": True, **await PEOPLE[action](api, request)}
        if action in SIMULATOR:
            return {**done, "refresh": True, **await SIMULATOR[action](api, request)}
        if action == "proceed":
            order = await api.proceed(int(request["work_order_id"]), str(request["step"]), operator)
            return {**done, "words": text("Work order {n} moved on", n=order["work_order_id"]), "refresh": True}
        if action == "cancel-backtest":
            await api.cancel_backtest(int(request["backtest_id"]))
            return {**done, "words": text("Look-back stopped"), "refresh": True}
        if action == "command":
            command = await api.send_command(
                str(request["device_id"]),
                str(request["name"]).strip(),
                arguments_of(request),
                int(request["seconds"]),
                operator,
            )
            return {**done, "words": text("Command {name} queued", name=command["name"]), "refresh": True}
        if action in device_actions.ACTIONS:
            return {**done, **await device_actions.act(api, request)}
        if action in ("calculate", "end-calculation"):
            return {**done, **await _calculate(api, request)}
        if action == "adopt":
            adopted = await api.adopt(str(request["device_id"]), str(request["profile"]), operator)
            words = text("{id} adopted, {n} readings taken in", id=adopted["device_id"], n=adopted["stored"])
            return {**done, "words": words, "go": f"/devices/{adopted['device_id']}"}
        until = wall_clock()
        rule_id, days = str(request["rule_id"]), int(request["days"])
        job = await api.begin_backtest(rule_id, until - timedelta(days=days), until, operator)
    except (ApiError, ValueError) as error:
        return {**done, "ok": False, "words": text("Not done: {why}", why=str(error))}
    return {**done, "words": text("Look-back begun"), "go": f"/rules/{rule_id}?backtest={job['backtest_id']}"}

"""What an operator does about alerts, one or many at a time: each step goes to the API, and its outcome into words."""

import asyncio
from datetime import timedelta
from typing import Any

from dashboard.client import ApiClient, ApiError
from dashboard.query import wall_clock
from dashboard.shapes import JsonObject
from dashboard.texts import plural, text

# action -> sentence for one, sentence for many
DONE = {
    "acknowledge": lambda n: plural("{n} alert acknowledged", "{n} alerts acknowledged", n),
    "comment": lambda n: plural("Comment added to {n} alert", "Comment added to {n} alerts", n),
    "assign": lambda n: plural("{n} alert assigned", "{n} alerts assigned", n),
    "shelve": lambda n: plural("{n} alert shelved", "{n} alerts shelved", n),
    "unshelve": lambda n: plural("{n} alert unshelved", "{n} alerts unshelved", n),
    "reset": lambda n: plural("{n} alert reset", "{n} alerts reset", n),
}
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


async def take(api: ApiClient, request: dict[str, Any]) -> JsonObject:
    """Take the step on every alert asked for; return words, whether all went well, and which alerts it was done to."""
    action = str(request["action"])
    if action not in DONE:
        return {"words": text("There is no such action"), "ok": False, "done": [], "action": action}
    ids = [int(alert_id) for alert_id in request["alert_ids"]]
    try:
        body = body_of(request)
    except ValueError as error:
        return {"words": text("Not done: {why}", why=str(error)), "ok": False, "done": [], "action": action}

    async def one(alert_id: int) -> ApiError | None:
        try:
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

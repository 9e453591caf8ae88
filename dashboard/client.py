"""The dashboard's only way to the city: the HTTP API, in this process or at a URL; for programs, `connect`."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, cast
from urllib.parse import quote

import httpx
import orjson

from citywatch.errors import CitywatchError
from dashboard.alert_shapes import Alert, AlertDetail, Incident, WorkOrder
from dashboard.asking import named
from dashboard.client_people import PeopleQuestions
from dashboard.client_simulator import SimulatorQuestions
from dashboard.shapes import (
    Calculation,
    Clusters,
    Command,
    Device,
    District,
    Equity,
    Forecast,
    JsonObject,
    Plan,
    ProfileEntry,
    Series,
    Source,
    Stranger,
)
from dashboard.status_shapes import AccountRow, DeviceCounts, ReasonCounts, RejectedMessage, Status, Summary

PAGE = 1000
AT_ONCE = 8  # curves asked for at the same time: more would only queue for the API's connections
Parameters = Mapping[str, Any]


class ApiError(CitywatchError):
    """The API refused or could not be reached; `status` is 0 when there was no answer."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class ApiClient(PeopleQuestions, SimulatorQuestions):
    """Typed questions to `/api/v1`; every method raises ApiError when there is no good answer."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def _ask(self, method: str, path: str, *, parameters: Parameters | None = None, **more: Any) -> Any:
        asked = {key: value for key, value in (parameters or {}).items() if value is not None}
        try:
            response = await self._http.request(method, f"/api/v1{path}", params=asked, **more)
        except httpx.HTTPError as error:
            raise ApiError(0, f"no answer: {error or type(error).__name__}") from error
        if response.is_error:
            raise ApiError(response.status_code, _detail(response))
        if response.status_code == httpx.codes.NO_CONTENT:
            return None
        try:
            return orjson.loads(response.content)
        except orjson.JSONDecodeError as error:
            raise ApiError(response.status_code, f"{path} answered something that is not JSON") from error

    async def _every(self, path: str, parameters: Parameters, most: int) -> list[Any]:
        """Follow the cursors of a list until its end or until `most` items."""
        items: list[Any] = []
        cursor: str | None = None
        while len(items) < most:
            asked = {**parameters, "limit": min(PAGE, most - len(items)), "cursor": cursor}
            page = await self._ask("GET", path, parameters=asked)
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        return items

    async def summary(self) -> Summary:
        """Return the overview's figures."""
        return cast(Summary, await self._ask("GET", "/summary"))

    async def districts(self) -> list[District]:
        """Return the city's districts by name."""
        return cast(list[District], (await self._ask("GET", "/districts"))["items"])

    async def public_districts(self) -> list[JsonObject]:
        """Return each district and property of which something is published."""
        return cast(list[JsonObject], (await self._ask("GET", "/public/districts"))["items"])

    async def sources(self) -> list[Source]:
        """Return the sources of time with their now."""
        return cast(list[Source], (await self._ask("GET", "/sources"))["items"])

    async def devices(
        self, *, source_id: str | None = None, domain: str | None = None, latest: bool = True, most: int = 10_000
    ) -> list[Device]:
        """Return devices by id."""
        asked = {"source_id": source_id, "domain": domain, "latest": str(latest).lower()}
        return cast(list[Device], await self._every("/devices", asked, most))

    async def counts(self, *, source_id: str) -> DeviceCounts:
        """Return how many devices are in each state of freshness, in all and by district."""
        return cast(DeviceCounts, await self._ask("GET", "/device-counts", parameters={"source_id": source_id}))

    async def clusters(self, *, source_id: str, domain: str | None = None, zoom: int = 0) -> Clusters:
        """Return the devices that have a place, gathered on the grid of `zoom`, with sums over all of them."""
        asked = {"source_id": source_id, "domain": domain, "zoom": zoom}
        return cast(Clusters, await self._ask("GET", "/device-clusters", parameters=asked))

    async def device(self, device_id: str) -> Device:
        """Return one device with its latest observations."""
        return cast(Device, await self._ask("GET", f"/devices/{device_id}"))

    async def observations(
        self, datastream_ids: Sequence[int], since: datetime, until: datetime, resolution: str = "auto"
    ) -> list[Series]:
        """Return one series per datastream, in the order asked for."""
        span = {"since": since.isoformat(), "until": until.isoformat(), "resolution": resolution}

        async def one(datastream_id: int) -> Series:
            async with self._at_once:
                asked = {"datastream_id": datastream_id, **span}
                return cast(Series, await self._ask("GET", "/observations", parameters=asked))

        return list(await asyncio.gather(*(one(datastream_id) for datastream_id in datastream_ids)))

    async def curves(
        self,
        names: Sequence[str],
        since: datetime,
        until: datetime,
        resolution: str,
        *,
        source_id: str,
        domain: str | None = None,
    ) -> list[Series]:
        """Return the curves of every datastream of some properties that has a reading in the span."""
        asked = {
            "property": list(names),
            "since": since.isoformat(),
            "until": until.isoformat(),
            "resolution": resolution,
            "source_id": source_id,
            "domain": domain,
        }
        return cast(list[Series], (await self._ask("GET", "/curves", parameters=asked))["items"])

    async def alerts(self, *, most: int = 200, **filters: Any) -> list[Alert]:
        """Return alerts, newest first."""
        return cast(list[Alert], await self._every("/alerts", filters, most))

    async def alert(self, alert_id: int) -> AlertDetail:
        """Return one alert with its journal and its rule."""
        return cast(AlertDetail, await self._ask("GET", f"/alerts/{alert_id}"))

    async def act(self, alert_id: int, action: str, operator: str, body: JsonObject) -> AlertDetail:
        """Take one step on an alert in the operator's name: acknowledge, comment, assign, shelve, unshelve, reset."""
        headers = named(operator)
        return cast(AlertDetail, await self._ask("POST", f"/alerts/{alert_id}/{action}", json=body, headers=headers))

    async def hand_over(self, alert_id: int, queue: str, note: str, operator: str) -> WorkOrder:
        """Hand an alert to a department as a work order, in the operator's name."""
        body = {"alert_id": alert_id, "queue": queue, "note": note}
        headers = named(operator)
        return cast(WorkOrder, await self._ask("POST", "/work-orders", json=body, headers=headers))

    async def proceed(self, work_order_id: int, step: str, operator: str) -> WorkOrder:
        """Say how far a work order is: accepted, en_route, done or cancelled."""
        path, headers = f"/work-orders/{work_order_id}/{step}", named(operator)
        return cast(WorkOrder, await self._ask("POST", path, json={}, headers=headers))

    async def work_orders(self, *, open: bool | None = None, most: int = 200) -> list[WorkOrder]:
        """Return work orders, newest first."""
        asked = {"open": None if open is None else str(open).lower()}
        return cast(list[WorkOrder], await self._every("/work-orders", asked, most))

    async def rule_versions(self, rule_id: str) -> list[JsonObject]:
        """Return every version of a rule, newest first."""
        return cast(list[JsonObject], (await self._ask("GET", f"/rules/{rule_id}/versions"))["items"])

    async def begin_backtest(self, rule_id: str, since: datetime, until: datetime, operator: str) -> JsonObject:
        """Begin to look back with the rule as it runs; answers with the number to ask for."""
        body = {"rule_id": rule_id, "since": since.isoformat(), "until": until.isoformat()}
        headers = named(operator)
        return cast(JsonObject, await self._ask("POST", "/backtests", json=body, headers=headers))

    async def backtest(self, backtest_id: int) -> JsonObject:
        """Return how far a look-back is, and what came out of it."""
        return cast(JsonObject, await self._ask("GET", f"/backtests/{backtest_id}"))

    async def cancel_backtest(self, backtest_id: int) -> JsonObject:
        """Stop a look-back."""
        return cast(JsonObject, await self._ask("DELETE", f"/backtests/{backtest_id}"))

    async def alarm_health(self, since: datetime, until: datetime) -> JsonObject:
        """Return how the alerts themselves do over a span: rate, floods, chattering, the worst ten."""
        asked = {"since": since.isoformat(), "until": until.isoformat()}
        return cast(JsonObject, await self._ask("GET", "/alarm-health", parameters=asked))

    async def incidents(self, *, open: bool | None = None) -> list[Incident]:
        """Return incidents, newest first."""
        asked = {"open": None if open is None else str(open).lower()}
        return cast(list[Incident], (await self._ask("GET", "/incidents", parameters=asked))["items"])

    async def commands(self, device_id: str, *, most: int = 20) -> list[Command]:
        """Return the newest commands to a device."""
        return cast(list[Command], await self._every("/commands", {"device_id": device_id}, most))

    async def send_command(
        self, device_id: str, name: str, arguments: JsonObject, seconds: int, operator: str
    ) -> Command:
        """Queue a command for a device, in the operator's name; it may wait so many seconds."""
        body = {"name": name, "arguments": arguments, "expires_in_seconds": seconds}
        path, headers = f"/devices/{device_id}/commands", named(operator)
        return cast(Command, await self._ask("POST", path, json=body, headers=headers))

    async def quarantine(self) -> list[Stranger]:
        """Return devices that send and that nobody registered, the one heard last first."""
        return cast(list[Stranger], (await self._ask("GET", "/quarantine"))["items"])

    async def profiles(self) -> list[ProfileEntry]:
        """Return every device type."""
        return cast(list[ProfileEntry], (await self._ask("GET", "/device-profiles"))["items"])

    async def adopt(self, device_id: str, profile: str, operator: str) -> JsonObject:
        """Register a device in quarantine, in the operator's name; what was kept of it is decoded."""
        path, headers = f"/quarantine/{device_id}/adopt", named(operator)
        return cast(JsonObject, await self._ask("POST", path, json={"profile": profile}, headers=headers))

    async def change(
        self, method: str, path: str, operator: str, *, parameters: Parameters | None = None, **body: Any
    ) -> Any:
        """Change something in the operator's name; `json` or `content` is the body. None where nothing comes back."""
        headers = named(operator)
        return await self._ask(method, path, parameters=parameters, headers=headers, **body)

    async def sites(self) -> list[JsonObject]:
        """Return the city's sites by name."""
        return cast(list[JsonObject], (await self._ask("GET", "/sites"))["items"])

    async def credential(self, device_id: str) -> JsonObject | None:
        """Return what may be known of a device's account at the broker; None where it never had one."""
        try:
            return cast(JsonObject, await self._ask("GET", f"/devices/{device_id}/credential"))
        except ApiError as error:
            if error.status == httpx.codes.NOT_FOUND:
                return None
            raise

    async def calculations(self, *, ended: bool = False) -> list[Calculation]:
        """Return calculated datastreams with their formulas, or every version of them."""
        asked = {"ended": str(ended).lower()}
        return cast(list[Calculation], (await self._ask("GET", "/calculations", parameters=asked))["items"])

    async def calculate(self, target: tuple[str, str], body: JsonObject, operator: str, *, dry_run: bool) -> None:
        """Set the formula of a device's property, in the operator's name; a dry run only says whether it would do."""
        path, headers = "/calculations/" + "/".join(quote(each, safe="") for each in target), named(operator)
        asked = {"dry_run": str(dry_run).lower()}
        await self._ask("PUT", path, parameters=asked, json=body, headers=headers)

    async def end_calculation(self, target: tuple[str, str], operator: str) -> None:
        """Have a datastream no longer calculated, in the operator's name."""
        path, headers = "/calculations/" + "/".join(quote(each, safe="") for each in target), named(operator)
        await self._ask("DELETE", path, headers=headers)

    async def plan(self, *, trucks: int, level: int, within: int, source_id: str) -> Plan:
        """Return collection routes for the bins of a source that are filled to `level` percent or more.

        And, unless `within` is 0, for those that may be full within so many hours.
        """
        asked = {"trucks": trucks, "least_level": level, "source_id": source_id, "full_within": within or None}
        return cast(Plan, await self._ask("GET", "/routes", parameters=asked))

    async def forecast(self, datastream_id: int) -> Forecast:
        """Return the next 24 hours of a datastream."""
        return cast(Forecast, await self._ask("GET", f"/datastreams/{datastream_id}/forecast"))

    async def equity(self, *, days: int) -> Equity:
        """Return how each district was served in the last days, and whether all are served alike."""
        return cast(Equity, await self._ask("GET", "/equity", parameters={"days": days}))

    async def indicator(self, name: str, inputs: JsonObject) -> JsonObject:
        """Return an indicator's answer to given values."""
        return cast(JsonObject, await self._ask("POST", f"/indicators/{name}", json=inputs))

    async def account(self, *, device_id: str | None = None, most: int = 10_000) -> list[AccountRow]:
        """Return what became of each device's deliveries, in all."""
        return cast(list[AccountRow], await self._every("/account", {"device_id": device_id}, most))

    async def account_total(self, *, device_id: str | None = None) -> AccountRow:
        """Return the sums over all devices, or of one."""
        asked = {"device_id": device_id, "limit": 1}
        return cast(AccountRow, (await self._ask("GET", "/account", parameters=asked))["total"])

    async def rejected(self, *, reason: str | None = None, most: int = 200) -> list[RejectedMessage]:
        """Return messages that were turned away, for any reason or for one, newest first."""
        return cast(list[RejectedMessage], await self._every("/rejected", {"reason": reason}, most))

    async def rejected_reasons(self, since: datetime) -> ReasonCounts:
        """Return how many messages were turned away for each reason."""
        asked = {"since": since.isoformat()}
        return cast(ReasonCounts, await self._ask("GET", "/rejected/reasons", parameters=asked))

    async def rules(self) -> list[JsonObject]:
        """Return the rules in force."""
        return cast(list[JsonObject], (await self._ask("GET", "/rules"))["items"])

    async def status(self) -> Status:
        """Return the system's own state."""
        return cast(Status, await self._ask("GET", "/status"))


@asynccontextmanager
async def connect(url: str, key: str | None = None, *, seconds: float = 30) -> AsyncIterator[ApiClient]:
    """Yield a client of the city at `url`, acting by an API key; the demo asks for none."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=seconds) as http:
        yield ApiClient(http)


def _detail(response: httpx.Response) -> str:
    """Return the sentence of a problem document (RFC 9457), or what there is."""
    try:
        body = response.json()
    except ValueError:
        return f"{response.status_code} {response.reason_phrase}"
    return str(body.get("detail") or body.get("title") or response.reason_phrase)

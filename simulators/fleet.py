"""The fleet: which device speaks next, and what it says. Simulated time in, messages out; no clock of its own."""

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import orjson

from simulators.answer_key import AnswerKey
from simulators.city import City, SimulatedDevice
from simulators.dialects import DIALECTS, Dialect
from simulators.faults import FROZEN, SILENT, Values, disturb
from simulators.incidents import influence_of
from simulators.planting import Plan, Planted, rfc3339
from simulators.scenarios import Scenario, fixed_plants, mixed_plants
from simulators.signals import readings_at
from simulators.wire_faults import Outgoing, Record, send

# While a bin overflows its sensor reports on change, as such sensors do, and not only by its interval.
ON_CHANGE = {"overflow": 10.0, "bin_fire": 20.0}
# Those whose devices can send several native records in one message, as history does.
NATIVE_PACKS = ("native", "pack")


def status_topic(device_id: str) -> str:
    """Return where a device's birth and will stand."""
    return f"city/v1/devices/{device_id}/status"


@dataclass(frozen=True, slots=True)
class Message:
    """One message, due at `send_at` (simulated seconds since 1970), from a device through its gateway."""

    send_at: float
    device: SimulatedDevice
    payload: bytes
    readings: int


class Fleet:
    """All devices from `start` on. `replay` adds the simulated now to each record, as a replay source does."""

    def __init__(
        self,
        city: City,
        scenario: Scenario,
        start: datetime,
        key: AnswerKey | None = None,
        *,
        replay: bool = False,
    ) -> None:
        self.city, self.scenario, self.start, self.replay = city, scenario, start, replay
        self.plan = Plan()
        self._key = key or AnswerKey(None)
        self._by_id = {device.device_id: device for device in city.devices}
        self._hours = 0
        self._count = itertools.count()
        self._sent: dict[str, int] = {}
        # Entries sort by time, then by order of making, so that equal times never compare devices.
        self._due: list[tuple[float, int, SimulatedDevice, bool]] = []
        self._waiting: list[tuple[float, int, SimulatedDevice, Outgoing]] = []
        begin = start.timestamp()
        for device in city.devices:
            heapq.heappush(self._due, (next_report(device, begin), next(self._count), device, True))
        for planted in fixed_plants(scenario, city, start):
            self._plant(planted)
        self._look_ahead(begin)

    @property
    def next_at(self) -> float:
        """Return when something is next to be sent, simulated seconds since 1970."""
        ahead = [queue[0][0] for queue in (self._due, self._waiting) if queue]
        return min(ahead)

    def until(self, seconds: float) -> Iterator[Message]:
        """Yield every message due by a moment, in order of time."""
        while (at := self.next_at) <= seconds:
            self._look_ahead(at)
            if self._waiting and self._waiting[0][0] <= self._due[0][0]:
                _, _, device, out = heapq.heappop(self._waiting)
                yield self._message(device, out)
            else:
                _, _, device, regular = heapq.heappop(self._due)
                yield from self._report(device, at)
                if regular:
                    device = self._by_id[device.device_id]
                    # Reckoned from the grid, not from `at`: rounding must not creep.
                    after = next_report(device, at + 0.001)
                    heapq.heappush(self._due, (after, next(self._count), device, True))

    def _look_ahead(self, seconds: float) -> None:
        """Plant what happens at random up to an hour ahead of a moment."""
        while self._hours * 3600 <= seconds + 3600 - self.start.timestamp():
            for planted in mixed_plants(self.scenario, self.city, self.start, self._hours):
                self._plant(planted)
            self._hours += 1
            self.plan.forget(seconds - 3600)

    def _plant(self, planted: Planted) -> None:
        self.plan.add(planted)
        self._key.add(planted)
        step = ON_CHANGE.get(planted.kind)
        if step is None:
            return
        device = next(d for d in self.city.devices if d.device_id == planted.device_id)
        begin = planted.start.timestamp()
        change = planted.parameters.get("rise", 120.0)
        for at in range(1, min(60, int(change / step)) + 4):
            if begin + at * step >= self.start.timestamp():
                heapq.heappush(self._due, (round(begin + at * step, 3), next(self._count), device, False))
        # and once the lid is closed again after the crew has been
        heapq.heappush(self._due, (planted.end.timestamp() + 5.0, next(self._count), device, False))

    def knows(self, device_id: str) -> bool:
        """Return whether it is one of the city's devices."""
        return device_id in self._by_id

    def pace(self, device_id: str, interval: timedelta) -> None:
        """Have a device report at another interval from its next report on."""
        device = self._by_id[device_id]
        self._by_id[device_id] = replace(device, interval=interval, phase=device.phase % interval.total_seconds())

    def silent(self, device_id: str, seconds: float) -> bool:
        """Return whether nothing is heard from a device at a moment."""
        return any(planted.kind in SILENT for planted in self.plan.at(device_id, seconds))

    def read(self, device_id: str, seconds: float) -> Values | None:
        """Return what a device reads at a moment, None where it is silent."""
        return self.values(self._by_id[device_id], seconds)

    def values(self, device: SimulatedDevice, seconds: float) -> Values | None:
        """Return what a device reads at a moment with all that is planted on it, None where it is silent."""
        planted = [p for p in self.plan.of(device.device_id) if p.holds(seconds)]
        if any(p.kind in SILENT for p in planted):
            return None
        frozen = [p.start.timestamp() for p in planted if p.kind in FROZEN]
        seen_at = min([seconds, *frozen])
        values = readings_at(self.city.seed, device, seen_at, influence_of(planted, device, seen_at))
        return disturb(values, planted, device, seconds)

    def _report(self, device: SimulatedDevice, seconds: float) -> Iterator[Message]:
        values = self.values(device, seconds)
        if values is None:
            return
        planted = list(self.plan.at(device.device_id, seconds))
        record = {"time": rfc3339(seconds), "seq": self._sequence(device, seconds), **values}
        dialect = DIALECTS[device.dialect]
        if dialect.records > 1:
            yield from self._pack(device, dialect, record, seconds)
            return
        now, *later = send(Outgoing(record, seconds, seconds), planted, device.key)
        if now.send_at <= seconds:
            yield self._message(device, now)
        else:
            later.insert(0, now)
        for out in later:
            heapq.heappush(self._waiting, (out.send_at, next(self._count), device, out))

    def _sequence(self, device: SimulatedDevice, seconds: float) -> int:
        """Return the next sequence number; it goes on from where a device that always ran would be."""
        number = self._sent.get(device.device_id)
        if number is None:
            number = int(seconds // device.interval.total_seconds())
        self._sent[device.device_id] = number + 1
        return number

    def _pack(self, device: SimulatedDevice, dialect: Dialect, last: Record, seconds: float) -> Iterator[Message]:
        """Yield what the device has gathered since its last message."""
        step = device.interval.total_seconds() / dialect.records
        records = []
        for back in range(dialect.records - 1, 0, -1):
            at = seconds - back * step
            values = self.values(device, at)
            if values is not None:
                records.append({"time": rfc3339(at), "seq": last["seq"], **values})
        records.append({**last, "now": rfc3339(seconds)} if self.replay else last)
        yield Message(seconds, device, dialect.encode(device, records), sum(map(_readings, records)))

    def _message(self, device: SimulatedDevice, out: Outgoing) -> Message:
        record = {**out.record, "now": rfc3339(out.send_at)} if self.replay else out.record
        payload = out.broken if out.broken is not None else DIALECTS[device.dialect].encode(device, [record])
        return Message(out.send_at, device, payload, _readings(record))

    def history(self, span: timedelta, step: timedelta, slice_span: timedelta) -> Iterator[Message]:
        """Yield the city before the start as packs, slice by slice in time, each record at least `step` on.

        Records stand on the devices' own times, so that history sent twice changes nothing. The last slice is at full
        resolution and leads up to the start.
        """
        end = self.start.timestamp()
        begin = end - span.total_seconds()
        while begin < end:
            stop = min(begin + slice_span.total_seconds(), end)
            coarse = step.total_seconds() if stop < end else 0.0
            for device in self.city.devices:
                records = list(self._records(device, begin, stop, coarse))
                if not records:
                    continue
                dialect = DIALECTS[device.dialect]
                if device.dialect in NATIVE_PACKS:
                    yield Message(stop, device, orjson.dumps(records), sum(map(_readings, records)))
                else:
                    for record in records:
                        yield Message(stop, device, dialect.encode(device, [record]), _readings(record))
            begin = stop

    def _records(
        self, device: SimulatedDevice, begin: float, stop: float, coarse: float
    ) -> Iterator[dict[str, object]]:
        interval = device.interval.total_seconds()
        stride = max(1, round(coarse / interval)) * interval
        at = next_report(device, begin)
        if stride > interval:
            # Coarse records keep to multiples of their stride, whenever history begins.
            number = round((at - device.phase) / interval)
            at += (-number % round(stride / interval)) * interval
        while at < stop:
            moment = round(at, 3)
            values = self.values(device, moment)
            if values is not None:
                yield {"time": rfc3339(moment), "seq": int(moment // interval), **values}
            at += stride


def _readings(record: Record) -> int:
    """Return how many values a record holds."""
    return sum(name not in ("time", "seq", "now") for name in record)


def next_report(device: SimulatedDevice, seconds: float) -> float:
    """Return the first of a device's regular times at or after a moment."""
    interval = device.interval.total_seconds()
    number = -((device.phase - seconds) // interval)
    at = round(device.phase + number * interval, 3)
    return at if at >= seconds else round(at + interval, 3)

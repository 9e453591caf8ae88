"""From a delivery to rows: route, envelope, device, profile, readings. Any failure is a value, never an exception."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import blake2b

from devices.envelopes import ENVELOPES
from devices.model import (
    DecodeError,
    QualityFlag,
    QualityTest,
    Reading,
    Refused,
    RefuseReason,
    RejectReason,
    Uplink,
)
from ingest.clocks import SUSPICIOUS_DELAY, ClockWatch
from ingest.directory import Directory, Speaker
from ingest.model import Accepted, Delivery, Rejected, Row, Verdict
from ingest.routes import Route
from ingest.times import AHEAD, EARLIEST, LATEST, LIVE_SINCE, TooOldError, judge_time

_GOOD, _MISSING = QualityFlag.GOOD, QualityFlag.MISSING
_NO_TEST, _TIME_TEST = 0, int(QualityTest.TIME)

Envelope = Callable[[bytes], Uplink]


class Decoder:
    """Decides on deliveries against one directory of devices; no clock of its own, no I/O."""

    def __init__(
        self,
        directory: Directory,
        routes: Sequence[Route],
        *,
        lateness: timedelta,
        equal_window: timedelta,
        max_payload: int,
        counted_window: timedelta | None = None,
        envelopes: Mapping[str, Envelope] = ENVELOPES,
    ) -> None:
        """Live readings older than `lateness` are refused; the windows are explained in `_key_of`."""
        self.directory = directory
        self.routes = routes
        self.lateness = lateness
        self.equal_window = equal_window
        self.counted_window = lateness if counted_window is None else counted_window
        self.max_payload = max_payload
        self.envelopes = envelopes
        self._known: dict[str, tuple[Speaker, Envelope]] = {}
        self._edition = directory.edition

    def decode(self, delivery: Delivery, resumed_at: datetime | None = None) -> Verdict:
        """Return what becomes of one delivery.

        `resumed_at` is the newest arrival that was committed before this session was resumed: what the broker sends
        again was first received at about that time.
        """
        try:
            if delivery.excess:
                raise DecodeError("set aside: this device floods", RejectReason.RATE_LIMITED)
            if len(delivery.payload) > self.max_payload:
                raise DecodeError(
                    f"{len(delivery.payload)} bytes, at most {self.max_payload} are looked into", RejectReason.TOO_LARGE
                )
            if self._edition != self.directory.edition:
                self._known.clear()
                self._edition = self.directory.edition
            known = self._known.get(delivery.topic)
            if known is not None:
                speaker, envelope = known
                uplink = envelope(delivery.payload)
            else:
                speaker, uplink = self._introduce(delivery)
            said = uplink.device_id
            if said is not None and said != speaker.device.device_id:
                raise DecodeError(f"the payload says it is from {said!r}", RejectReason.IDENTITY_MISMATCH)
            assert speaker.profile is not None
            if not uplink.records and uplink.raw is None:
                # A join, a downlink event or an uplink without payload: well understood, and nothing to store.
                return Accepted(delivery, speaker.device.device_id, [])
            decoded = speaker.profile.decode(uplink, delivery.received_at)
            # What a codec understood may hold a serial number only; JSON of which nothing is known is a wrong mapping.
            understood = uplink.raw is not None and speaker.profile.codec is not None
            if not decoded.readings and not decoded.refused and not understood:
                raise DecodeError("nothing in it that could be a reading", RejectReason.NO_READINGS)
            return self._rows(delivery, speaker, uplink, decoded.readings, decoded.refused, resumed_at)
        except DecodeError as error:
            return Rejected(delivery, error.reason, str(error), self._claimed(delivery))

    def _introduce(self, delivery: Delivery) -> tuple[Speaker, Uplink]:
        """Return device and uplink of a topic seen for the first time."""
        route, device_id = self._route(delivery.topic)
        uplink = None
        if route.envelope is not None:
            uplink = self.envelopes[route.envelope](delivery.payload)
            device_id = device_id or uplink.device_id
        speaker = self.directory.speakers.get(device_id or "")
        if speaker is None:
            raise DecodeError(f"no device {device_id!r} in the registry", RejectReason.UNKNOWN_DEVICE)
        profile = speaker.profile
        if profile is None:
            raise DecodeError(f"no profile {speaker.device.profile!r}", RejectReason.UNKNOWN_PROFILE)
        envelope = self.envelopes[route.envelope or profile.envelope]
        if "{device_id}" in route.template:
            self._known[delivery.topic] = speaker, envelope
        return speaker, envelope(delivery.payload) if uplink is None else uplink

    def _route(self, topic: str) -> tuple[Route, str | None]:
        for route in self.routes:
            matches, device_id = route.match(topic)
            if matches:
                return route, device_id
        raise DecodeError("no route for this topic", RejectReason.UNROUTABLE_TOPIC)

    def device_of(self, topic: str) -> str | None:
        """Return the device id that a topic claims, cut to what a device id may be."""
        for route in self.routes:
            matches, device_id = route.match(topic)
            if matches:
                return None if device_id is None else device_id[:64]
        return None

    def _claimed(self, delivery: Delivery) -> str | None:
        """Return the device id that a topic claims, or else its payload, cut to what a device id may be."""
        device_id = self.device_of(delivery.topic)
        if device_id is not None or len(delivery.payload) > self.max_payload:
            return device_id
        with suppress(DecodeError):
            route, _ = self._route(delivery.topic)
            if route.envelope is not None:
                device_id = self.envelopes[route.envelope](delivery.payload).device_id
        return None if device_id is None else device_id[:64]

    def _rows(
        self,
        delivery: Delivery,
        speaker: Speaker,
        uplink: Uplink,
        readings: Sequence[Reading],
        refused: list[Refused],
        resumed_at: datetime | None,
    ) -> Accepted:
        arrived, live = delivery.received_at, speaker.live
        now = arrived if live else self._source_time(speaker, uplink, readings, arrived)
        # A simulated or recorded city that says what its now is can be told what is wrong with its clocks, too.
        clocked = live or (uplink.now is not None and now >= LIVE_SINCE)
        oldest, newest = max(now - self.lateness, LIVE_SINCE) if clocked else now - self.lateness, now + AHEAD
        rows: list[Row] = []
        channels, fallback = speaker.channels, uplink.time
        # A time that counts from the arrival is another one at the next delivery of the same message.
        by_arrival = False
        if uplink.now is None and fallback is None:
            for record in uplink.records:  # any() would make a generator, for each message
                if "time_offset" in record:
                    by_arrival = True
        for reading in readings:
            name, result, stated = reading
            channel = channels.get(name) or speaker.channel(name)
            time, quality, tests = stated or fallback, _GOOD, _NO_TEST
            if time is None:
                if delivery.retain and live:
                    detail = "a retained message without a time: nobody knows how old it is"
                    refused.append(Refused(name, RefuseReason.BAD_TIME, detail))
                    continue
                time, by_arrival = now, True
            elif not oldest <= time <= newest:
                try:
                    allowed = self.lateness if live or uplink.now is not None else None
                    quality = judge_time(time, now, live=clocked, lateness=allowed)
                except TooOldError as error:
                    refused.append(Refused(name, RefuseReason.TOO_OLD, str(error)))
                    continue
                if quality is not _GOOD:
                    newest_time = reading is readings[-1]
                    corrected = self._correct(speaker, delivery, time, now, newest_time) if clocked else None
                    tests = _TIME_TEST
                    if corrected is not None and oldest <= corrected <= newest:
                        time, quality = corrected, _GOOD
                    else:
                        time, by_arrival = now, True
            rows.append(Row(channel, time, arrived, result, _MISSING if result is None else quality, tests))
        if clocked and rows and not rows[-1].tests and now - rows[-1].phenomenon_time > SUSPICIOUS_DELAY:
            self._watch_clock(speaker, delivery, rows[-1].phenomenon_time, now, possible=True)
        accepted = Accepted(delivery, speaker.device.device_id, rows, refused)
        if by_arrival and rows:
            accepted.key, accepted.since = self._key_of(delivery, uplink, resumed_at)
        return accepted

    def _correct(
        self, speaker: Speaker, delivery: Delivery, stated: datetime, now: datetime, newest: bool
    ) -> datetime | None:
        """Return an impossible time put right, where the clock is known to be wrong by a constant.

        Only the `newest` time of a message tells how the clock stands: what it stored before is older than that.
        """
        watch = speaker.clock
        if watch is not None and watch.offset is not None:
            with suppress(OverflowError):  # a time at the edge of the calendar
                corrected = stated + watch.offset
                if LIVE_SINCE <= corrected <= now + AHEAD:
                    if newest and now - corrected <= SUSPICIOUS_DELAY:
                        watch.confirm()
                    elif newest:  # old, or the offset is another one by now
                        self._watch_clock(speaker, delivery, stated, now, possible=False)
                    return corrected
            watch.forget()
        if newest:
            self._watch_clock(speaker, delivery, stated, now, possible=False)
        return None

    def _watch_clock(
        self, speaker: Speaker, delivery: Delivery, stated: datetime, now: datetime, *, possible: bool
    ) -> None:
        if delivery.dup or delivery.retain:
            return  # nobody knows how long it was on its way
        if speaker.clock is None:
            speaker.clock = ClockWatch()
        fault = speaker.clock.note(speaker.device.device_id, stated, now, possible=possible)
        if fault is not None:
            self.directory.clock_faults.append(fault)

    def _source_time(
        self, speaker: Speaker, uplink: Uplink, readings: Sequence[Reading], arrived: datetime
    ) -> datetime:
        """Return a replay source's now, and let its clock advance to it; raise DecodeError at the calendar's ends."""
        source_id = speaker.device.source_id
        # The sender's own now judges its message, so that the same replay may run a second time.
        now = uplink.now
        if now is None:
            stated = uplink.time or max((r.time for r in readings if r.time is not None), default=None)
            clock = self.directory.clocks.get(source_id)
            now = max((time for time in (stated, clock) if time is not None), default=arrived)
        if not EARLIEST <= now <= LATEST:
            limits = f"{EARLIEST.isoformat()} and {LATEST.isoformat()}"
            raise DecodeError(f"the replay {source_id} is at {now.isoformat()}, which is not between {limits}")
        self.directory.advance(source_id, now)
        return now

    def _key_of(self, delivery: Delivery, uplink: Uplink, resumed_at: datetime | None) -> tuple[str, datetime]:
        """Return the delivery key, and since when an equal one is the same message.

        A counter with its payload is never used twice within `counted_window` (the lateness, where none is given).
        Without a counter two equal payloads inside `equal_window` count once; that is the price of not storing a
        redelivery twice.
        """
        digest = blake2b(delivery.topic.encode(), digest_size=12)
        digest.update(delivery.payload)
        if uplink.delivery_key is not None:
            digest.update(uplink.delivery_key.encode())
            return "c" + digest.hexdigest(), delivery.received_at - self.counted_window
        since = delivery.received_at
        if delivery.dup and resumed_at is not None:
            since = min(since, resumed_at)
        return "p" + digest.hexdigest(), since - self.equal_window

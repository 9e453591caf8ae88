"""All devices at once: batches of the tail in, changes out. No clock and no store: both are the worker's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from devices.model import QualityFlag
from rules.arrival import adopt, apply, forgive, revise, take_over, tick
from rules.city import City
from rules.crowd import hear, is_part
from rules.difference import Change, Kind
from rules.engine import Watch
from rules.model import Episode, Sample
from rules.stream import BEGINNING, Stream, derive
from sql.tail import TailBatch

Told = Iterator[tuple[str, Watch, Change]]
# By who counts: part, device and change, and how far back timely readings went at each.
News = dict[str, tuple[list[tuple[str, str, Change]], list[datetime]]]


@dataclass(slots=True)
class Judge:
    """The streams of all devices, and the clocks of their sources."""

    allowance: timedelta
    city: City = field(default_factory=City)
    streams: dict[str, Stream] = field(default_factory=dict)
    clocks: dict[str, datetime] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)  # devices whose stream changed since the last checkpoint
    dropped: set[str] = field(default_factory=set)  # those that are judged here no more since then
    elsewhere: set[str] = field(default_factory=set)  # devices that were heard and are judged in another share only
    _heard: set[int] = field(default_factory=set)  # datastreams, of which `elsewhere` is
    _workers: dict[int, datetime] = field(default_factory=dict)  # ingest workers, and when each last wrote or spoke
    # Those that had more waiting for them at the broker, and when they last wrote.
    _lagging: dict[int, datetime] = field(default_factory=dict)
    _renewed: set[tuple[str, str]] = field(default_factory=set)  # device and rule that were adopted last
    _outage_from: datetime | None = None
    _excused_at: datetime = BEGINNING
    _recount: bool = False
    _shortest: timedelta | None = None  # interval of the live devices that are known, None without any
    _shortest_known: bool = False

    def knows(self, batch: TailBatch) -> bool:
        """Say whether every datastream of the batch belongs to a known device."""
        return all(each in self.city.datastreams for each in batch.datastream_id)

    def take(self, batch: TailBatch) -> Told:
        """Judge one batch: a live row against the wall clock at its receipt, a replayed one against its source's.

        A replay batch is judged against the clock that it started from, since it may span days of its source's time.
        """
        news: News = {}
        yield from self._excuse_outage(batch, news)
        if not self.city.share.is_whole:
            self._listen(batch)
        for device_id, samples, received_at in _by_device(batch, self.city.here):
            stream = self._stream(device_id)
            self.touched.add(device_id)
            if batch.is_revision:
                yield from self._pass_on(
                    device_id, revise(self.city.watches[device_id], stream, samples), stream.horizon, news
                )
                continue
            source_id = self.city.subjects[device_id].source_id
            now = received_at if source_id == "live" else self.clocks.get(source_id, BEGINNING + self.allowance)
            changes = apply(self.city.panel(device_id), stream, samples, now, self.allowance).changes
            yield from self._pass_on(device_id, changes, now - self.allowance, news)
        yield from self._hear(news)
        for source_id, text in batch.clocks.items():
            clock = datetime.fromisoformat(text)
            if source_id not in self.clocks or clock > self.clocks[source_id]:
                self.clocks[source_id] = clock

    def tick(self, now: datetime) -> Told:
        """Let time pass: live devices to the wall clock's `now`, others to their source's clock.

        While no live device at all is heard, the fault is ours (ingest, broker, network): live time stands still. So it
        does while messages wait for ingest: what a device has sent may be among them.
        """
        now = min(now, self.deaf_from(now) or now)
        behind = self._is_behind(now)
        if behind:
            now = min(now, self.clocks.get("live", now))
        yield from self._forget(now)
        news: News = {}
        for device_id, stream in list(self.streams.items()):
            watches = self.city.watches.get(device_id)
            if not watches:
                continue
            source_id = self.city.subjects[device_id].source_id
            clock = now if source_id == "live" else self.clocks.get(source_id)
            if clock is None or (behind and source_id != "live"):
                continue
            changes = tick(watches, stream, clock)
            if changes:
                self.touched.add(device_id)
                # Several may have fallen silent at instants that lie far apart: nothing is settled between them.
                yield from self._pass_on(device_id, changes, BEGINNING, news)
        yield from self._hear(news)

    def _pass_on(self, device_id: str, changes: Iterable[Change], horizon: datetime, news: News) -> Told:
        """Yield what concerns a rule; keep in `news` what concerns a part of one, for those who count that."""
        for change in changes:
            if not is_part(change.rule_id):
                yield device_id, _of(self.city.watches[device_id], change), change
                continue
            for hearer in self.city.hearers.get((change.rule_id, device_id), ()):
                known = news.setdefault(hearer, ([], []))
                known[0].append((change.rule_id, device_id, change))
                known[1].append(horizon)

    def _hear(self, news: News) -> Told:
        """Tell those who count what came at once, and yield what they say."""
        for hearer, (changes, horizons) in news.items():
            stream, panel = self._stream(hearer), self.city.panel(hearer)
            self.touched.add(hearer)
            horizon = min(horizons)
            if self.city.subjects[hearer].area is None and horizon != BEGINNING:
                horizon -= SETTLED_BY_OTHERS
            for change in hear(panel, stream, changes, horizon):
                yield hearer, _of(panel.watches, change), change

    def _forget(self, now: datetime) -> Told:
        """Where a device is counted no more (it moved, or is gone), let those who counted it know."""
        if not self._recount:
            return
        self._recount = False
        news: News = {}
        for hearer, stream in self.streams.items():
            for name, told in stream.crowds.items():
                for member in [who for who in told if hearer not in self.city.hearers.get((name, who), ())]:
                    for episode in [each for each in told[member] if each.cleared_at is None]:
                        ended = replace(episode, cleared_at=max(now, episode.raised_at))
                        known = news.setdefault(hearer, ([], []))
                        known[0].append((name, member, Change(name, Kind.CLEARED, now, ended)))
                        known[1].append(now - self.allowance)
        yield from self._hear(news)

    def deaf_from(self, now: datetime) -> datetime | None:
        """Return since when nothing has come from any live device although something should have; None if it has."""
        if "live" not in self.clocks:
            return None
        if not self._shortest_known:
            # Of the whole city, whoever judges them: devices of one share may all be slow.
            subjects = (self.city.subjects[each] for each in self.streams.keys() | self.elsewhere)
            intervals = (each.expected_interval for each in subjects if each.source_id == "live" and each.area is None)
            self._shortest, self._shortest_known = min(intervals, default=None), True
        if self._shortest is None:
            return None
        deaf_from = self.clocks["live"] + max(LEAST_GRACE, 2 * self._shortest)
        return deaf_from if now > deaf_from else None

    def _listen(self, batch: TailBatch) -> None:
        """Note who is heard that is judged in another share."""
        fresh = set(batch.datastream_id) - self._heard
        if fresh:
            self._heard |= fresh
            known, here = self.city.datastreams, self.city.here
            self.elsewhere |= {known[each][0] for each in fresh if each in known and each not in here}
            self._shortest_known = False

    def _excuse_outage(self, batch: TailBatch, news: News) -> Told:
        """Note when live devices were last heard; after an outage of ours, hold no device's silence against it.

        An outage lasts until what waited meanwhile is in: devices that did not time their readings seem to have been
        silent until then.
        """
        absent, behind = self._absent(batch.at), self._is_behind(batch.at)
        if batch.worker is not None:
            self.hear_worker(batch.worker, batch.at, lagging=batch.lagging)
            behind = behind or batch.lagging
        datastreams, subjects = self.city.datastreams, self.city.subjects
        if not any(
            each in datastreams and subjects[datastreams[each][0]].source_id == "live" for each in batch.datastream_id
        ):
            return
        if not behind and self.deaf_from(batch.at) is None:
            self._outage_from = None
        elif batch.at - self._excused_at >= EXCUSE_EVERY:
            heard_until = min((self.clocks.get("live", batch.at), *absent))
            # What was excused before is an outage of its own, and comes first.
            self._outage_from = self._outage_from or max(heard_until, self._excused_at)
            self._excused_at = batch.at
            for device_id, stream in self.streams.items():
                if subjects[device_id].source_id == "live":
                    self.touched.add(device_id)
                    changes = forgive(self.city.watches[device_id], stream, self._outage_from, batch.at)
                    yield from self._pass_on(device_id, changes, BEGINNING, news)
        self.clocks["live"] = max(batch.at, self.clocks.get("live", batch.at))

    def hear_worker(self, worker: int, at: datetime, *, lagging: bool) -> None:
        """Note that an ingest worker wrote, or said that it is there, and whether more waited for it at the broker."""
        self._workers[worker] = at
        self._lagging.pop(worker, None)
        if lagging:
            self._lagging[worker] = at

    def _is_behind(self, now: datetime) -> bool:
        """Return whether messages wait for an ingest worker; one that has long written nothing waits no more."""
        return any(now - said_at < LONGEST_LAG for said_at in self._lagging.values()) or bool(self._absent(now))

    def _absent(self, now: datetime) -> list[datetime]:
        """Return when those ingest workers last wrote for whom messages wait although they do not come for them.

        Each of several says that it is there every few seconds; one that is alone does not.
        """
        known = [at for at in self._workers.values() if now - at < LONGEST_LAG]
        return [at for at in known if now - at > ABSENT_AFTER] if len(known) > 1 else []

    def adopt(self) -> list[tuple[str, str]]:
        """Go over to the city's present rules and devices; return rule and device of what nobody watches now."""
        gone: list[tuple[str, str]] = []
        self._renewed.clear()
        self._recount, self._shortest_known = True, False
        for device_id in [each for each in self.streams if not self.city.judges(each)]:
            del self.streams[device_id]
            self.dropped.add(device_id)
        self.elsewhere &= self.city.subjects.keys()
        self._heard.clear()
        for device_id, stream in self.streams.items():
            watches = self.city.watches[device_id]
            if stream.versions != {ready.rule_id: ready.rule.version for ready in watches}:
                new = (r.rule_id for r in watches if stream.versions.get(r.rule_id) != r.rule.version)
                self._renewed |= {(device_id, rule_id) for rule_id in new}
                gone += [(rule_id, device_id) for rule_id in adopt(watches, stream) if not is_part(rule_id)]
                self.touched.add(device_id)
        return gone

    def reconcile(self, told: Mapping[str, Mapping[str, list[Episode]]]) -> Told:
        """After a restart: take as said what the store was told, and yield what it must still be told."""
        for device_id, stream in self.streams.items():
            watches = self.city.watches.get(device_id, ())
            known = told.get(device_id, {})
            for ready in watches:
                rule_id = ready.rule_id
                if is_part(rule_id):
                    continue  # nobody but us was told
                said = known.get(rule_id, [])
                if (device_id, rule_id) in self._renewed:
                    # What we went over again was judged by another version, which we do not have: what it said stands.
                    take_over(ready, stream, said)
                elif stream.said.get(rule_id, []) != said:
                    stream.said[rule_id] = list(said)
                    # Where a silence was told, the clock had come so far.
                    clock = max((episode.raised_at for episode in said), default=None)
                    for change in derive(ready, stream, until=clock):
                        yield device_id, ready, change

    def _stream(self, device_id: str) -> Stream:
        stream = self.streams.get(device_id)
        if stream is None:
            versions = {ready.rule_id: ready.rule.version for ready in self.city.watches[device_id]}
            stream = self.streams[device_id] = Stream(versions=versions)
            if self._outage_from is not None and self.city.subjects[device_id].source_id == "live":
                stream.outages.append((self._outage_from, self._excused_at))
            self._shortest_known = False
        return stream


def _of(watches: Iterable[Watch], change: Change) -> Watch:
    return next(ready for ready in watches if ready.rule_id == change.rule_id)


def _by_device(
    batch: TailBatch, datastreams: Mapping[int, tuple[str, str]]
) -> Iterator[tuple[str, list[Sample], datetime]]:
    """Yield each device's samples and when the first of them was received; rows of unknown devices are left out."""
    moments: dict[str, dict[datetime, dict[str, tuple[float | None, QualityFlag]]]] = {}
    first: dict[str, datetime] = {}
    for datastream_id, at, received_at, result, quality in zip(
        batch.datastream_id, batch.phenomenon_time, batch.received_at, batch.result, batch.quality, strict=True
    ):
        known = datastreams.get(datastream_id)
        if known is None:
            continue
        device_id, name = known
        moments.setdefault(device_id, {}).setdefault(at, {})[name] = (result, _FLAGS[quality])
        if device_id not in first or received_at < first[device_id]:
            first[device_id] = received_at
    for device_id, found in moments.items():
        yield device_id, [Sample(at, values) for at, values in found.items()], first[device_id]


LEAST_GRACE = timedelta(seconds=10)
# A device is settled by its own readings, so that whoever else counts it has settled just as much of it. Only where one
# is not heard for long does what its neighbours say settle anything: else that would be remembered for ever.
SETTLED_BY_OTHERS = timedelta(days=1)
EXCUSE_EVERY = timedelta(seconds=2)  # all devices, while messages wait: no device may be called silent sooner
LONGEST_LAG = timedelta(minutes=10)
ABSENT_AFTER = timedelta(seconds=15)  # ingest.presence.EVERY several times over
_FLAGS = {int(flag): flag for flag in QualityFlag}

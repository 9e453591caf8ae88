"""Bounded, fair, and in order."""

from datetime import UTC, datetime

from ingest.fairness import Fairness
from ingest.inbox import OVERHEAD, Inbox
from ingest.model import Delivery

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Link:
    """A connection that remembers what was acknowledged."""

    def __init__(self) -> None:
        self.acknowledged: list[int] = []

    def acknowledge(self, packet_id: int) -> None:
        self.acknowledged.append(packet_id)


def delivery(topic: str, number: int, link: Link | None = None) -> Delivery:
    return Delivery(topic, b"x" * 10, NOW, qos=1, packet_id=number, link=link)


async def test_reading_pauses_when_full_and_resumes_at_half() -> None:
    inbox, said = Inbox(4, 10**9), []
    inbox.attach("reader", lambda: said.append("pause"), lambda: said.append("resume"))
    for number in range(6):  # what the socket had already read is never refused
        inbox.put(delivery("a", number))
    taken = await inbox.take(10, 0)
    for one in taken[:3]:
        inbox.settle(one)
    assert said == ["pause"]
    inbox.settle(taken[3])
    assert said == ["pause", "resume"]
    assert (inbox.held, inbox.held_bytes) == (2, 2 * (10 + OVERHEAD))


async def test_a_closed_inbox_reads_no_further_even_with_room() -> None:
    inbox, said = Inbox(4, 10**9), []
    inbox.attach("reader", lambda: said.append("pause"), lambda: said.append("resume"))
    inbox.put(delivery("a", 1))
    inbox.close()
    inbox.settle((await inbox.take(10, 0))[0])
    inbox.attach("another", lambda: said.append("pause too"), lambda: said.append("resume"))
    assert said == ["pause", "pause too"]
    assert inbox.held == 0


async def test_bytes_are_bounded_too() -> None:
    inbox, said = Inbox(1000, 3 * OVERHEAD), []
    inbox.attach("reader", lambda: said.append("pause"), lambda: None)
    for number in range(3):
        inbox.put(delivery("a", number))
    assert said == ["pause"]


async def test_what_waits_from_a_lost_connection_is_forgotten() -> None:
    inbox, old, new = Inbox(100, 10**9), Link(), Link()
    inbox.put(delivery("a", 1, old))
    first = (await inbox.take(10, 0))[0]
    inbox.put(delivery("a", 2, old))
    inbox.put(delivery("a", 2, new))
    assert inbox.forget(old) == 1
    assert [d.link for d in await inbox.take(10, 0)] == [new]
    inbox.settle(first)
    assert inbox.held == 1


async def test_a_flood_waits_behind_the_others_and_keeps_its_own_order() -> None:
    inbox = Inbox(1000, 10**9)
    inbox.fairness.limit = 1000
    for number in range(500):
        inbox.put(delivery("loud", number))
    for topic in "abc":
        inbox.put(delivery(topic, 0))
    await inbox.take(1000, 0)
    floods = inbox.fairness.look(2.0)
    assert [(flood.topic, flood.messages, flood.rate) for flood in floods] == [("loud", 500, 250.0)]
    inbox.put(delivery("loud", 1))
    inbox.put(delivery("a", 1))
    inbox.fairness.look(2.0)  # it is quiet again, but what it sent before still waits
    inbox.put(delivery("loud", 2))
    inbox.put(delivery("b", 1))
    assert [(d.topic, d.packet_id) for d in await inbox.take(10, 0)] == [("a", 1), ("b", 1), ("loud", 1), ("loud", 2)]


async def test_only_beyond_a_share_that_was_set_is_anything_set_aside() -> None:
    inbox = Inbox(100, 10**9, flood_share=0.5)
    inbox.fairness.slow = frozenset({"loud"})
    for number in range(60):
        inbox.put(delivery("loud", number))
    excess = [one.excess for one in await inbox.take(100, 0)]
    assert excess == [False] * 50 + [True] * 10
    assert inbox.fairness.aside == {"loud": 10}


def test_where_everybody_sends_much_nobody_floods() -> None:
    fairness = Fairness()
    fairness.counts = {f"device-{n}": 500 for n in range(100)}
    assert fairness.look(1.0) == []

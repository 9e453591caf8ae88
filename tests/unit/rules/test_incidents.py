import random
from dataclasses import replace
from datetime import timedelta

from rules.incidents import Member, group, joins, outgrown
from rules.model import Severity
from tests.unit.rules.series import at

PLACE = (52.0, 4.3)


def member(number: int, seconds: float, **more: object) -> Member:
    base = Member(number, "device-silent", f"d{number}", Severity.LOW, at(seconds), silence=True)
    return replace(base, **more)  # type: ignore[arg-type]


def flood(seed: int) -> tuple[list[Member], dict[str, int]]:
    """5,000 alerts of three causes within five minutes, and 50 that have nothing to do with each other."""
    chance = random.Random(seed)
    found = []
    for number in range(2500):
        found.append(member(number, chance.uniform(0, 300), nodes=("network:lora", "gateway:gw-1")))
    for number in range(2500, 4500):
        found.append(member(number, chance.uniform(0, 300), nodes=("network:nb", "cabinet:c-7")))
    for number in range(4500, 5000):
        where = (PLACE[0] + chance.uniform(-0.01, 0.01), PLACE[1] + chance.uniform(-0.01, 0.01))
        found.append(
            member(
                number, chance.uniform(0, 300), rule_id="pm2-5-high", silence=False, severity=Severity.HIGH,
                latitude=where[0], longitude=where[1],
            )
        )  # fmt: skip
    rules = ["bin-fire", "bin-nearly-full", "battery-low", "no2-high", "device-silent"]
    for number in range(5000, 5050):
        rule_id = chance.choice(rules)
        found.append(
            member(
                number, chance.uniform(0, 300), rule_id=rule_id, silence=rule_id == "device-silent",
                nodes=("network:lora", f"gateway:gw-{number}"),
                latitude=51.9 + chance.uniform(0, 0.2), longitude=4.2 + chance.uniform(0, 0.2),
            )
        )  # fmt: skip
    chance.shuffle(found)
    sizes = {"network:lora": 60_000, "gateway:gw-1": 2_600, "network:nb": 9_000, "cabinet:c-7": 2_100}
    return found, sizes | {f"gateway:gw-{number}": 40 for number in range(5000, 5050)}


def test_a_flood_of_three_causes_is_three_incidents_and_the_rest_stays_alone() -> None:
    for seed in range(5):
        found, sizes = flood(seed)
        groups = group(found, sizes)
        assert sorted(one.cause for one in groups) == ["cabinet:c-7", "gateway:gw-1", "place:pm2-5-high"]
        bound = {each.alert_id for one in groups for each in one.members}
        assert len([each for each in found if each.alert_id >= 5000 and each.alert_id not in bound]) >= 49
        assert len([each for each in bound if each < 5000]) >= 4990


def test_a_few_silent_devices_do_not_blame_their_gateway() -> None:
    some = [member(n, 10 * n, nodes=("gateway:gw-1",)) for n in range(5)]
    assert group(some, {"gateway:gw-1": 40}) == []
    assert [one.cause for one in group(some, {"gateway:gw-1": 8})] == ["gateway:gw-1"]


def test_the_narrowest_of_causes_that_explain_as_much_is_named() -> None:
    some = [member(n, 10 * n, nodes=("network:lora", "gateway:gw-1")) for n in range(5)]
    assert [one.cause for one in group(some, {"gateway:gw-1": 5, "network:lora": 5})] == ["gateway:gw-1"]


def test_alerts_far_apart_in_time_have_no_common_cause() -> None:
    some = [member(n, 700 * n, nodes=("gateway:gw-1",)) for n in range(5)]
    assert group(some, {"gateway:gw-1": 5}) == []


def test_a_queue_along_a_corridor_is_one_incident() -> None:
    some = [member(n, 60 * n, rule_id="traffic-stopped", silence=False, corridor="ring") for n in range(3)]
    (one,) = group(some, {})
    assert one.cause == "corridor:ring"
    assert joins(member(9, 300, silence=False, corridor="ring"), "corridor:ring", at(120), [])
    assert not joins(member(9, 3000, silence=False, corridor="ring"), "corridor:ring", at(120), [])


def test_a_new_alert_joins_by_node_or_by_place() -> None:
    assert joins(member(1, 0, nodes=("gateway:gw-1",)), "gateway:gw-1", at(0), [])
    assert not joins(member(1, 0, nodes=("gateway:gw-2",)), "gateway:gw-1", at(0), [])
    here = member(1, 0, silence=False, rule_id="pm2-5-high", latitude=PLACE[0], longitude=PLACE[1])
    assert joins(here, "place:pm2-5-high", at(0), [(PLACE[0] + 0.004, PLACE[1])])
    assert not joins(here, "place:pm2-5-high", at(0), [(PLACE[0] + 0.01, PLACE[1])])
    assert not joins(here, "place:no2-high", at(0) + timedelta(seconds=1), [PLACE])


def test_a_slow_device_that_is_missed_later_belongs_to_the_gateway_that_took_it_away() -> None:
    quick = [member(number, 210, nodes=("gateway:gw-1",), rhythm=timedelta(minutes=1)) for number in (1, 2, 3)]
    slow = [member(number, 1050 + number, nodes=("gateway:gw-1",), rhythm=timedelta(minutes=5)) for number in (4, 5)]
    (found,) = group([*quick, *slow], {"gateway:gw-1": 5})
    assert len(found.members) == 5
    assert joins(slow[0], "gateway:gw-1", at(210), [])
    later = member(9, 7200, nodes=("gateway:gw-1",), rhythm=timedelta(minutes=5))
    assert not joins(later, "gateway:gw-1", at(210), [])


def test_devices_that_fall_silent_in_one_place_without_a_node_to_blame_are_one_incident() -> None:
    dark = [member(number, number, latitude=PLACE[0], longitude=PLACE[1]) for number in range(4)]
    (found,) = group(dark, {})
    assert found.cause == "place:device-silent"


def test_silence_in_one_place_becomes_its_gateways_when_the_slow_devices_are_missed_too() -> None:
    quick = [member(n, 10 * n, nodes=("gateway:gw-1",)) for n in range(4)]
    slow = [member(n, 700 + n, nodes=("gateway:gw-1",), rhythm=timedelta(seconds=200)) for n in range(4, 10)]
    elsewhere = [member(20, 5, nodes=("gateway:gw-2",)), member(21, 6, nodes=("gateway:gw-1",))]
    sizes = {"gateway:gw-1": 16, "gateway:gw-2": 16}
    assert outgrown({7: quick}, slow[:3], sizes) == []
    ((incidents, one),) = outgrown({7: quick, 9: elsewhere}, slow, sizes)
    assert incidents == [7]
    assert one.cause == "gateway:gw-1"
    assert {each.alert_id for each in one.members} == set(range(10))


def test_two_places_behind_one_gateway_become_one() -> None:
    here = [member(n, n, nodes=("gateway:gw-1",)) for n in range(4)]
    there = [member(n, n, nodes=("gateway:gw-1",)) for n in range(4, 8)]
    ((incidents, one),) = outgrown({3: here, 2: there}, [], {"gateway:gw-1": 10})
    assert incidents == [2, 3]
    assert len(one.members) == 8

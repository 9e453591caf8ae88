import pytest

from api.rate import MOST, Buckets, network_of


def test_a_bucket_gives_its_burst_then_its_rate() -> None:
    now = [0.0]
    buckets = Buckets(rate=2, burst=3, clock=lambda: now[0])
    assert [buckets.take("ada") for _ in range(5)] == [0, 0, 0, 1, 1]
    assert buckets.take("bob") == 0
    now[0] = 0.5
    assert [buckets.take("ada") for _ in range(2)] == [0, 1]
    now[0] = 1000
    assert [buckets.take("ada") for _ in range(4)] == [0, 0, 0, 1]


def test_a_slow_rate_says_how_long_to_wait() -> None:
    buckets = Buckets(rate=0.1, burst=1, clock=lambda: 0.0)
    assert [buckets.take("ada") for _ in range(2)] == [0, 10]


def test_callers_are_remembered_in_bounded_memory() -> None:
    buckets = Buckets(rate=1, burst=1, clock=lambda: 0.0)
    for number in range(MOST + 10):
        buckets.take(str(number))
    assert len(buckets._left) == MOST
    assert buckets.take(str(MOST + 9)) == 1


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"), ("testclient", "testclient"), ("", ""),
    ],
)  # fmt: skip
def test_of_ipv6_a_whole_network_is_one_caller(address: str, network: str) -> None:
    assert network_of(address) == network

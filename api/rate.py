"""How much one caller may ask: a token bucket for each account, key or address, in this process' memory."""

import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from math import ceil

MOST = 10_000  # callers remembered; the longest unseen is forgotten, which gives it a full bucket


def network_of(address: str) -> str:
    """Return what one caller holds of the network: an IPv4 address, or the /64 of an IPv6 one, of which a single
    household has 2^64 addresses."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return f"{IPv6Address(int(found) >> 64 << 64)}/64"


class Buckets:
    """One bucket per caller: it holds `burst` requests and refills at `rate` per second."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # caller -> tokens, and when counted

    def take(self, caller: str) -> int:
        """Take one request out; return 0, or the seconds until there is one again."""
        now = self._clock()
        tokens, counted_at = self._left.pop(caller, (float(self._burst), now))
        tokens = min(self._burst, tokens + (now - counted_at) * self._rate)
        wait = 0 if tokens >= 1 else max(1, ceil((1 - tokens) / self._rate))
        self._left[caller] = (tokens - 1 if wait == 0 else tokens, now)
        if len(self._left) > MOST:
            self._left.popitem(last=False)
        return wait

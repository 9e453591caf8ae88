"""Attack the JavaScript sandbox and measure: how long each attack lasts, how it is named, what a decode costs.

python -m docs.proof.javascript_sandbox
"""

import json
import sys
import time
from collections.abc import Callable

from devices.javascript import JavaScriptDecoder, Sandbox
from devices.model import DecodeError, Uplink
from devices.profiles import BUILTIN, load_profiles
from tests.unit.devices.test_javascript import HOSTILE, THE_THINGS_STACK

CONTAINED_WITHIN = 0.2
PAYLOAD = bytes.fromhex("0367ee0004687c05000106cb02077da803087d2500097366270a7d07000b7d20000c7d3000")


def main() -> int:
    sandbox = Sandbox()
    good = JavaScriptDecoder(THE_THINGS_STACK, sandbox)
    good(b"\x01\x00", 3)
    cases, failed = {}, 0
    for case in HOSTILE:
        source = f"function decodeUplink() {{ {case.values[0]}; return {{data: {{}}}}; }}"
        begun = time.perf_counter()
        try:
            JavaScriptDecoder(source, sandbox)(b"\x01", 3)
            named = "not stopped"
        except DecodeError as reason:
            named = str(reason)
        lasted = time.perf_counter() - begun
        begun = time.perf_counter()
        goes_on = good(b"\x01\x00", 3) == {"temperature": 25.6}
        again = time.perf_counter() - begun
        failed += not (goes_on and named != "not stopped" and lasted <= CONTAINED_WITHIN)
        cases[str(case.id)] = {"ms": round(lasted * 1e3, 1), "next_decode_ms": round(again * 1e3, 1), "error": named}
    native = load_profiles(BUILTIN)["milesight/am319-hcho"]
    figures = {
        "cases": cases,
        "javascript_decode_us": round(cost(lambda: good(b"\x01\x00", 3), 300)),
        "native_decode_us": round(cost(lambda: native.decode(Uplink(raw=PAYLOAD, port=85)), 3000), 1),
    }
    sandbox.close()
    print(json.dumps(figures, indent=1))
    return 1 if failed else 0


def cost(action: Callable[[], object], times: int) -> float:
    """Return the best mean of five rounds, in microseconds."""
    rounds = []
    for _ in range(5):
        begun = time.perf_counter()
        for _ in range(times):
            action()
        rounds.append((time.perf_counter() - begun) / times * 1e6)
    return min(rounds)


if __name__ == "__main__":
    sys.exit(main())

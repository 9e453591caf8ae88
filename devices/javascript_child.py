"""The process in which vendors' JavaScript runs: it has no files, no network, little memory, and may be killed.

Started by `devices.javascript` as a script of its own; it must not import the rest of the tree. Frames on both pipes
are a length (four bytes, big-endian) and JSON. Each decode gets a fresh context: nothing that a script does to the
language's own objects is left for the next one.
"""

import contextlib
import json
import resource
import signal
import struct
import sys
from pathlib import Path
from typing import Any, BinaryIO

import quickjs

MEMORY = 32 * 1024 * 1024  # of one context
ADDRESS_SPACE = 512 * 1024 * 1024  # of this process, the last line behind MEMORY
CPU_SECONDS = 0.03  # of one decode, as the engine itself counts it
KILL_SECONDS = 0.07  # of one decode: the kernel ends the process, loops inside the engine's built-ins included
LARGEST_ANSWER = 256 * 1024

# The conventions of The Things Stack and ChirpStack v4, ChirpStack v3, and The Things Network v2, in this order
CALL = (
    Path(__file__).with_name("javascript_call.js").read_text(encoding="utf-8")
    + """(%s,
  typeof decodeUplink === "function" ? decodeUplink : module.exports.decodeUplink,
  typeof Decode === "function" ? Decode : module.exports.Decode,
  typeof Decoder === "function" ? Decoder : module.exports.Decoder)"""
)
# What scripts written for a network server or for Node expect to find; none of it does anything.
SURROUNDINGS = """
var console = {log: function () {}, error: function () {}, warn: function () {}, info: function () {}};
var module = {exports: {}}, exports = module.exports;
"""


def main() -> None:
    """Answer one request after another until the parent closes the pipe."""
    give_up_everything()
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    scripts: dict[str, str] = {}
    send(answers, {"ready": True})
    while (request := receive(requests)) is not None:
        if "source" in request:
            scripts[request["script"]] = request["source"]
        # SIGPROF's default is to end the process; it counts this process's own CPU time, however busy the machine is.
        signal.setitimer(signal.ITIMER_PROF, KILL_SECONDS)
        answer = decode(scripts[request["script"]], request["input"])
        signal.setitimer(signal.ITIMER_PROF, 0)
        send(answers, answer)


def give_up_everything() -> None:
    """Renounce memory, files, sockets and children: what is open stays, nothing more can be opened."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    for limit, value in (
        (resource.RLIMIT_AS, ADDRESS_SPACE),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 3),
    ):
        with contextlib.suppress(ValueError, OSError):  # not every system has every limit
            resource.setrlimit(limit, (value, value))


def decode(source: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return `said` (what the script returns), or `fault` (why it returned nothing)."""
    context = quickjs.Context()
    context.set_memory_limit(MEMORY)
    context.set_time_limit(CPU_SECONDS)
    try:
        context.eval(SURROUNDINGS)
        context.eval(source)
        answer = context.eval(CALL % json.dumps(given))
    except quickjs.JSException as fault:  # StackOverflow is one
        return {"fault": named(str(fault))}
    except MemoryError:
        return {"fault": named("out of memory")}
    if not isinstance(answer, str):
        return {"fault": "it returns what is not JSON"}
    if len(answer) > LARGEST_ANSWER:
        return {"fault": f"it returns {len(answer)} characters, at most {LARGEST_ANSWER} are read"}
    return {"answer": answer}


def named(fault: str) -> str:
    """Return the engine's words for a fault in ours, where it is one of the limits."""
    first = fault.strip().partition("\n")[0]
    if "InternalError: interrupted" in first:
        return f"time limit: it ran longer than {CPU_SECONDS * 1000:.0f} ms"
    if "out of memory" in first or "string too long" in first:
        return f"memory limit: it wanted more than {MEMORY // 1024 // 1024} MiB"
    if "call stack" in first or "stack overflow" in first:
        return "stack limit: it called itself too deeply"
    return first[:200]


def receive(pipe: BinaryIO) -> dict[str, Any] | None:
    """Return the next request, None at the end."""
    head = pipe.read(4)
    if len(head) < 4:
        return None
    (size,) = struct.unpack(">I", head)
    request: dict[str, Any] = json.loads(pipe.read(size))
    return request


def send(pipe: BinaryIO, answer: dict[str, Any]) -> None:
    """Write one answer."""
    body = json.dumps(answer).encode()
    pipe.write(struct.pack(">I", len(body)) + body)
    pipe.flush()


if __name__ == "__main__":
    main()

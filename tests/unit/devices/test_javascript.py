import resource
from collections.abc import Iterator
from datetime import UTC, datetime

import psutil
import pytest

from devices.javascript import JavaScriptDecoder, Sandbox
from devices.javascript_child import KILL_SECONDS
from devices.model import DecodeError

THE_THINGS_STACK = """
function decodeUplink(input) {
  if (input.fPort !== 3) { return {errors: ["unknown port " + input.fPort]}; }
  return {data: {temperature: ((input.bytes[0] << 8) | input.bytes[1]) / 10, unused: undefined}, warnings: []};
}
"""
CHIRPSTACK = "function Decode(fPort, bytes, variables) { return {port: fPort, n: bytes[0], at: variables.at}; }"
THE_THINGS_NETWORK = "function Decoder(bytes, port) { return {port: port, first: bytes[0]}; }"
HEXADECIMAL = "i.bytes.map(function (b) { return b.toString(16); }).join('')"
MODULE = "const decodeUplink = (input) => ({data: {n: input.bytes.slice(1).length}}); module.exports = {decodeUplink};"


def entry(value: str) -> str:
    """Return a decoder of one field."""
    return f"function decodeUplink(i) {{ return {{data: {{n: {value}}}}}; }}"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    one = Sandbox()
    yield one
    one.close()


@pytest.mark.parametrize(
    ("source", "data"),
    [
        pytest.param(THE_THINGS_STACK, {"temperature": 25.6}, id="decodeUplink"),
        pytest.param(CHIRPSTACK, {"port": 3, "n": 1, "at": "home"}, id="Decode"),
        pytest.param(THE_THINGS_NETWORK, {"port": 3, "first": 1}, id="Decoder"),
        pytest.param(MODULE, {"n": 1}, id="a constant, exported"),
        pytest.param(
            "function decodeUplink(i) { return {data: {a: i.bytes[0] * NaN, b: i.recvTime.getUTCFullYear()}}; }",
            {"a": None, "b": 2026},
            id="not a number is missing, recvTime is a Date",
        ),
    ],
)
def test_each_convention_of_the_vendors_is_called_as_they_expect(
    sandbox: Sandbox, source: str, data: dict[str, object]
) -> None:
    decoder = JavaScriptDecoder(source, sandbox, {"at": "home"})
    assert decoder(b"\x01\x00", 3, datetime(2026, 3, 1, tzinfo=UTC)) == data


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        pytest.param(THE_THINGS_STACK, "unknown port 2", id="the script's own error"),
        pytest.param("function decodeUplink( {", "SyntaxError", id="not JavaScript"),
        pytest.param("function decodeUplink(i) { return i.x.y; }", "TypeError", id="a fault in it"),
        pytest.param("function other() {}", "no decodeUplink, Decode or Decoder", id="no entry"),
        pytest.param("function decodeUplink() {}", "returns nothing", id="returns nothing"),
        pytest.param("function decodeUplink() { return {data: 3}; }", "returns no data", id="returns no object"),
        pytest.param("function decodeUplink() { return {toJSON() {}}; }", "not JSON|returns nothing", id="toJSON"),
        pytest.param(
            "function decodeUplink() { return {data: {a: 'x'.repeat(1e6)}}; }", "characters, at most", id="long answer"
        ),
    ],
)
def test_a_failing_script_says_why(sandbox: Sandbox, source: str, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        JavaScriptDecoder(source, sandbox)(b"\x01", 2)


@pytest.mark.parametrize(
    ("source", "payload", "reason"),
    [
        pytest.param(THE_THINGS_STACK, b"\x01", "reads byte 1 of a payload of 1", id="decodeUplink"),
        pytest.param("function Decoder(bytes) { return {n: bytes[7] & 1}; }", b"ab", "byte 7", id="Decoder"),
        pytest.param(THE_THINGS_STACK, b"", "empty payload", id="nothing at all"),
        pytest.param(entry("i.bytes.slice(1, 5)[0]"), b"ab", "byte 4 of a payload of 2", id="a part"),
        pytest.param(entry("i.bytes.slice(1).slice(0, 2)[0]"), b"ab", "byte 2 of", id="a part of a part"),
        pytest.param(entry("i.bytes.slice(1)[2] << 8"), b"abc", "byte 3 of", id="the rest"),
        pytest.param(entry("i.bytes.map(function (b) { return b; })[3]"), b"abc", "byte 3 of", id="a copy"),
        pytest.param(entry("Array.from(i.bytes).slice(2)[1]"), b"abc", "byte 3 of", id="the rest of a copy"),
        pytest.param(entry("i.bytes.shift() + i.bytes.shift() + i.bytes.shift()"), b"ab", "byte 2 of", id="shift"),
        pytest.param(entry("[].concat(i.bytes).splice(1, 2)[0]"), b"ab", "byte 2 of", id="taken out"),
        pytest.param(entry(f"parseInt({HEXADECIMAL}.substr(2, 4), 16)"), b"ab", "byte 2 of", id="hexadecimal"),
        pytest.param(entry(f"parseInt({HEXADECIMAL}.slice(4, 6), 16) || 0"), b"ab", "byte 2 of", id="hexadecimal end"),
        pytest.param(entry("i.bytes.length > 2 ? i.bytes[2] : 0"), b"ab", "no message of this length", id="a default"),
    ],
)
def test_a_cut_payload_is_refused_and_no_reading_made_up(
    sandbox: Sandbox, source: str, payload: bytes, reason: str
) -> None:
    with pytest.raises(DecodeError, match=reason):
        JavaScriptDecoder(source, sandbox)(payload, 3)


@pytest.mark.parametrize(
    ("value", "n"),
    [
        pytest.param("i.bytes.slice(1, 3)[1]", 99, id="a part"),
        pytest.param("i.bytes.slice(0, 1)[1] === undefined", True, id="behind a part, not behind the payload"),
        pytest.param("i.bytes.slice(-2)[0] + i.bytes.slice(3).length", 98, id="from the end"),
        pytest.param("[7, 8, 9, 10][4] === undefined && i.bytes[0]", 97, id="an array of the script's own"),
        pytest.param("[7, 8, 9].slice(1, 100).length + i.bytes[0]", 99, id="the rest of its own"),
        pytest.param(
            "(function () { var k = []; for (var x in i.bytes) k.push(x); return k + ''; })()", "0,1,2", id="i"
        ),
        pytest.param("Object.keys([1]).length + i.bytes.reduce(function (a, b) { return a + b; })", 295, id="keys"),
        pytest.param(
            "(function (b) { var t = 0; while (b.length) t += b.shift(); return t; })(i.bytes)", 294, id="all"
        ),
        pytest.param(f"{HEXADECIMAL}.substr(2, 100)", "6263", id="the rest of the text"),
        pytest.param(f"{HEXADECIMAL}.substr(6, 0) + ('0' + i.bytes[0].toString(16)).slice(-2)", "61", id="two"),
        pytest.param("String.fromCharCode.apply(null, i.bytes)", "abc", id="as text"),
        pytest.param("new Uint8Array(i.bytes).length + [...i.bytes].length", 6, id="other containers"),
    ],
)
def test_what_stays_within_the_payload_is_read_as_ever(sandbox: Sandbox, value: str, n: object) -> None:
    assert JavaScriptDecoder(entry(value), sandbox)(b"abc", 3) == {"n": n}


HOSTILE = [
    pytest.param("while (true) {}", "time limit", id="endless loop"),
    pytest.param("Array.prototype.indexOf.call({length: 2 ** 53 - 1}, 0)", "time limit", id="endless built-in"),
    pytest.param("new Array(2 ** 31).join('x')", "time limit|memory limit", id="endless join"),
    pytest.param("/(a+)+$/.test('a'.repeat(40) + 'b')", "time limit", id="endless pattern"),
    pytest.param("new ArrayBuffer(1e9)", "memory limit|RangeError", id="a gigabyte at once"),
    pytest.param("var s = ['x']; while (true) { s = s.concat(s); }", "memory limit|time limit", id="bit by bit"),
    pytest.param("var s = 'x'; while (true) { s += s; }", "memory limit|time limit", id="a gigabyte of text"),
    pytest.param("(function f() { return f() + 1; })()", "stack limit", id="endless recursion"),
    pytest.param("require('fs').readFileSync('/etc/passwd')", "ReferenceError: '?require'? is", id="files, as in Node"),
    pytest.param("std.loadFile('/etc/passwd')", "ReferenceError: '?std'? is", id="files, as in QuickJS"),
    pytest.param("os.exec(['/bin/true'])", "ReferenceError: '?os'? is", id="another process"),
    pytest.param("fetch('http://127.0.0.1/')", "ReferenceError: '?fetch'? is", id="network"),
    pytest.param("new XMLHttpRequest()", "ReferenceError: '?XMLHttpRequest'? is", id="network, as in a browser"),
    pytest.param("process.exit(1)", "ReferenceError: '?process'? is", id="ending the process"),
]


@pytest.mark.parametrize(("attack", "reason"), HOSTILE)
@pytest.mark.parametrize("where", ["while it loads", "while it decodes"])
def test_hostile_code_is_contained_by_name_and_the_worker_goes_on(
    sandbox: Sandbox, attack: str, reason: str, where: str
) -> None:
    good = JavaScriptDecoder(THE_THINGS_STACK, sandbox)
    assert good(b"\x01\x00", 3) == {"temperature": 25.6}
    if where == "while it loads":
        source = f"{attack}; function decodeUplink() {{ return {{data: {{}}}}; }}"
    else:
        source = f"function decodeUplink() {{ {attack}; return {{data: {{}}}}; }}"
    assert sandbox._process is not None
    child, ended = psutil.Process(sandbox._process.pid), processor_time_of_ended_children()
    used = sum(child.cpu_times()[:2])
    with pytest.raises(DecodeError, match=reason):
        JavaScriptDecoder(source, sandbox)(b"\x01", 3)
    survived = sandbox._process.pid == child.pid
    spent = (sum(child.cpu_times()[:2]) if survived else processor_time_of_ended_children() - ended) - used
    # Processor time is what the kernel limits, so this holds however busy the machine is; by the clock: docs/proof
    assert spent < KILL_SECONDS + 0.1
    assert good(b"\x01\x00", 3) == {"temperature": 25.6}


def processor_time_of_ended_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def test_what_a_script_does_to_the_language_is_gone_at_the_next_decode(sandbox: Sandbox) -> None:
    polluting = """
        Object.prototype.temperature = 99; Array.prototype.map = null; JSON.parse = null; globalThis.seen = 1;
        Object.defineProperty(Object.prototype, "data", {get() { return {stolen: 1}; }});
        var calls = 0;
        function decodeUplink(input) { calls += 1; Math.round = () => 7; return {data: {calls: calls}}; }
    """
    probe = """
        function decodeUplink(input) {
          return {data: {temperature: typeof ({}).temperature, seen: typeof seen, map: typeof [].map,
                         rounded: Math.round(1.2), own: Object.keys(Object.prototype).length}};
        }
    """
    clean = {"temperature": "undefined", "seen": "undefined", "map": "function", "rounded": 1, "own": 0}
    attacker, victim = JavaScriptDecoder(polluting, sandbox), JavaScriptDecoder(probe, sandbox)
    assert victim(b"\0", 1) == clean
    assert attacker(b"\0", 1) == {"calls": 1}
    assert victim(b"\0", 1) == clean
    assert attacker(b"\0", 1) == {"calls": 1}


def test_a_child_that_dies_is_replaced(sandbox: Sandbox) -> None:
    decoder = JavaScriptDecoder(THE_THINGS_STACK, sandbox)
    assert decoder(b"\x01\x00", 3) == {"temperature": 25.6}
    assert sandbox._process is not None
    sandbox._process.kill()
    sandbox._process.wait()
    assert decoder(b"\x01\x00", 3) == {"temperature": 25.6}

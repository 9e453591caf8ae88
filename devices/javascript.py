"""Vendors' JavaScript decoders, run as they are, in a child process that may do nothing and is killed when it hangs.

Why a process and not the engine's own limits alone: docs/adr/0004. Loops inside the engine's built-ins cannot be
interrupted, and an engine that runs hostile code may have faults of its own.
"""

import hashlib
import os
import selectors
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

import orjson

from devices.model import DecodeError

CHILD = Path(__file__).with_name("javascript_child.py")
# The limit is CPU time, kept by the child and the kernel (javascript_child.KILL_SECONDS), so that a busy machine ends
# no honest decode. This is for a child that neither answers nor computes.
PATIENCE_SECONDS = 10.0
LARGEST_SOURCE = 1024 * 1024


class Sandbox:
    """One child process; decoders share it, and each decode has a context of its own in it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._known: set[str] = set()
        self._ready = False

    def start(self) -> None:
        """Start the child, where there is none or it died, without waiting: the first decode should find it ready."""
        if self._process is not None and self._process.poll() is not None:
            self.close()
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-I", str(CHILD)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                bufsize=0,
                start_new_session=True,  # Ctrl-C is for the worker; the child ends when its pipe closes
            )
            self._known, self._ready = set(), False

    def close(self) -> None:
        """End the child."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()

    def __del__(self) -> None:
        self.close()

    def run(self, script: str, source: str, given: Mapping[str, object]) -> dict[str, Any]:
        """Return the child's answer; raise DecodeError where the script had to be stopped."""
        with self._lock:
            self.start()
            try:
                if not self._ready:
                    self._receive()
                    self._ready = True
                request: dict[str, object] = {"script": script, "input": given}
                if script not in self._known:
                    request["source"] = source
                self._send(orjson.dumps(request))
                self._known.add(script)
                return self._receive()
            except TimeoutError:
                self._replace()
                raise DecodeError(f"time limit: no answer within {PATIENCE_SECONDS:.0f} s") from None
            except (OSError, EOFError):
                ended_by = self._replace()
                if ended_by == -signal.SIGPROF:
                    raise DecodeError("time limit: the decoder was stopped, it used up its CPU time") from None
                raise DecodeError(f"the decoder brought its process down (exit code {ended_by})") from None

    def _replace(self) -> int | None:
        """Start another child; return what the one before ended with, None where it had to be ended."""
        assert self._process is not None
        process = self._process
        try:
            code = process.wait(0.1)
        except subprocess.TimeoutExpired:
            code = None
        self.close()
        self.start()
        return code

    def _send(self, body: bytes) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        frame, pipe = struct.pack(">I", len(body)) + body, self._process.stdin.fileno()
        while frame:
            frame = frame[os.write(pipe, frame) :]

    def _receive(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        pipe, until = self._process.stdout.fileno(), time.monotonic() + PATIENCE_SECONDS
        received = b""
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while len(received) < 4 or len(received) < 4 + struct.unpack(">I", received[:4])[0]:
                if not selector.select(max(0.0, until - time.monotonic())):
                    raise TimeoutError
                part = os.read(pipe, 65536)
                if not part:
                    raise EOFError
                received += part
        answer: dict[str, Any] = orjson.loads(received[4:])
        return answer


class JavaScriptDecoder:
    """One vendor's script: `decodeUplink(input)`, `Decode(fPort, bytes, variables)` or `Decoder(bytes, port)`."""

    def __init__(self, source: str, sandbox: Sandbox, variables: Mapping[str, object] | None = None) -> None:
        if len(source) > LARGEST_SOURCE:
            raise DecodeError(f"the decoder has {len(source)} characters, at most {LARGEST_SOURCE} are run")
        self._source = source
        self._script = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()
        self._sandbox = sandbox
        self._variables = dict(variables or {})

    def __call__(self, payload: bytes, port: int | None, received_at: datetime | None = None) -> Mapping[str, object]:
        """Return the fields that the script returns; raise DecodeError with its own errors, or why it was stopped."""
        if not payload:
            raise DecodeError("empty payload")
        given: dict[str, object] = {"bytes": list(payload), "fPort": port or 0, "variables": self._variables}
        if received_at is not None:
            given["recvTime"] = round(received_at.timestamp() * 1000)
        answer = self._sandbox.run(self._script, self._source, given)
        if "fault" in answer:
            raise DecodeError(f"the vendor's decoder failed: {answer['fault']}")
        return _data(answer["answer"])


def _data(text: str) -> Mapping[str, object]:
    try:
        answer = orjson.loads(text)
    except orjson.JSONDecodeError as reason:  # the script may have changed JSON itself
        raise DecodeError(f"the vendor's decoder returns what is not JSON: {reason}") from None
    if not isinstance(answer, dict):
        raise DecodeError("the vendor's decoder returns nothing")
    if "fault" in answer:
        raise DecodeError(f"the vendor's decoder failed: {str(answer['fault'])[:200]}")
    said = answer.get("said")
    if not isinstance(said, dict):
        raise DecodeError("the vendor's decoder returns nothing")
    errors = said.get("errors")
    if errors:
        texts = [str(error) for error in errors] if isinstance(errors, list) else [str(errors)]
        raise DecodeError(f"the vendor's decoder says: {'; '.join(texts)[:200]}")
    data = said.get("data")
    if isinstance(data, list) and len(data) == 1 and isinstance(data[0], dict):
        data = data[0]
    if not isinstance(data, dict):
        raise DecodeError("the vendor's decoder returns no data")
    return data

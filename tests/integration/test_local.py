"""The embedded servers and their supervisor, killed on purpose."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path

import asyncpg
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from citywatch.local.aedes import Aedes, install_aedes
from citywatch.local.broker import LocalBroker
from citywatch.local.mosquitto import Mosquitto, download_mosquitto, installed_mosquitto
from citywatch.local.postgres import local_postgres
from citywatch.local.process import free_port
from citywatch.local.supervisor import Supervisor, Worker
from ingest.broker_claim import claim_session


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.02)


def test_free_port_moves_on_when_the_wanted_one_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) != port


def test_postgres_keeps_what_was_committed_before_a_power_cut(tmp_path: Path) -> None:
    async def execute(dsn: str, statement: str) -> object:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    with local_postgres(tmp_path / "folder with spaces") as server:
        asyncio.run(execute(server.dsn("postgres"), "CREATE TABLE kept AS SELECT 42 AS answer"))
        server.stop(kill=True)
        server.start()
        assert asyncio.run(execute(server.dsn("postgres"), "SELECT answer FROM kept")) == 42


def test_postgres_stops_when_its_parent_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path\n"
        "from citywatch.local.postgres import LocalPostgres\n"
        "server = LocalPostgres(Path(sys.argv[1])); server.start(); print(server.child.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    wait_for(lambda: not Path(f"/proc/{pid}").exists())


def keep_session(port: int) -> mqtt.Client:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, "kept", clean_session=False, manual_ack=True)
    client.connect("127.0.0.1", port)
    client.subscribe("t/#", qos=1)
    return client


def assert_redelivers(port: int) -> None:
    """A message that was delivered but not acknowledged comes again after the connection is cut."""
    got: list[bytes | bytearray] = []
    first = keep_session(port)
    first.on_message = lambda _client, _data, message: got.append(message.payload)
    subscribed = threading.Event()
    first.on_subscribe = lambda *_: subscribed.set()
    first.loop_start()
    assert subscribed.wait(10)
    sender = mqtt.Client(CallbackAPIVersion.VERSION2, "sender")
    sender.connect("127.0.0.1", port)
    sender.loop_start()
    sender.publish("t/1", b"once", qos=1).wait_for_publish(10)
    sender.disconnect()
    sender.loop_stop()
    wait_for(lambda: got == [b"once"])
    sock = first.socket()
    assert sock is not None
    first.loop_stop()
    sock.close()
    again = keep_session(port)
    again.on_message = lambda _client, _data, message: got.append(message.payload)
    again.loop_start()
    wait_for(lambda: got == [b"once", b"once"])
    again.disconnect()
    again.loop_stop()


def test_mosquitto_redelivers_what_was_not_acknowledged(broker: LocalBroker) -> None:
    assert_redelivers(broker.port)


def test_mosquitto_comes_back_on_its_port_with_its_queues(broker: LocalBroker) -> None:
    client = keep_session(broker.port)
    client.loop_start()
    wait_for(client.is_connected)
    client.disconnect()
    client.loop_stop()
    sender = mqtt.Client(CallbackAPIVersion.VERSION2, "sender")
    sender.connect("127.0.0.1", broker.port)
    sender.loop_start()
    sender.publish("t/1", b"waits", qos=1).wait_for_publish(10)
    sender.disconnect()
    sender.loop_stop()
    port = broker.port
    broker.stop()
    broker.start()
    assert broker.port == port
    got: list[bytes | bytearray] = []
    client = keep_session(port)
    client.on_message = lambda _client, _data, message: got.append(message.payload)
    client.loop_start()
    wait_for(lambda: got == [b"waits"])
    client.disconnect()
    client.loop_stop()


def test_a_broker_that_is_beaten_to_its_port_takes_another(tmp_path: Path) -> None:
    program = installed_mosquitto()
    assert program is not None

    @dataclass(frozen=True)
    class Beaten(Mosquitto):
        """Mosquitto on a machine where somebody takes the port after our look at it, once."""

        other: socket.socket = field(default_factory=socket.socket)

        def command(self, folder: Path, port: int, autosave_seconds: int, security: Path | None) -> list[str | Path]:
            if self.other.getsockname()[1] == 0:
                self.other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                self.other.bind(("127.0.0.1", port))
                self.other.listen()
            return super().command(folder, port, autosave_seconds, security)

    beaten = Beaten(**{each.name: getattr(program, each.name) for each in fields(program)})
    broker = LocalBroker(tmp_path / "broker", free_port(), program=beaten)
    with beaten.other:
        broker.start()
        try:
            assert broker.port != beaten.other.getsockname()[1]
            assert_redelivers(broker.port)
        finally:
            broker.stop()


@pytest.mark.slow
def test_mosquitto_can_be_unpacked_without_root(tmp_path: Path) -> None:
    program = download_mosquitto(tmp_path / "programs")
    if program is None:
        pytest.skip("no apt here, or no network")
    assert isinstance(program, Mosquitto)
    assert program.libraries
    broker = LocalBroker(tmp_path / "broker", 22883, program=program)
    broker.start()
    try:
        assert_redelivers(broker.port)
    finally:
        broker.stop()


@pytest.mark.slow
def test_aedes_redelivers_and_says_what_it_cannot_do(tmp_path: Path) -> None:
    program = install_aedes(tmp_path / "programs")
    if program is None:
        pytest.skip("no network")
    assert isinstance(program, Aedes)
    assert any("MQTT 5" in limit for limit in program.limits)
    broker = LocalBroker(tmp_path / "broker", 22983, program=program)
    broker.start()
    try:
        assert_redelivers(broker.port)
    finally:
        broker.stop()


def test_supervisor_restarts_what_dies_and_leaves_nothing_behind(tmp_path: Path) -> None:
    restarted: list[str] = []
    supervisor = Supervisor(on_restart=restarted.append)
    broker = LocalBroker(tmp_path / "broker", 23883)
    supervisor.add("broker", broker)
    runner = threading.Thread(target=supervisor.run)
    runner.start()
    assert broker.child is not None
    first = broker.child.pid
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: restarted == ["broker"])
    assert broker.child.pid != first
    supervisor.stopping.set()
    runner.join(10)
    supervisor.stop()
    assert broker.child is None


def test_supervisor_leaves_a_finished_one_shot_alone(tmp_path: Path) -> None:
    restarted: list[str] = []
    supervisor = Supervisor(on_restart=restarted.append)
    worker = Worker(["--help"], tmp_path / "help.log", {}, once=True)
    supervisor.add("help", worker)
    assert worker.child is not None
    worker.child.wait(30)
    supervisor.run(seconds=1)
    assert restarted == []
    supervisor.stop()


def test_a_claimed_session_keeps_what_comes_before_its_worker(broker: LocalBroker) -> None:
    claim_session("127.0.0.1", broker.port, "worker", ["t/#"])
    sender = mqtt.Client(CallbackAPIVersion.VERSION2, "sender")
    sender.connect("127.0.0.1", broker.port)
    sender.loop_start()
    sender.publish("t/1", b"early", qos=1).wait_for_publish(10)
    sender.disconnect()
    sender.loop_stop()
    claim_session("127.0.0.1", broker.port, "worker", ["t/#"])  # a second start takes nothing away
    got: list[bytes | bytearray] = []
    worker = mqtt.Client(CallbackAPIVersion.VERSION2, "worker", clean_session=False)
    worker.on_message = lambda _client, _data, message: got.append(message.payload)
    worker.connect("127.0.0.1", broker.port)
    worker.loop_start()
    wait_for(lambda: got == [b"early"])
    worker.disconnect()
    worker.loop_stop()

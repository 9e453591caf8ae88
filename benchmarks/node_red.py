"""What many use today: Node-RED with a function node and a PostgreSQL pool of ten, a row and a commit a message.

npm installs it below `.citywatch/peers` at the first run (node-red 4, pg 8); where there is no npm it is left out.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.services import FILTER, ROOT, Measured, Services, finished, load, wait_for
from citywatch.local.process import free_port

FOLDER = ROOT / ".citywatch" / "peers"
PACKAGES = ("node-red@4", "pg@8")
COUNT = "SELECT count(*) FROM node_red"
WARM_UP = 500
TABLE = "CREATE TABLE IF NOT EXISTS node_red (device text, time timestamptz, property text, value float8)"
# As its cookbook has it: one pool in the global context, one INSERT for each message.
FUNCTION = """
let pool = global.get('pool');
if (!pool) { pool = new (global.get('pg').Pool)({connectionString: DSN, max: 10}); global.set('pool', pool); }
const row = [msg.topic.split('/')[3], msg.payload.time, 'pm2_5', msg.payload.pm2_5];
await pool.query('INSERT INTO node_red VALUES ($1, $2, $3, $4)', row);
return null;
"""


def install() -> Path | None:
    """Return the program, installed if need be; None where npm or node is not there."""
    program = FOLDER / "node_modules" / "node-red" / "red.js"
    if shutil.which("node") is None or (not program.exists() and shutil.which("npm") is None):
        return None
    if not program.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(FOLDER), *PACKAGES]
        subprocess.run(command, check=True, capture_output=True)
    return program


def flow(services: Services) -> list[dict[str, object]]:
    """Return the flow: broker, subscription with QoS 1, function."""
    session = {"clientid": "node-red", "cleansession": False, "autoConnect": True, "protocolVersion": "4"}
    broker = {"broker": "127.0.0.1", "port": str(services.broker.port), "keepalive": "60", **session}
    return [
        {"id": "tab", "type": "tab", "label": "bench"},
        {"id": "broker", "type": "mqtt-broker", **broker},
        {
            **{"id": "in", "type": "mqtt in", "z": "tab", "topic": FILTER, "qos": "1", "datatype": "json"},
            **{"broker": "broker", "nl": False, "rap": True, "inputs": 0, "wires": [["store"]]},
        },
        {
            **{"id": "store", "type": "function", "z": "tab", "outputs": 0, "wires": []},
            "func": FUNCTION.replace("DSN", json.dumps(services.dsn())),
        },
    ]


@contextmanager
def running(program: Path, services: Services) -> Iterator[Measured]:
    """Run Node-RED with the flow."""
    folder = services.folder / "node-red"
    folder.mkdir(exist_ok=True)
    (folder / "flows.json").write_text(json.dumps(flow(services)), encoding="utf-8")
    settings = {"flowFile": "flows.json", "uiPort": free_port(18_880), "uiHost": "127.0.0.1", "disableEditor": True}
    text = json.dumps({**settings, "telemetry": {"enabled": False}, "credentialSecret": False})
    modules = json.dumps(str(FOLDER / "node_modules" / "pg"))
    script = f"module.exports = Object.assign({text}, {{functionGlobalContext: {{pg: require({modules})}}}});"
    (folder / "settings.js").write_text(script, encoding="utf-8")
    command = ["node", str(program), "--userDir", str(folder), "--settings", str(folder / "settings.js")]
    log = folder / "log"
    with log.open("wb") as out:
        child = subprocess.Popen(command, cwd=folder, stdout=out, stderr=out)
    try:
        wait_for(lambda: "Connected to broker" in log.read_text(errors="replace"), 90)
        time.sleep(1)  # it subscribes after it says that it is connected
        yield Measured(child)
    finally:
        child.terminate()
        child.wait(30)


def node_red(services: Services, count: int) -> dict[str, float] | None:
    """Measure it; None where it cannot be had. It acknowledges before it stores: what it holds at a kill is lost."""
    program = install()
    if program is None:
        return None
    services.execute(TABLE)
    with running(program, services) as measured:
        finished(load(services, WARM_UP))
        wait_for(lambda: services.query(COUNT) == WARM_UP, 60)
        measured.look()
        before = measured.cpu
        published = finished(load(services, count, first=WARM_UP))
        wait_for(lambda: services.query(COUNT) == WARM_UP + count, 300, every=0.05)
        ended = time.time()
        measured.look()
    return {
        "messages_per_second": count / (ended - published["began"]),
        "worker_cpu_s_per_100k": (measured.cpu - before) / count * 1e5,
        "worker_memory_mb": measured.memory / 1e6,
    }

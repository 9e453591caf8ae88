"""Coverage-guided fuzzing of envelopes, codecs and the decision on a delivery: no exception but DecodeError.

The fuzzer is atheris, installed by hand (`.venv/bin/pip install atheris`; it has no wheel for every platform, so it is
not in the lock). FUZZ_RUNS is how many executions one sitting has (default 500,000, a minute or two). Executions add up
over the sittings; the corpus is kept in FUZZ_CORPUS (default `.citywatch/fuzz`), so that each goes on from the last.
Inputs that broke something are tests by now: tests/unit/devices/test_fuzz.py.
"""

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from devices.properties import PROPERTIES
from docs.proof.report import ROOT, Figures, MissedError, circumstances, read

PROMISED = 10_000_000
MOST_GROWTH_MB = 64  # within one sitting, after its first quarter: the corpus itself grows by a few megabytes
LINE = re.compile(r"#(\d+)\s+\S+\s+cov: (\d+) .*rss: (\d+)Mb")
KEYS = (
    *("time", "time_offset", "seq", "now", "device_id", "value", "unit", "bn", "bt", "bu", "bv", "bver", "n", "t", "u"),
    *("v", "vb", "vs", "vd", "s", "ut", "end_device_ids", "uplink_message", "frm_payload", "f_port", "decoded_payload"),
    *("received_at", "deviceInfo", "devEui", "data", "object", "fPort", "fCnt", "serialno", "join_accept"),
)


def prove() -> Figures:
    """Run one sitting and return the sum of all; raise MissedError where one broke something or memory grew."""
    figures = read("ingest_fuzz") or {"executions": 0, "sittings": []}
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed: the figures are those of the last sitting", flush=True)
    else:
        figures["sittings"].append(sitting(int(os.environ.get("FUZZ_RUNS", "500000"))))
        figures["executions"] = sum(each["executions"] for each in figures["sittings"])
    figures["promised"] = PROMISED
    broken = [each for each in figures["sittings"] if each["broke"] or each["memory_growth_mb"] > MOST_GROWTH_MB]
    if broken:
        raise MissedError(f"broke something, or memory grew: {broken}", figures)
    if figures["executions"] < PROMISED:
        raise MissedError(f"{figures['executions']:,} executions so far, of {PROMISED:,}", figures)
    return figures


def sitting(runs: int) -> dict[str, object]:
    """Fuzz for `runs` executions."""
    corpus = Path(os.environ.get("FUZZ_CORPUS", ROOT / ".citywatch" / "fuzz"))
    corpus.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = [f'"\\"{word}\\":"\n' for word in (*KEYS, *PROPERTIES)]
        (folder / "words").write_text("".join(words), encoding="utf-8")
        command = [sys.executable, "-m", "docs.proof.fuzz_target", str(corpus), f"-runs={runs}", "-max_len=400"]
        command += [f"-dict={folder / 'words'}", f"-artifact_prefix={folder}/", "-timeout=20", "-print_final_stats=1"]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        broke = [path.read_bytes().hex() for path in folder.glob("*-*")]
    seen = [(int(count), int(coverage), int(rss)) for count, coverage, rss in LINE.findall(result.stderr)]
    if not seen:
        raise AssertionError(f"the fuzzer did not run: {result.stderr[-2000:]}")
    executions, coverage, last = seen[-1]
    settled = next(rss for count, _, rss in seen if count >= executions / 4)
    return {
        "executions": executions,
        "seconds": round(time.monotonic() - began),
        "edges_covered": coverage,
        "memory_mb": last,
        "memory_growth_mb": last - settled,
        "broke": broke,
        "said": result.stderr[-1500:] if broke else "",
        "circumstances": circumstances(),
    }

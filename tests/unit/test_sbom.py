import re
from pathlib import Path

from citywatch.local.sbom import components, document

ROOT = Path(__file__).resolve().parents[2]

LOCK = """\
asyncpg==0.30.0 \\
    --hash=sha256:{a} \\
    --hash=sha256:{b}
    # via citywatch (pyproject.toml)
dash[async,fastapi]==4.4.1 ; python_version >= '3.11' \\
    --hash=sha256:{a}
""".format(a="a" * 64, b="b" * 64)


def test_a_bill_names_each_package_with_its_hashes() -> None:
    first, second = components(LOCK)
    assert (first["purl"], [each["content"][0] for each in first["hashes"]]) == ("pkg:pypi/asyncpg@0.30.0", ["a", "b"])
    assert (second["purl"], len(second["hashes"])) == ("pkg:pypi/dash@4.4.1", 1)


def test_everything_locked_is_on_the_bill() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    bill = document(lock, "0")
    assert len(bill["components"]) == len(re.findall(r"^\S+==", lock, re.MULTILINE)) > 50
    assert all(each["hashes"] for each in bill["components"])
    assert len({each["bom-ref"] for each in bill["components"]}) == len(bill["components"])

"""Devices as the API answers them, for the tests of this folder."""

from typing import Any


def device(name: str, **latest: float | None) -> Any:
    rows = [
        {"datastream_id": n, "property": key, "unit": "%", "result": value, "quality": 1 if value is not None else 9}
        for n, (key, value) in enumerate(latest.items())
    ]
    return {"device_id": name, "name": name, "latest": rows, "freshness": "fresh", "district_id": None,
            "latitude": None, "longitude": None}  # fmt: skip

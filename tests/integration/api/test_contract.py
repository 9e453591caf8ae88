"""The OpenAPI document is the contract: complete, and kept by every answer to whatever is thrown at it."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.integration.api.contract import OPEN_TO_DEMO, generated, run_schemathesis

METHODS = {"get", "post", "put", "patch", "delete"}


def operations(application: FastAPI) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, item in application.openapi()["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


async def test_every_operation_and_parameter_is_described(application: FastAPI) -> None:
    found = operations(application)
    assert len(found) >= 30
    for name, operation in found:
        assert operation.get("description"), name
        assert operation.get("tags"), name
        for parameter in operation.get("parameters", []):
            described = parameter.get("description") or parameter["schema"].get("description")
            assert described, f"{name}: {parameter['name']}"
        for status, response in operation["responses"].items():
            if int(status) >= 400 and not name.endswith("/health/ready"):
                assert list(response["content"]) == ["application/problem+json"], f"{name} {status}"


async def test_every_shape_is_described(application: FastAPI) -> None:
    for name, schema in application.openapi()["components"]["schemas"].items():
        assert schema.get("description"), name


async def test_the_document_is_served(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/openapi.json")).json()["info"]["title"] == "Citywatch"


@pytest.mark.slow
async def test_no_input_breaks_the_contract(address: str, tmp_path: Path) -> None:
    """Schemathesis: no 5xx, no undocumented status or shape, nothing invalid accepted or valid refused.

    A few inputs for each operation; the boundary values of every parameter, thousands of them, are
    `make prove ARGS=contract`'s.
    """
    code, report = await run_schemathesis(address, tmp_path, "examples,fuzzing,stateful", 4, left_out=OPEN_TO_DEMO)
    assert code == 0, report
    assert generated(report) > 300, report

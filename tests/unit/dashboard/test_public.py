"""The public page tells of what is published, once for everybody who asks meanwhile."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from dashboard import public
from dashboard.client import ApiClient
from dashboard.texts import language

NORTH = {"district_id": "n", "name": "North", "newest": "2026-11-25T15:00:00Z", "withheld": False}
PUBLISHED = [
    {**NORTH, "property": "pm2_5", "unit": "ug/m3", "mean": 12.34},
    {**NORTH, "property": "people_count", "unit": "{persons}", "mean": None, "withheld": True},
    {**NORTH, "district_id": "s", "name": "South", "property": "pm2_5", "unit": "ug/m3", "mean": 5.0},
]


class City:
    """An API that counts how often it is asked, and says what it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.items: list[dict[str, Any]] = PUBLISHED
        self.away = False
        api, self.app = FastAPI(), FastAPI()
        api.add_api_route("/api/v1/{path:path}", self.answer)
        transport = httpx.ASGITransport(api, raise_app_exceptions=False)
        public.add_public_page(self.app, ApiClient(httpx.AsyncClient(transport=transport, base_url="http://localhost")))

    async def answer(self, path: str) -> dict[str, Any]:
        self.asked.append(path)
        await asyncio.sleep(0)
        if self.away:
            raise RuntimeError
        return {"items": self.items if path == "public/districts" else []}

    async def read(self) -> tuple[int, str]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://localhost") as client:
            page = await client.get("/public")
        return page.status_code, page.text


async def test_a_district_is_told_of_by_what_is_published() -> None:
    _, page = await City().read()
    for words in ("North", "South", "12.3", "too few to tell", "25 Nov 2026, 15:00 UTC"):
        assert words in page, words


async def test_where_nothing_is_published_the_page_says_so() -> None:
    city = City()
    city.items = []
    status, page = await city.read()
    assert (status, "Nothing is published yet" in page) == (200, True)


async def test_many_readers_ask_once_for_each_language(monkeypatch: pytest.MonkeyPatch) -> None:
    city = City()
    pages = await asyncio.gather(*(city.read() for _ in range(20)))
    assert len(set(pages)) == 1
    assert sorted(city.asked) == ["public/districts", "rules"]
    token = language.set("zh_Hans")
    try:
        assert (await city.read())[1] not in {page for _, page in pages}
    finally:
        language.reset(token)
    assert len(city.asked) == 4
    monkeypatch.setattr(public, "KEPT", 0.0)
    monkeypatch.setattr(public, "RETRY", 0.0)
    other = City()
    await other.read()
    other.away = True
    assert (await other.read())[0] == 503

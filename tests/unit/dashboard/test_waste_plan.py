"""The collection plan's page where there is no plan: its choices stay, and a sentence says why."""

import json
from datetime import UTC, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from dashboard.client import ApiClient, ApiError
from dashboard.pages import waste_plan
from dashboard.pages.view import View
from dashboard.query import Query, choose_clock

TOO_MANY = "more than 500 bins: raise least_level or take one district"
BUSY = "other plans are being made: try again in a few seconds"
PLAN = {"depot": [47.0, 7.4], "bins": 1, "distance": 0, "distance_in_bin_order": 0, "routes": [], "left_out": []}


class City:
    """An API that refuses plans, except with `trucks` trucks."""

    def __init__(self, refusal: ApiError, trucks: int | None = None) -> None:
        self.refusal, self.trucks = refusal, trucks

    async def devices(self, **_asked: object) -> list[object]:
        return []

    async def plan(self, *, trucks: int, **_asked: object) -> dict[str, Any]:
        if trucks != self.trucks:
            raise self.refusal
        return PLAN


async def shown(city: City) -> str:
    query = Query.parse("?trucks=2&level=50")
    clock = choose_clock([], "live", datetime(2026, 11, 24, 4, 0, tzinfo=UTC))
    page = await waste_plan.page(View(cast(ApiClient, city), query, [], clock, "/waste/plan", ZoneInfo("UTC")))
    return json.dumps(page.to_plotly_json(), default=lambda part: part.to_plotly_json())


@pytest.mark.parametrize(
    ("status", "detail", "words"),
    [
        pytest.param(409, TOO_MANY, "More than 500 bins are to be emptied", id="too many bins for one plan"),
        pytest.param(503, BUSY, "Other plans are being made", id="others are being made"),
        pytest.param(409, "a sentence of its own", "a sentence of its own", id="what we have no words for"),
    ],
)
async def test_where_there_is_no_plan_the_choices_stay(status: int, detail: str, words: str) -> None:
    page = await shown(City(ApiError(status, detail)))
    assert words in page
    assert "/waste/plan?trucks=2&level=90" in page


async def test_whatever_else_is_refused_is_not_taken_for_it() -> None:
    with pytest.raises(ApiError, match="no answer"):
        await shown(City(ApiError(0, "no answer")))


async def test_a_plan_is_shown_without_those_that_it_would_be_compared_with() -> None:
    page = await shown(City(ApiError(503, BUSY), trucks=2))
    assert "2 trucks" in page
    assert "3 trucks" not in page

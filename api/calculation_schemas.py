"""Bodies and answers of calculated datastreams."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.plain import PLAIN, Sentence

Every = Literal["quarter", "hour", "day"]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class CalculationInput(BaseModel):
    """A datastream, by its device and observed property."""

    model_config = ConfigDict(extra="forbid")

    device_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
    property: Name


class CalculationBody(BaseModel):
    """Body of `PUT /api/v1/calculations/{device_id}/{property}`: a formula over named datastreams."""

    model_config = ConfigDict(extra="forbid")

    formula: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=PLAIN)] = Field(
        description="numbers, names, + - * /, parentheses, min, max, mean, abs; a number may have a unit in quotes",
        examples=['100 "%" * fine / all'],
    )
    inputs: Annotated[dict[Name, CalculationInput], Field(min_length=1, max_length=50)] = Field(
        json_schema_extra={"additionalProperties": False},  # only names that fit; the schema would let others pass
        examples=[
            {
                "fine": {"device_id": "air-001", "property": "pm2_5"},
                "all": {"device_id": "air-001", "property": "pm10"},
            }
        ],
    )
    unit: Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=PLAIN)] = Field(
        description="UCUM code of the result, which the formula must come to", examples=["%"]
    )
    every: Every = Field("hour", description="it is worked out from the means of each period of this length")
    reason: Sentence


class Calculation(BaseModel):
    """One version of a calculated datastream, with who set it and why; `ended_at` is null where it is in force."""

    device_id: str
    property: str
    version: int
    formula: str
    inputs: dict[str, CalculationInput]
    unit: str
    every: Every
    author: str
    reason: str
    created_at: datetime
    ended_at: datetime | None
    datastream_id: int | None = Field(description="where the values are; null before the first")


class CalculationList(BaseModel):
    """Calculated datastreams, the newest version of each first."""

    items: list[Calculation]

"""Bodies and answers about rules: checking, testing, changing, looking back."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.plain import PLAIN, Document, Sentence
from api.schemas import Instant, Schema


class RuleText(Schema):
    """Body of `POST /api/v1/rules/check`: a rule as its file would be, and its tests."""

    text: Document = Field(description="the rule, YAML")
    tests: Document = Field("", description="its tests, YAML")


class RuleChange(RuleText):
    """Body of `PUT /api/v1/rules/{rule_id}`: the new text with its tests, and why."""

    reason: Sentence
    known_version: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = Field(
        None, description="the version it was made from; refused when there is a newer one"
    )


class RuleSwitch(Schema):
    """Body of `POST /api/v1/rules/{rule_id}/enable` and `disable`."""

    reason: Sentence


class RuleChecked(BaseModel):
    """What is wrong with a rule: each line names where. Empty: it may be put in force."""

    mistakes: list[str]
    rule: dict[str, Any] | None = Field(description="the rule as understood, None where it cannot be read")


class RuleVersion(BaseModel):
    """One version of a rule."""

    version: int
    text: str
    text_hash: str = Field(description="SHA-256 of the text")
    tests: str | None
    author: str
    reason: str
    created_at: datetime
    definition: dict[str, Any]


class RuleVersions(BaseModel):
    """All versions of a rule, the newest first."""

    items: list[RuleVersion]


class LookBack(Schema):
    """Body of `POST /api/v1/backtests`: a rule as it runs, or, with `text`, as it might."""

    rule_id: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=PLAIN)]
    text: Document | None = None
    since: Instant
    until: Instant


class Backtest(BaseModel):
    """A look-back: how far it is, and what came out of it."""

    backtest_id: int
    rule_id: str
    changed: bool = Field(description="whether it is about a changed text rather than the rule in force")
    since: datetime
    until: datetime
    actor: str
    state: Literal["waiting", "running", "done", "failed", "cancelled", "lost"]
    done: int = Field(description="devices looked at")
    of: int | None = Field(description="devices in all, once that is known")
    result: dict[str, Any] | None
    error: str | None
    created_at: datetime
    touched_at: datetime


class BacktestPage(BaseModel):
    """Look-backs, newest first, without their results."""

    items: list[Backtest]
    next_cursor: str | None


class ExplainedAlert(BaseModel):
    """Why an alert was raised: the rule version that fired, what it was made from, and the same judged again."""

    model_config = ConfigDict(extra="allow")

    alert_id: int
    rule_id: str
    rule_version: int
    rule_text_hash: str
    same_verdict_again: bool


class Rule(Schema):
    """A rule in its present version; `definition` is the rule file as read."""

    rule_id: str
    version: int
    enabled: bool
    updated_at: datetime
    author: str
    definition: dict[str, Any]
    open_alerts: int = Field(description="of no device and of the source of the overview's figures")
    units: dict[str, str] = Field(description="UCUM code of each observed property in its condition")


class RuleList(Schema):
    """All rules, by id."""

    items: list[Rule]

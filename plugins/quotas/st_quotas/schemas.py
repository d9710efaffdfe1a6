"""Quotas over HTTP: what is asked and answered."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer


def _no_boolean(value: Any) -> Any:
    """Refuse true and false where a number is meant; Python takes them for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("a number is needed here, not true or false")
    return value


Figure = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]
Dollars = Annotated[Figure, Field(description="USD")]
Number = Annotated[int, BeforeValidator(_no_boolean), Field(ge=1, le=2**31 - 1)]
Limit = Annotated[
    Decimal, BeforeValidator(_no_boolean), Field(gt=0, lt=10**12, max_digits=18, decimal_places=6)
]
Mode = Literal["enforce", "shadow"]


class Body(BaseModel):
    """A request's JSON body."""

    model_config = ConfigDict(extra="forbid")


class Query(BaseModel):
    """A request's query string."""

    model_config = ConfigDict(extra="forbid")


class Success(BaseModel):
    """It is done."""

    success: bool = True


class CeilingBody(Body):
    """A ceiling of an organisation or a team; it replaces the one of its type."""

    quota_type: str = Field(max_length=50, description="One of `GET /api/quotas/types`.")
    limit_value: Limit = Field(description="In the unit of the type.")
    action: Literal["block", "warn", "notify", "require_approval"] = "block"
    mode: Mode = Field("enforce", description="`shadow` records what it would do, no more.")


class QuotaBody(CeilingBody):
    """A ceiling for one user, level, team or organisation, or for everybody when none is named."""

    action: str = Field("block", max_length=50)  # type: ignore[assignment]
    user_id: Number | None = None
    level_id: Number | None = None
    team_id: Number | None = None
    org_id: Number | None = None


class Quota(BaseModel):
    """A ceiling. `over_committed_by` tells by how much a team's is above its organisation's, which
    then counts."""

    id: int
    quota_type: str
    limit_value: Figure
    action: str
    mode: str
    scope: str
    subject: str = Field(description="User name, level, `org/team`, organisation; or everybody.")
    user_id: int | None
    level_id: int | None
    team_id: int | None
    org_id: int | None
    is_global: bool
    effective_limit: Figure
    over_committed_by: Figure | None


class Quotas(BaseModel):
    """Ceilings, the oldest first."""

    quotas: list[Quota]


class QuotaSaid(Quota, Success):
    """A ceiling holds from now on; `quota` is the same once more."""

    quota: Quota


class QuotaType(BaseModel):
    """A type of quota. `window_seconds` is null where what is in use at the moment counts."""

    name: str
    title: str
    unit: str
    window_seconds: int | None


class QuotaTypes(BaseModel):
    """Every type, action and mode."""

    quota_types: list[str]
    types: list[QuotaType]
    actions: list[str]
    modes: list[str]


class Status(BaseModel):
    """One type as it stands for a person: the ceiling of `source` leaves least. `effective_limit`
    is the lowest ceiling that counts, `effective_source` where it comes from."""

    quota_type: str
    limit: Figure
    current: Figure
    action: str
    is_exceeded: bool
    is_warning: bool
    percent_used: float
    message: str
    source: str
    subject: str
    effective_limit: Figure
    effective_source: str
    remaining: Figure


class Standing(BaseModel):
    """Where a person stands. `can_submit` is about jobs of any kind; a dear one may be refused
    all the same."""

    user_id: int
    statuses: list[Status]
    can_submit: bool
    blocking_reasons: list[str]


class EstimateQuery(Query):
    """What a job would cost, in US dollars."""

    estimated_cost: Decimal = Field(ge=0, lt=10**12)


class Impact(BaseModel):
    """What such a job would do to one ceiling of cost."""

    quota_type: str
    limit: Dollars
    current: Dollars
    projected: Dollars
    would_exceed: bool
    action: str
    source: str
    message: str


class CostEstimate(BaseModel):
    """What such a job would do to every ceiling of cost that counts."""

    estimated_cost: Dollars
    would_exceed: bool
    impacts: list[Impact]

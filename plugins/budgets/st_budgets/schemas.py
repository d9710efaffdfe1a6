"""What goes in and out of the routes of money."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Period = Literal["daily", "weekly", "monthly"]
Window = Literal["rolling", "calendar"]
Action = Literal["warn", "block", "notify", "require_approval"]


class Closed(BaseModel):
    """Something sent to us: names we do not know are refused."""

    model_config = ConfigDict(extra="forbid")


class StatusQuery(Closed):
    """Whose limit; a provider's unless a scope is named."""

    provider: str | None = Field(None, max_length=50)
    scope: Literal["provider", "team", "org", "global"] = "provider"
    name: str | None = Field(None, max_length=110)


class Status(BaseModel):
    """How one cost limit stands."""

    enabled: bool = False
    limit_amount: float | None = None
    period: str | None = None
    action: str | None = None
    current_spend: float = Field(0.0, description="Spent in the period and held by jobs, in USD.")
    spent: float = 0.0
    held: float = 0.0
    percent_used: float = 0.0
    is_exceeded: bool = False
    is_warning: bool = Field(False, description="From 80 percent on.")
    message: str | None = None
    scope: str = "provider"
    name: str = ""
    window: str | None = None
    mode: str | None = None
    forecast: float | None = Field(None, description="Spent and held at the period's end, in USD.")
    reached_at: datetime | None = Field(None, description="At the present rate.")


class Limit(Status):
    """A cost limit and how it stands."""

    id: int


class Limits(BaseModel):
    """Every cost limit."""

    limits: list[Limit]


class LimitBody(Closed):
    """One subject's limit; it replaces the one before."""

    scope: Literal["provider", "team", "org", "global"]
    name: str = Field("", max_length=110, description="Provider, `org/team`, or the org's slug.")
    amount: float = Field(ge=0, le=1e12, allow_inf_nan=False, description="US dollars; 0 is none.")
    period: Period = "monthly"
    window: Window = "rolling"
    action: Action = "warn"
    mode: Literal["enforce", "shadow"] = "enforce"
    enabled: bool = True


class Price(BaseModel):
    """What one hour of one slot costs from `valid_from` on, in USD."""

    id: int
    provider: str
    hardware: str
    cost_per_hour: float
    valid_from: datetime
    set_by: str


class Prices(BaseModel):
    """The price table with its history, the newest first."""

    prices: list[Price]


class PriceBody(Closed):
    """A new price, from now on."""

    provider: str = Field(max_length=50)
    hardware: str = Field(min_length=1, max_length=100)
    cost_per_hour: float = Field(ge=0, le=1e6, allow_inf_nan=False)


class SpendQuery(Closed):
    """Which days, and how they are grouped."""

    days: int = Field(30, ge=1, le=365)
    by: Literal["team", "provider", "person", "hardware"] = "team"


class SpendRow(BaseModel):
    """What one group spent on one day (UTC), in USD."""

    date: str
    name: str
    spent: float


class Spend(BaseModel):
    """Money spent by day and group."""

    days: int
    by: str
    total: float
    held: float
    rows: list[SpendRow]


class MetricsQuery(Closed):
    """How far back."""

    days: int = Field(30, ge=1, le=365)


class Day(BaseModel):
    """Jobs submitted and money spent on one day of UTC."""

    date: str
    total_jobs: int
    completed: int
    failed: int
    cancelled: int
    local_jobs: int
    cloud_jobs: int
    total_cost_usd: float


class Metrics(BaseModel):
    """Jobs and money in numbers. No provider tells a credit balance: the first two are null."""

    credit_balance: None = None
    estimated_jobs_remaining: None = None
    total_cost: float
    job_count: int
    avg_job_duration_seconds: float | None
    jobs_by_status: dict[str, int]
    cost_by_day: list[Day]
    period_days: int


class Done(BaseModel):
    """It is done."""

    success: bool = True

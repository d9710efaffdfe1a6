"""What goes in and out of `/api/approvals`: rules and delegations."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

MOST = 2**31 - 1


class Closed(BaseModel):
    """Something sent to us: names we do not know are refused."""

    model_config = ConfigDict(extra="forbid")


def _text(value: Any) -> Any:
    """Take a number for its text; thresholds are text, but people write 50."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Threshold = Annotated[str, BeforeValidator(_text), Field(max_length=200)]
Moment = Annotated[datetime, AfterValidator(_aware)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Word = Annotated[str, Field(min_length=1, max_length=50)]
Mode = Literal["enforce", "shadow"]


class RuleBody(Closed):
    """A rule to make. `shadow` rules record what they would do, and do nothing."""

    name: Name
    description: str = Field("", max_length=500)
    condition: str = Field(max_length=100)
    threshold: Threshold = ""
    is_active: StrictBool = True
    mode: Mode = "enforce"
    priority: int = Field(0, ge=-1_000_000, le=1_000_000, description="Highest is tried first.")
    applies_to_provider: Word | None = None
    applies_to_level: Word | None = None
    exempt_levels: list[Word] = Field([], max_length=50)
    required_approver_level: Word = "lead"
    quorum: int = Field(1, ge=1, le=20, description="How many different people must approve.")
    lifetime_hours: int | None = Field(None, ge=1, le=8760, description="Null: the setting's.")


class RuleChanges(Closed):
    """What to change of a rule; what is left out stays."""

    name: Name | None = None
    description: str | None = Field(None, max_length=500)
    condition: str | None = Field(None, max_length=100)
    threshold: Threshold | None = None
    is_active: StrictBool | None = None
    mode: Mode | None = None
    priority: int | None = Field(None, ge=-1_000_000, le=1_000_000)
    applies_to_provider: Word | None = None
    applies_to_level: Word | None = None
    exempt_levels: list[Word] | None = Field(None, max_length=50)
    required_approver_level: Word | None = None
    quorum: int | None = Field(None, ge=1, le=20)
    lifetime_hours: int | None = Field(None, ge=1, le=8760)


class Rule(RuleBody):
    """A rule as it is in force."""

    model_config = ConfigDict(from_attributes=True, extra="ignore")

    id: int
    created_at: datetime
    created_by: int | None = None


class RuleQuery(Closed):
    """Which rules."""

    active_only: bool = False


class Rules(BaseModel):
    """Rules in the order in which they are tried."""

    rules: list[Rule]
    total: int
    next: None = None


class Condition(BaseModel):
    """A condition a rule can have; `threshold` says what its threshold is."""

    value: str
    name: str
    threshold: str


class Conditions(BaseModel):
    """Every condition there is."""

    conditions: list[Condition]


class Done(BaseModel):
    """It is done."""

    success: bool = True


class DelegationBody(Closed):
    """Who decides in the caller's place, and until when (ISO 8601; without a zone it is UTC)."""

    delegate: Annotated[str, Field(max_length=50)] | Annotated[int, Field(ge=1, le=MOST)] = Field(
        description="A user name, or a number."
    )
    ends_at: Moment
    note: str = Field("", max_length=500)


class Delegation(BaseModel):
    """Somebody decides in another's place until `ends_at`."""

    id: int
    user_id: int
    username: str
    delegate_id: int
    delegate: str
    note: str
    created_at: datetime
    ends_at: datetime
    ended_at: datetime | None = None
    is_active: bool


class Delegations(BaseModel):
    """Delegations, the newest first."""

    delegations: list[Delegation]
    total: int
    next: None = None

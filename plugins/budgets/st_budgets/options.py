"""The four fields of a provider's config that are its cost limit (guide section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, Field, StrictBool, ValidationError

from st_core.errors import SetTimeRule

from . import limits
from .limits import Whose


class CostLimit(BaseModel):
    """The fields as they are sent; what is left out stays."""

    cost_limit_enabled: StrictBool | None = None
    cost_limit_amount: Decimal | None = Field(None, ge=0, le=10**12, allow_inf_nan=False)
    cost_limit_period: Literal["daily", "weekly", "monthly"] | None = None
    cost_limit_action: Literal["warn", "block", "notify", "require_approval"] | None = None


FIELDS = {
    "cost_limit_enabled": "enabled",
    "cost_limit_amount": "amount_usd",
    "cost_limit_period": "period",
    "cost_limit_action": "action",
}


class ProviderCostLimit:
    """A provider's cost limit among the options of its config."""

    names = tuple(FIELDS)

    def read(self, provider: str) -> dict[str, Any]:
        """Return the fields that are in force; without a limit it is off."""
        row = limits.of(Whose("provider", provider, provider))
        if row is None:
            return {**dict.fromkeys(FIELDS), "cost_limit_enabled": False}
        found = {field: getattr(row, name) for field, name in FIELDS.items()}
        return found | {"cost_limit_amount": float(row.amount_usd)}

    def check(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values as they are kept. Raises SetTimeRule naming the field that is wrong."""
        try:
            given = CostLimit.model_validate(
                {name: str(v) if isinstance(v, float) else v for name, v in values.items()}
            )
        except ValidationError as error:
            problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
            field = ".".join(map(str, problem["loc"]))
            raise SetTimeRule(
                f"{field}: {problem['msg']}",
                fields=[{"path": field, "message": problem["msg"]}],
            ) from None
        told = given.model_dump(exclude_none=True)
        return {FIELDS[name]: value for name, value in told.items()}

    def change(self, provider: str, values: Mapping[str, Any]) -> None:
        """Command: set the fields that are given."""
        limits.change(Whose("provider", provider, provider), self.check(values))


OPTIONS = ProviderCostLimit()

"""Cost limits: what they do to a submission, how they stand, what is told; the fields that
`st_provider_options` brings into a provider's config."""

from __future__ import annotations

from typing import Any

import pytest
from st_budgets import following, ledger, reconciling

from st_core.clock import now
from st_core.contracts import JobState
from st_core.db import db, unit_of_work
from st_core.models import Attempt

from .bank import Bank

SPELLINGS = (
    "/api/cloud/metrics/cost-limit-status",
    "/api/cloud/metrics/cost-limit",
    "/api/cloud/cost-limit/status",
    "/api/metrics/cost-limit/status",
)
GUIDE = {
    "cost_limit_enabled": True,
    "cost_limit_amount": 500.00,
    "cost_limit_period": "monthly",
    "cost_limit_action": "warn",
}
CONFIG = "/api/cloud/providers/bank/config"


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_guides_request_sets_a_limit_that_every_spelling_tells(
    bank: Bank, spelling: str
) -> None:
    answer = bank.root.put(CONFIG, json=GUIDE)
    assert answer.status_code == 200, answer.text
    assert (answer.json or {})["config"].items() >= GUIDE.items()
    assert bank.read(CONFIG)["config"]["cost_limit_amount"] == 500
    told = bank.read(spelling, provider="bank")
    assert (told["enabled"], told["limit_amount"], told["current_spend"]) == (True, 500, 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cost_limit_amount", -1),
        ("cost_limit_amount", "much"),
        ("cost_limit_period", "yearly"),
        ("cost_limit_action", "explode"),
        ("cost_limit_enabled", "perhaps"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_set(bank: Bank, field: str, value: object) -> None:
    answer = bank.root.put(CONFIG, json={**GUIDE, field: value})
    assert answer.status_code == 400
    assert field in answer.text
    assert bank.read(CONFIG)["config"]["cost_limit_enabled"] is False


def test_only_admins_set_limits_and_prices(bank: Bank) -> None:
    assert bank.ann.put(CONFIG, json=GUIDE).status_code == 403
    body = {"provider": "bank", "hardware": "vault", "cost_per_hour": 1}
    assert bank.ann.post("/api/cloud/prices", json=body).status_code == 403


def test_an_unknown_subject_cannot_be_limited(bank: Bank) -> None:
    for scope, name in (("provider", "nix"), ("team", "meridian/nix"), ("org", "nix")):
        body = {"scope": scope, "name": name, "amount": 1}
        assert bank.root.put("/api/cloud/cost-limits", json=body).status_code == 400


@pytest.mark.parametrize(
    ("scope", "name"),
    [("provider", "bank"), ("team", "meridian/speech"), ("org", "meridian"), ("global", "")],
)
def test_a_blocking_limit_counts_estimate_held_and_spent(bank: Bank, scope: str, name: str) -> None:
    bank.limit(scope, name, 10, action="block")
    first = bank.submit("a $4")
    bank.submit("b $4")
    refused = bank.ask("c $3")
    assert refused.status_code == 429
    assert refused.json["code"] == "cost_limit_exceeded"
    bank.end(first, "1.50")
    told = bank.status(scope=scope, name=name)
    assert (told["spent"], told["held"], told["percent_used"]) == (1.5, 4, 55)
    assert bank.ask("c $3").status_code == 201


def test_a_limit_of_one_provider_does_not_count_another(bank: Bank) -> None:
    bank.limit("provider", "hourly", 1, action="block")
    assert bank.ask("a $100").status_code == 201


@pytest.mark.parametrize(
    ("action", "status"), [("warn", 201), ("notify", 201), ("require_approval", 202)]
)
def test_other_actions_let_the_job_pass_or_wait(bank: Bank, action: str, status: int) -> None:
    bank.limit("provider", "bank", 2, action=action)
    answer = bank.ask("a $3")
    assert answer.status_code == status
    assert "cost limit" in " ".join(answer.json["quota_warnings"])
    assert "cost limit" in answer.json["cost_limit_warning"]


@pytest.mark.parametrize("change", [{"enabled": False}, {"mode": "shadow"}, {"amount": 0}])
def test_a_limit_that_is_off_or_in_shadow_refuses_nothing(
    bank: Bank, change: dict[str, object]
) -> None:
    bank.limit("provider", "bank", **{"amount": 1, "action": "block", **change})  # type: ignore[arg-type]
    assert bank.ask("a $3").status_code == 201


def test_each_crossing_is_told_once(bank: Bank) -> None:
    bank.limit("provider", "bank", 10, action="warn")
    bank.submit("a $8")
    bank.submit("b $1")
    assert (bank.events("cost.warning"), bank.events("cost.exceeded")) == (1, 0)
    bank.submit("c $1")
    bank.submit("d $1")
    assert (bank.events("cost.warning"), bank.events("cost.exceeded")) == (1, 1)
    with bank.app.app_context():
        following.keep_up()
    assert (bank.events("cost.warning"), bank.events("cost.exceeded")) == (1, 1)
    assert bank.events("quota.warning") == 0


def test_what_a_job_cost_beyond_its_estimate_crosses_a_limit(bank: Bank) -> None:
    bank.limit("provider", "bank", 10, action="block")
    bank.end(bank.submit("a $1"), "12")
    with bank.app.app_context():
        following.keep_up()
    assert bank.events("cost.exceeded") == 1
    assert bank.ask("b $0.01").status_code == 429


def test_attempts_add_up_and_a_cancelled_job_gives_everything_back(bank: Bank) -> None:
    job_id = bank.submit("a $5")
    active = (JobState.STARTING, JobState.RUNNING)
    bank.move(job_id, *active, JobState.QUEUED, cost_usd="2")
    assert bank.status(provider="bank")["current_spend"] == 5
    bank.move(job_id, *active, JobState.COMPLETED, cost_usd="3.25")
    bank.move(bank.submit("b $7"), JobState.CANCELLED)
    told = bank.status(provider="bank")
    assert (told["spent"], told["held"]) == (3.25, 0)
    with bank.app.app_context():
        assert sum(ledger.balances().values()) == 0
        assert reconciling.unbalanced() == []


def test_the_reconciler_repairs_what_was_lost(bank: Bank) -> None:
    kept, gone = bank.submit("a $5"), bank.submit("b $7")
    with bank.app.app_context():
        from st_budgets.models import BudgetsHold

        from st_core.models import Job

        with unit_of_work():
            db.session.delete(db.session.get_one(BudgetsHold, kept))
            db.session.delete(db.session.get_one(Job, gone))
        found = reconciling.reconcile()
        assert {one.job_id for one in found} == {kept, gone}
        assert reconciling.reconcile() == []
    assert bank.status(provider="bank")["held"] == 5


def test_prices_keep_their_history_and_give_estimates(bank: Bank) -> None:
    for cost in (2, 3):
        body = {"provider": "bank", "hardware": "vault", "cost_per_hour": cost}
        assert bank.root.post("/api/cloud/prices", json=body).status_code == 201
    found = bank.read("/api/cloud/prices")["prices"]
    assert [row["cost_per_hour"] for row in found] == [3, 2]
    job = bank.job(bank.submit("unnamed price"))
    assert job.estimated_cost_usd is None
    assert job.estimate_basis.startswith("$3")  # by st_estimate_cost: the provider told nothing


def test_the_figures_are_told_to_prometheus(bank: Bank) -> None:
    bank.limit("provider", "bank", 10)
    bank.end(bank.submit("a $5"), "2.5")
    text = bank.root.get("/api/cloud/metrics/prometheus").text
    assert (
        'simpletuner_cost_limit_percent_used{name="bank",provider="bank",scope="provider"} 25.0'
        in text
    )
    assert 'simpletuner_ledger_balance_usd{account="spent"} 2.5' in text


def test_the_page_shows_spend_limits_and_prices(bank: Bank) -> None:
    assert "Nothing was spent yet" in bank.root.get("/spend").text
    bank.limit("team", "meridian/speech", 10, action="block")
    bank.end(bank.submit("a $5"), "2.5")
    job_id = bank.submit("b $4")
    for by in ("team", "provider", "person", "hardware"):
        page = bank.root.get(f"/spend?by={by}&period=week")
        assert page.status_code == 200
    assert "meridian/speech" in page.text
    assert "$2.50" in page.text
    assert "Held" in bank.root.get(f"/jobs/{job_id}").text
    assert "Save the cost limit of bank" in bank.root.get("/admin/settings").text
    told = bank.read("/api/cloud/spend?by=person")
    assert (told["total"], told["held"]) == (2.5, 4)


def test_the_policy_is_exported_and_applied(bank: Bank) -> None:
    from st_budgets.policy import POLICY

    bank.limit("org", "meridian", 10, action="block", window="calendar")
    bank.limit("global", "", 99.5)
    with bank.app.app_context():
        document = POLICY.document()
        with unit_of_work(gate="submit"):
            POLICY.apply({"limits": []})
        assert POLICY.document() == {"limits": []}
        with unit_of_work(gate="submit"):
            POLICY.apply(POLICY.schema.model_validate(document).model_dump())
        assert POLICY.document() == document


def test_a_provider_that_tells_no_cost_is_charged_by_the_hour(bank: Bank, clock: Any) -> None:
    body = {"provider": "hourly", "hardware": "vault", "cost_per_hour": 6}
    assert bank.root.post("/api/cloud/prices", json=body).status_code == 201
    job_id = bank.submit("a", "hourly")
    bank.move(job_id, JobState.STARTING, JobState.RUNNING)
    with bank.app.app_context(), unit_of_work():
        db.session.add(Attempt(job_id=job_id, number=1, started_at=now(), provider_state={}))
    clock.advance(seconds=1800)
    with bank.app.app_context():
        following.keep_up()
    assert bank.status(provider="hourly")["held"] == pytest.approx(3, abs=0.1)
    clock.advance(seconds=1800)
    bank.move(job_id, JobState.COMPLETED)
    told = bank.status(provider="hourly")
    assert (told["spent"], told["held"]) == (pytest.approx(6, abs=0.2), 0)
    assert float(bank.job(job_id).cost_usd or 0) == told["spent"]


def test_the_figures_in_json_are_true_sums(bank: Bank) -> None:
    bank.end(bank.submit("a $5"), "2.5")
    bank.submit("b $5")
    for url in ("/api/cloud/metrics?days=7", "/api/metrics"):
        told = bank.read(url)
        assert (told["total_cost"], told["job_count"]) == (2.5, 2)
        assert told["jobs_by_status"] == {"completed": 1, "queued": 1}
        assert sum(day["total_cost_usd"] for day in told["cost_by_day"]) == 2.5

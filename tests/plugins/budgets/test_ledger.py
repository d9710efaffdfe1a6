"""The ledger against a model of three lines: held per job, spent in all, and a sum of zero."""

from __future__ import annotations

from decimal import Decimal

from st_budgets import ledger, reconciling

from st_core.db import unit_of_work
from st_core.models import Job
from tests.exam import Exam

from .bank import Bank

BATCH = 100


def test_random_transfers_add_up_to_zero_and_holds_come_back(bank: Bank, exam: Exam) -> None:
    steps = exam.count("steps", 500, 100_000)
    held: dict[int, Decimal] = {}
    dice, spent = exam.random, Decimal(0)
    for begin in range(0, steps, BATCH):
        with bank.app.app_context(), unit_of_work(gate="submit"):
            for number in range(begin, begin + BATCH):
                usd = Decimal(dice.randrange(0, 5_000_000)) / 1_000_000
                what = dice.choice(("hold", "adjust", "spend", "release")) if held else "hold"
                known = dice.choice(list(held)) if held else 0
                job = _job(number + 1 if what == "hold" else known)
                if what == "hold":
                    ledger.hold(job, usd)
                    held[number + 1] = usd
                elif what == "adjust":
                    assert ledger.adjust(job, usd) == usd - held[known]
                    held[known] = usd
                elif what == "spend":
                    ledger.spend(job, usd)
                    held[known], spent = max(held[known] - usd, Decimal(0)), spent + usd
                else:
                    ledger.release(job)
                    ledger.release(job)
                    del held[known]
            balances = ledger.balances() if begin % 5000 == 0 else None
            if balances:
                assert sum(balances.values()) == 0
                assert balances["held"] == sum(held.values(), Decimal(0))
                assert balances["spent"] == spent
    with bank.app.app_context():
        with unit_of_work(gate="submit"):
            for number in held:
                ledger.release(_job(number))
        assert ledger.balances() == {"funds": -spent, "held": 0, "spent": spent}
        assert reconciling.unbalanced() == []


def _job(number: int) -> Job:
    return Job(id=number, provider="bank", hardware="vault", user_id=1, team_id=None, org_id=1)

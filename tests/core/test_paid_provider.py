"""The stand-in provider that has prices and refuses without its key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from flask import Flask

from st_core.contracts import Keyed, Order, Provider
from st_core.errors import KeyRefused, ProviderError
from st_core.progress.readings import Phase
from st_core.testing import paid
from st_core.testing.paid_account import KEY, Account
from st_core.testing.provider_kit import ProviderContract

ENV = {paid.VARIABLE: KEY}


class TestContract(ProviderContract):
    """What every provider promises, where no key is needed and every run is over at once."""

    plugin = provider = "paid"
    runs: ClassVar[bool] = False

    @pytest.fixture
    def app(self, make_app: Any) -> Iterator[Flask]:
        app = make_app(plugins=[self.plugin])
        paid.account(app).change(demands_key=False, speed=1e9)
        with app.app_context():
            yield app


@pytest.fixture
def account(make_app: Any) -> Iterator[Account]:
    """The account of a server; a run takes a minute for each step."""
    app = make_app(plugins=["paid"])
    with app.app_context():
        yield paid.account()


@pytest.fixture
def order(tmp_path: Path) -> Callable[..., Order]:
    """Make orders: `order(steps=60)`."""

    def make(key: str = "k-1", hardware: str = "small", **config: Any) -> Order:
        plain = TestContract().make_order(tmp_path, {})
        return replace(plain, key=key, hardware=hardware, config=config)

    return make


def with_key(key: str = KEY) -> Provider:
    return paid.PaidProvider().with_keys({paid.VARIABLE: key})


def test_it_is_a_provider_that_says_which_key_it_needs() -> None:
    it = paid.PaidProvider()
    assert isinstance(it, Keyed)
    assert [(need.service, need.name, need.variable) for need in it.key_needs] == [
        ("paid", "api_key", "PAID_API_KEY")
    ]


def test_without_its_key_it_starts_and_tells_nothing(
    account: Account, order: Callable[..., Order]
) -> None:
    for env in ({}, {paid.VARIABLE: "another"}):
        with pytest.raises(KeyRefused):
            paid.PaidProvider().start(order(steps=1), env)
    assert account.runs() == []
    state = paid.PaidProvider().start(order(steps=1), ENV)
    for it in (paid.PaidProvider(), with_key("another")):
        with pytest.raises(KeyRefused):
            it.poll(state)
    assert with_key().poll(state).phase is Phase.RUNNING


def test_a_run_is_billed_by_the_second(
    account: Account, order: Callable[..., Order], clock: Any
) -> None:
    small = paid.PaidProvider().start(order("a", steps=60), ENV)
    large = paid.PaidProvider().start(order("b", "large", steps=60), ENV)
    clock.advance(minutes=30)
    so_far = with_key().poll(small)
    assert so_far.phase is Phase.RUNNING
    assert Decimal("0.60") <= Decimal(so_far.cost_usd or "") < Decimal("0.61")
    with_key().stop(large)
    clock.advance(hours=2)
    assert Decimal(with_key().poll(small).cost_usd or "") == Decimal("1.20")
    assert Decimal("2.40") <= Decimal(with_key().poll(large).cost_usd or "") < Decimal("2.41")
    told = [with_key().poll(each).cost_usd or "" for each in (small, large)]
    assert account.bill() == sum(map(Decimal, told))


def test_a_revoked_key_is_refused_from_then_on(
    account: Account, order: Callable[..., Order]
) -> None:
    state = paid.PaidProvider().start(order(steps=1), ENV)
    account.revoke(KEY)
    with pytest.raises(KeyRefused):
        with_key().poll(state)
    assert paid.PaidProvider().check_key("api_key", KEY).valid is False
    account.change(keys=["second"])
    assert with_key("second").poll(state).phase is Phase.RUNNING


def test_faults_happen_as_often_as_they_were_asked_for(
    account: Account, order: Callable[..., Order]
) -> None:
    it = paid.PaidProvider()
    account.fault("too_many", times=1)
    with pytest.raises(ProviderError):
        it.start(order("a", steps=1), ENV)
    account.fault("lost_answer", times=1)
    with pytest.raises(TimeoutError):
        it.start(order("a", steps=1), ENV)
    assert with_key().find("a", Path()) == {"key": "a"}
    account.fault("down")
    assert it.check_key("api_key", KEY).valid is None
    account.heal()
    assert it.check_key("api_key", KEY).valid is True

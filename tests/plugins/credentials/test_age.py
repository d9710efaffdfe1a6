"""When a credential is old: the settings of the contract, the badge, the report."""

from __future__ import annotations

from typing import Any

from .conftest import MINE, ORG, OWN, SHARED, Lab

PATH = "/api/cloud/settings/credentials"


def test_the_defaults_are_those_of_the_contract(lab: Lab) -> None:
    assert lab.root.get(PATH).json == {
        "stale_threshold_days": 90,
        "early_warning_enabled": False,
        "early_warning_percent": 75,
    }
    assert lab.ann.get(PATH).status_code == 403
    for wrong in ({"stale_threshold_days": 0}, {"early_warning_percent": 100}):
        assert lab.root.put(PATH, json=wrong).status_code == 422


def test_a_key_is_stale_after_the_days_that_the_setting_says(lab: Lab, clock: Any) -> None:
    lab.ann.post(MINE, json=lab.key(OWN))
    lab.root.post(SHARED, json=lab.key(ORG))
    clock.advance(days=91)
    assert lab.row(lab.ann)["is_stale"]
    assert lab.row(lab.root, SHARED)["is_stale"]
    page = lab.root.get("/admin/credentials", headers={"Accept": "text/html"})
    assert "Stale" in page.get_data(as_text=True)
    assert lab.root.put(PATH, json={"stale_threshold_days": 120}).status_code == 200
    assert not lab.row(lab.ann)["is_stale"]


def test_an_early_warning_comes_before(lab: Lab, clock: Any) -> None:
    lab.ann.post(MINE, json=lab.key(OWN))
    clock.advance(days=70)
    assert not lab.row(lab.ann)["is_ageing"]
    lab.root.put(PATH, json={"early_warning_enabled": True, "early_warning_percent": 75})
    assert lab.row(lab.ann)["is_ageing"]
    clock.advance(days=30)
    row = lab.row(lab.ann)
    assert (row["is_ageing"], row["is_stale"]) == (False, True)

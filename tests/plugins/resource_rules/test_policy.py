"""Rules as a document: what is in force and what is put in force are the same thing."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from st_resource_rules.policy import POLICY

from st_core.db import unit_of_work
from st_core.errors import SetTimeRule
from st_core.services import events
from tests.plugins.resource_rules.conftest import GUIDE, URL


def test_applying_what_is_in_force_changes_nothing(app: Flask, put: Any) -> None:
    put(*GUIDE)
    with app.app_context():
        document, before = POLICY.document(), events.head()
        with unit_of_work(gate="submit"):
            POLICY.apply(document)
        assert POLICY.document() == document
        assert events.head() == before


def test_a_document_survives_being_wiped_and_applied_again(app: Flask, put: Any) -> None:
    put(*GUIDE)
    with app.app_context():
        document = POLICY.document()
        with unit_of_work(gate="submit"):
            POLICY.apply({"rules": []})
        assert POLICY.document() == {"rules": []}
        with unit_of_work(gate="submit"):
            POLICY.apply(document)
        assert POLICY.document() == document


def test_a_rule_of_the_same_name_stays_the_same_rule(app: Flask, admin: Any, put: Any) -> None:
    (number,) = put(GUIDE[0])
    with app.app_context(), unit_of_work(gate="submit"):
        POLICY.apply({"rules": [{**GUIDE[0], "pattern": "team-z-*", "levels": ["lead"]}]})
    rule = admin.get(f"{URL}/{number}").json
    assert (rule["pattern"], rule["levels"]) == ("team-z-*", ["lead"])


def test_a_level_there_is_not_stops_the_whole_document(app: Flask, put: Any) -> None:
    put(GUIDE[0])
    with app.app_context():
        before = POLICY.document()
        with pytest.raises(SetTimeRule, match="nobodies"), unit_of_work(gate="submit"):
            POLICY.apply({"rules": [{**GUIDE[1], "levels": ["nobodies"]}]})
        assert POLICY.document() == before

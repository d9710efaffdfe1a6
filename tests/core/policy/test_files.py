"""What is read of YAML, and what is said of what does not fit: file, line, what was meant."""

from __future__ import annotations

import pytest
from flask import Flask

from st_core.errors import Malformed
from st_core.services.policy_parts import cases, checking, files
from tests.core.policy import conftest as world


def read(given: dict[str, str]) -> None:
    """Read and check files."""
    tree = world.read(given)
    checking.documents(tree)
    cases.of(tree)


def wrong(app: Flask, name: str, text: str) -> str:
    """Return what is said of one file."""
    with app.app_context(), pytest.raises(Malformed) as caught:
        read({name: text})
    assert caught.value.fields
    return caught.value.detail


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules:\n  - name: a\n    patern: x\n", "rules.yaml:3"),
        ("rules:\n  - name: a\n    patern: x\n", "pattern"),
        ("rules:\n  - name: a\n    resource_type: colour\n    pattern: x\n", "rules.yaml:3"),
        ("rules:\n  - {name: a, resource_type: config, pattern: '^(x$'}\n", "RE2"),
        ("rules:\n\n\n  - resource_type: config\n    pattern: x\n", "rules.yaml:4"),
        ("ruls: []\n", "resource_rules.yaml:1: resource_rules: unknown key 'ruls'"),
        ("rules: 7\n", "resource_rules.yaml:1: resource_rules.rules"),
        ("- a\n", "resource_rules.yaml:1"),
        ("rules: [a, b\n", "resource_rules.yaml:2"),
        ("rules: []\nrules: []\n", "resource_rules.yaml:2: 'rules' stands here twice"),
        ("rules: &a []\nmore: *a\n", "resource_rules.yaml:2: aliases are not read here"),
        ("rules: !!python/object:os.system []\n", "resource_rules.yaml:1"),
        ("rules:\n  - !!binary aGVsbG8=\n", "resource_rules.yaml:2"),
        ("? [a]\n: b\n", "a key is a text here"),
        ("[" * 5000, "resource_rules.yaml:1"),
        ("\x07", "resource_rules.yaml:1"),
        ("x" * 1_000_001, "longer than"),
    ],
)
def test_what_does_not_fit_is_told_with_file_and_line(app: Flask, text: str, said: str) -> None:
    assert said in wrong(app, "resource_rules.yaml", text)


def test_a_part_or_level_key_there_is_not_is_told_with_what_was_meant(app: Flask) -> None:
    assert "resource_rules" in wrong(app, "all.yaml", "levels: {levels: []}\nresource_rule: {}\n")
    assert "all.yaml:2" in wrong(app, "all.yaml", "levels: {levels: []}\nresource_rule: {}\n")
    assert "Did you mean 'teams'?" in wrong(
        app, "orgs.yaml", "orgs:\n  - {slug: a, name: A, tems: []}\n"
    )
    assert "orgs.yaml:4" in wrong(
        app, "orgs.yaml", "orgs:\n  - slug: a\n    name: A\n    teams: [{slug: B, name: B}]\n"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tests:\n  - {name: a, given: {user: x}, expect: maybe}\n", "tests.yaml:2"),
        ("tests:\n  - name: a\n    given: {hardwear: x}\n    expect: refused\n", "hardware"),
        ("tests: 3\n", "tests.yaml:1"),
    ],
)
def test_cases_that_do_not_fit_are_told_alike(app: Flask, text: str, said: str) -> None:
    assert said in wrong(app, "tests.yaml", text)


def test_values_mean_what_they_look_like(app: Flask) -> None:
    text = "orgs:\n- slug: yes\n  name: 2026-01-31\n  description: 012\n  is_active: true\n"
    with app.app_context():
        (org,) = world.read({"orgs.yaml": text}).documents["orgs"]["orgs"]
    assert org == {"slug": "yes", "name": "2026-01-31", "description": "012", "is_active": True}
    assert files.dump(org) == (
        "slug: 'yes'\nname: '2026-01-31'\ndescription: '012'\nis_active: true\n"
    )


def test_one_file_may_hold_all_parts(app: Flask) -> None:
    with app.app_context():
        tree = world.read({"everything.yaml": "orgs: {orgs: []}\ntests: []\n"})
        assert tree.documents == {"orgs": {"orgs": []}}
        assert cases.of(tree) == []

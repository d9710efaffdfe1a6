"""`simpletuner quota …` and `auth orgs … quota` against a real server."""

from __future__ import annotations

from collections.abc import Callable

from tests.core.cli.conftest import Ended

Run = Callable[..., Ended]


def test_ceilings_are_set_listed_seen_and_removed(run: Run) -> None:
    made = run(
        "quota", "create", "-t", "jobs_per_day", "-l", "500", "-a", "warn", "--format", "json"
    )
    assert made.code == 0, made.err
    number = str(made.json["id"])
    listed = run("quota", "list", "--format", "json").json["quotas"]
    assert ("jobs_per_day", 500, "warn") in [
        (one["quota_type"], one["limit_value"], one["action"]) for one in listed
    ]
    standing = run("quota", "status", "--format", "json").json["statuses"]
    assert [one["source"] for one in standing if one["quota_type"] == "jobs_per_day"] == ["global"]
    names = [one["name"] for one in run("quota", "types", "--format", "json").json["types"]]
    assert "gpu_hours_weekly" in names
    assert run("quota", "delete", number, "-f").code == 0
    assert run("quota", "delete", number, "-f").code != 0


def test_organisations_and_teams_have_ceilings(run: Run) -> None:
    orgs = ("auth", "orgs")
    org = run(*orgs, "create", "--name", "Q", "--slug", "q", "--format", "json").json["id"]
    team = run(*orgs, "team-create", str(org), "--name", "T", "--slug", "t", "--format", "json")
    number = str(team.json["id"])
    limit = ("-t", "concurrent_jobs", "-l")
    done = run(*orgs, "set-quota", str(org), *limit, "10", "-a", "notify")
    assert done.code == 0, done.err
    above = run(*orgs, "team-set-quota", str(org), number, *limit, "11")
    assert above.code != 0
    assert "10 or less" in above.err
    assert run(*orgs, "team-set-quota", str(org), number, *limit, "9").code == 0
    for words in (("quotas", str(org)), ("team-quotas", str(org), number)):
        (one,) = run(*orgs, *words, "--format", "json").json["quotas"]
        assert one["quota_type"] == "concurrent_jobs"
    shown = run("quota", "create", *limit, "5", "--team-id", number, "--format", "json")
    assert shown.json["scope"] == "team"

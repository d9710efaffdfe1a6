"""The pages of approvals read without scripts: what an approver sees, and who sees it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.test_pages import statements

from .office import Office
from .test_who_decides import delegate


def shown(client: Any, path: str = "/approvals") -> str:
    answer = client.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 200, answer.text[-500:]
    return str(answer.text)


def test_an_approver_sees_cost_hardware_rules_and_what_waiting_costs(office: Office) -> None:
    office.rule(name="dear", priority=2)
    office.rule(name="any hardware", condition="hardware_type", threshold="cheap*", quorum=2)
    request_id = office.asked(price="212")
    text = shown(office.lea)
    for word in ("1 request waits", "$212", "cheap-1", "dear", "(first match)", "any hardware"):
        assert word in text
    for word in ("(also matched)", "of 2", "If you wait", f"requests/{request_id}/approve"):
        assert word in text
    assert office.request(request_id)["digest"] in text


def test_the_difference_to_the_last_approved_run_is_shown(office: Office) -> None:
    office.rule()
    first = office.asked(price="60")
    office.decide(office.lea, first, "approve")
    second = office.asked(price="60", config={"steps": 7}, hardware_profile="gpu-a100-80gb")
    text = shown(office.lea, f"/approvals?request={second}")
    assert "What is different from their last approved run" in text
    assert "steps 1 → 7" in text
    assert "approved by lea" in text
    context = office.lea.get(f"/api/approvals/requests/{second}/context").json
    assert [change["path"] for change in context["last_approved"]["changes"]] == [
        "(hardware)",
        "steps",
    ]
    assert (context["history"]["total"], context["waiting"]["queued_ahead"]) == (1, 1)


def test_nobody_is_offered_to_decide_about_their_own(office: Office) -> None:
    office.rule()
    request_id = office.asked(office.lea)
    text = shown(office.lea)
    assert "This is your own job" in text
    assert f"requests/{request_id}/approve" not in text


def test_what_was_decided_stays_with_who_and_why(office: Office) -> None:
    office.rule()
    office.decide(office.lea, office.asked(), "reject")
    office.decide(office.lea, office.asked(), "approve")
    text = shown(office.lea, "/approvals/decided")
    assert "1 to 2 of 2" in text
    assert "too dear" in text
    assert "1 to 1 of 1" in shown(office.lea, "/approvals/decided?status=rejected")
    assert "Median answer this month" in shown(office.lea)


def test_rules_are_shown_to_approvers_and_changed_by_administrators(office: Office) -> None:
    rule = office.rule(name="dear", exempt_levels=["admin"], mode="shadow")
    assert "Estimated cost is over $50" in shown(office.lea, "/approvals/rules")
    assert "Make a rule" not in shown(office.lea, "/approvals/rules")
    text = shown(office.root, f"/approvals/rules?rule={rule['id']}")
    assert "Change dear" in text
    assert "Shadow" in text
    assert "Make a rule" in shown(office.root, "/approvals/rules")


def test_a_delegate_finds_the_page_and_the_delegation(office: Office) -> None:
    office.rule()
    zoe = office.person("researcher", "zoe")
    assert zoe.get("/approvals").status_code == 403
    delegate(office, office.lea, "zoe")
    office.asked()
    assert "1 request waits" in shown(zoe)
    assert "Zoe" in shown(office.lea, "/approvals/delegation")
    assert 'href="/approvals"' in shown(zoe, "/jobs")


@pytest.mark.parametrize("who", ["lea", "mei"])
def test_the_job_s_page_tells_what_was_asked(office: Office, who: str) -> None:
    office.rule()
    job_id = office.request(office.asked())["job_id"]
    text = shown(getattr(office, who), f"/jobs/{job_id}")
    assert "Estimated cost $99.00 is over $50." in text
    assert ("/approvals?request=" in text) is (who == "lea")


def test_empty_pages_say_what_belongs_there(office: Office) -> None:
    assert "Nothing waits for you" in shown(office.lea)
    assert "No rule yet" in shown(office.lea, "/approvals/rules")
    assert "Nothing was decided" in shown(office.lea, "/approvals/decided")
    assert "Nobody decides for anybody else" in shown(office.lea, "/approvals/delegation")


def test_figures_are_told_to_prometheus(office: Office) -> None:
    office.rule()
    office.asked()
    with office.app.app_context():
        found = {
            metric.name: metric.samples
            for _, family in office.app.extensions["st"].plugins.each("st_metrics")
            for metric in family
        }
    assert found["simpletuner_approval_requests_pending"] == (({}, 1.0),)
    by_status = dict(
        (labels["status"], value)
        for labels, value in found["simpletuner_approval_requests_by_status"]
    )
    assert by_status == {
        "pending": 1.0,
        "approved": 0.0,
        "rejected": 0.0,
        "expired": 0.0,
        "cancelled": 0.0,
    }


@pytest.mark.parametrize("path", ["/approvals/decided", "/approvals/rules", "/approvals"])
def test_a_page_costs_as_many_statements_with_many_rows_as_with_few(
    office: Office, path: str
) -> None:
    office.rule()
    told = []
    for more in (2, 12):
        ids = [office.asked() for _ in range(more)]
        for request_id in ids[: more // 2]:
            office.decide(office.lea, request_id, "approve")
        shown(office.lea, path)
        with statements(office.app) as seen:
            shown(office.lea, path)
        told.append(len(seen))
    print(path, told)
    assert told[0] == told[1]

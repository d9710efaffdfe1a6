"""`/api/approvals/rules`: read with `admin.approve`, written with `admin.config`."""

from __future__ import annotations

from flask import Blueprint

from st_core.api.guard import current_viewer
from st_core.api.routing import route

from . import rules, schemas
from .conditions import CONDITIONS

blueprint = Blueprint("approvals", __name__, template_folder="templates")
ROOT = "/api/approvals"
READ, WRITE = "admin.approve", "admin.config"


@route(
    blueprint,
    f"{ROOT}/rules",
    permission=READ,
    summary="Approval rules, in the order in which they are tried",
    query=schemas.RuleQuery,
    answers={200: schemas.Rules},
)
def list_rules(query: schemas.RuleQuery) -> schemas.Rules:
    """List the rules; the first that matches a submission triggers the request."""
    found = [_rule(rule) for rule in rules.all_rules(active_only=query.active_only)]
    return schemas.Rules(rules=found, total=len(found))


@route(
    blueprint,
    f"{ROOT}/rules",
    methods=["POST"],
    permission=WRITE,
    summary="Make an approval rule",
    body=schemas.RuleBody,
    answers={201: schemas.Rule},
    errors=(400, 409),
)
def create_rule(body: schemas.RuleBody) -> schemas.Rule:
    """Make a rule; it holds from the next submission on."""
    return _rule(rules.create(current_viewer(), body.model_dump()))


@route(
    blueprint,
    f"{ROOT}/rules/<int:rule_id>",
    permission=READ,
    summary="One approval rule",
    answers={200: schemas.Rule},
    errors=(404,),
)
def get_rule(rule_id: int) -> schemas.Rule:
    """Return a rule."""
    return _rule(rules.get(rule_id))


@route(
    blueprint,
    f"{ROOT}/rules/<int:rule_id>",
    methods=["PATCH"],
    permission=WRITE,
    summary="Change an approval rule",
    body=schemas.RuleChanges,
    answers={200: schemas.Rule},
    errors=(400, 404, 409),
)
def change_rule(rule_id: int, body: schemas.RuleChanges) -> schemas.Rule:
    """Change what is sent; null takes a scope or a lifetime away, and leaves everything else."""
    given = body.model_dump(exclude_unset=True)
    may_be_null = ("applies_to_provider", "applies_to_level", "lifetime_hours")
    changes = {n: value for n, value in given.items() if value is not None or n in may_be_null}
    return _rule(rules.change(current_viewer(), rule_id, changes))


@route(
    blueprint,
    f"{ROOT}/rules/<int:rule_id>",
    methods=["DELETE"],
    permission=WRITE,
    summary="Delete an approval rule",
    answers={200: schemas.Done},
    errors=(404,),
)
def delete_rule(rule_id: int) -> schemas.Done:
    """Delete a rule; requests it led to stay, with its name."""
    rules.delete(current_viewer(), rule_id)
    return schemas.Done()


@route(
    blueprint,
    f"{ROOT}/conditions",
    permission=READ,
    summary="Conditions a rule can have",
    answers={200: schemas.Conditions},
)
def list_conditions() -> schemas.Conditions:
    """List every condition and what its threshold is."""
    return schemas.Conditions(
        conditions=[
            schemas.Condition(value=c.value, name=c.title, threshold=c.threshold)
            for c in CONDITIONS.values()
        ]
    )


def _rule(rule: object) -> schemas.Rule:
    return schemas.Rule.model_validate(rule)

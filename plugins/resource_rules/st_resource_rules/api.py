"""`/api/users/resource-rules`: rules, whom they govern, and the tester."""

from __future__ import annotations

from flask import Blueprint

from st_core.api.guard import current_viewer
from st_core.api.routing import route

from . import rows, rules, schemas, trying
from .event_types import MAY
from .rows import Ruled

blueprint = Blueprint("resource_rules", __name__)
ALL = "/api/users/resource-rules"
ONE = f"{ALL}/<int:rule_id>"
OF_LEVEL = "/api/users/levels/<int:level_id>/rules"


@route(
    blueprint,
    ALL,
    permission=MAY,
    summary="List resource rules",
    query=schemas.Filter,
    answers={200: schemas.Rules},
)
def list_rules(query: schemas.Filter) -> schemas.Rules:
    """List rules with the levels they govern, by type, the highest priority first."""
    return _rules(rows.in_order(query.resource_type))


@route(
    blueprint,
    ALL,
    methods=["POST"],
    permission=MAY,
    summary="Make a resource rule",
    body=schemas.CreateBody,
    answers={201: schemas.RuleAnswer},
    errors=[400, 409],
)
def create(body: schemas.CreateBody) -> schemas.RuleAnswer:
    """Make a rule; until it is attached to a level it governs nobody."""
    return _rule(rules.create(current_viewer(), body.model_dump(exclude={"levels"}), body.levels))


@route(
    blueprint,
    f"{ALL}/test",
    methods=["POST"],
    permission=MAY,
    summary="Try out: may this person run this?",
    body=schemas.TestBody,
    answers={200: schemas.Tested},
    errors=[400, 404],
)
def test(body: schemas.TestBody) -> schemas.Tested:
    """Say whether resource rules let somebody run something, and which rule decides."""
    asked = body.model_dump(exclude={"username", "levels"})
    levels = trying.levels_of(body.username) if body.username else trying.known(body.levels or [])
    found = trying.try_out(levels, asked)
    return schemas.Tested(
        allowed=found.allowed,
        text=found.text,
        rule=found.rule,
        levels=list(found.levels),
        findings=[
            schemas.Deciding(
                resource_type=each.details["resource_type"],
                value=each.details["value"],
                effect=each.effect,
                rule=each.rule,
                text=each.text,
                shadow=each.shadow,
            )
            for each in found.findings
        ],
    )


@route(
    blueprint,
    ONE,
    permission=MAY,
    summary="One resource rule",
    answers={200: schemas.RuleAnswer},
    errors=[404],
)
def one_rule(rule_id: int) -> schemas.RuleAnswer:
    """Return one rule."""
    return _rule(rows.one(rule_id))


@route(
    blueprint,
    ONE,
    methods=["PUT", "PATCH"],
    permission=MAY,
    summary="Change a resource rule",
    body=schemas.ChangeBody,
    answers={200: schemas.RuleAnswer},
    errors=[400, 404, 409],
)
def change(rule_id: int, body: schemas.ChangeBody) -> schemas.RuleAnswer:
    """Change a rule; it holds from the next submission on."""
    given = body.model_dump(exclude={"levels"}, exclude_none=True)
    return _rule(rules.change(current_viewer(), rule_id, given, body.levels))


@route(
    blueprint,
    ONE,
    methods=["DELETE"],
    permission=MAY,
    summary="Delete a resource rule",
    answers={200: schemas.Done},
    errors=[404],
)
def delete(rule_id: int) -> schemas.Done:
    """Delete a rule."""
    rules.remove(current_viewer(), rule_id)
    return schemas.Done()


@route(
    blueprint,
    OF_LEVEL,
    permission=MAY,
    summary="The resource rules of a level",
    answers={200: schemas.Rules},
    errors=[404],
)
def of_level(level_id: int) -> schemas.Rules:
    """List the rules that govern a level."""
    return _rules(rows.of_level(level_id))


@route(
    blueprint,
    OF_LEVEL,
    methods=["PUT"],
    permission=MAY,
    summary="Set the resource rules of a level",
    body=schemas.RuleIdsBody,
    answers={200: schemas.Done},
    errors=[404],
)
def set_of_level(level_id: int, body: schemas.RuleIdsBody) -> schemas.Done:
    """Let exactly these rules govern a level."""
    rules.set_of_level(current_viewer(), level_id, body.rule_ids)
    return schemas.Done()


@route(
    blueprint,
    f"{OF_LEVEL}/<int:rule_id>",
    methods=["POST"],
    permission=MAY,
    summary="Attach a resource rule to a level",
    answers={200: schemas.Done},
    errors=[404],
)
def attach(level_id: int, rule_id: int) -> schemas.Done:
    """Let a rule govern a level, too."""
    rules.attach(current_viewer(), level_id, rule_id)
    return schemas.Done()


@route(
    blueprint,
    f"{OF_LEVEL}/<int:rule_id>",
    methods=["DELETE"],
    permission=MAY,
    summary="Take a resource rule from a level",
    answers={200: schemas.Done},
    errors=[404],
)
def detach(level_id: int, rule_id: int) -> schemas.Done:
    """Let a rule govern a level no more."""
    rules.attach(current_viewer(), level_id, rule_id, attached=False)
    return schemas.Done()


def _rules(found: list[Ruled]) -> schemas.Rules:
    return schemas.Rules(rules=[_rule(each) for each in found])


def _rule(found: Ruled) -> schemas.RuleAnswer:
    rule, levels = found
    return schemas.RuleAnswer(
        id=rule.id,
        created_at=rule.created_at,
        created_by=rule.created_by,
        **rows.described(rule, levels),
    )

"""The form of a trainer's config, drawn from its schema."""

from __future__ import annotations

from enum import Enum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from st_core.web import schema_form
from st_core.web.schema_form import Field as FormField


class Optimizer(Enum):
    ADAM = "adam"
    SGD = "sgd"


class Validation(BaseModel):
    every: int = Field(100, title="Draw samples every", json_schema_extra={"unit": "steps"})
    prompts: list[str] = []


class Training(BaseModel):
    model_config = ConfigDict(extra="allow")

    base: str = Field(title="Base model", description="A name, or a folder.")
    rank: Literal[4, 8, 16] = 8
    rate: float | None = Field(
        1e-4, gt=0, lt=1, json_schema_extra={"group": "Optimizer", "unit": "share"}
    )
    optimizer: Optimizer = Field(Optimizer.ADAM, json_schema_extra={"group": "Optimizer"})
    cached: bool = True
    sizes: list[int] = [512, 1024]
    datasets: list[dict[str, Any]] = []
    resolution: str | float | None = None
    validation: Validation = Validation()


SCHEMA = Training.model_json_schema()


def fields(data: dict[str, Any]) -> dict[str, FormField]:
    return {
        field.path: field for group in schema_form.groups(SCHEMA, data) for field in group.fields
    }


def test_groups_stand_in_the_order_in_which_they_are_named() -> None:
    titles = [group.title for group in schema_form.groups(SCHEMA, {})]
    assert titles == ["General", "Optimizer", "Validation"]


def test_a_key_that_is_not_set_shows_its_default_and_holds_nothing() -> None:
    rate = fields({})["rate"]
    assert (rate.text, rate.default, rate.is_set) == ("", "0.0001", False)
    assert rate.bounds == "0 to 1."
    assert rate.unit == "share"


def test_a_key_that_is_set_holds_its_value() -> None:
    rate = fields({"rate": 0.003})["rate"]
    assert (rate.text, rate.is_set) == ("0.003", True)


def test_controls_follow_the_types() -> None:
    kinds = {path: field.kind for path, field in fields({}).items()}
    assert kinds == {
        "base": "text",
        "rank": "select",
        "rate": "number",
        "optimizer": "select",
        "cached": "switch",
        "sizes": "list",
        "datasets": "json",
        "resolution": "json",
        "validation.every": "integer",
        "validation.prompts": "list",
    }


def test_choices_keep_their_types_for_the_page_to_send_back() -> None:
    rank = fields({"rank": 16})["rank"]
    assert rank.options == ("4", "8", "16")
    assert rank.values == "[4, 8, 16]"
    assert rank.text == "16"


def test_a_nested_model_is_a_group_of_dotted_keys() -> None:
    every = fields({"validation": {"every": 50}})["validation.every"]
    assert (every.text, every.label, every.unit) == ("50", "Draw samples every", "steps")


def test_a_needed_key_is_marked() -> None:
    base = fields({})["base"]
    assert base.required
    assert base.help == "A name, or a folder."


def test_a_switch_shows_what_holds() -> None:
    assert fields({})["cached"].checked
    assert not fields({"cached": False})["cached"].checked


def test_lists_are_written_with_commas() -> None:
    assert fields({"sizes": [64, 128]})["sizes"].text == "64, 128"


def test_keys_that_the_schema_does_not_name_are_kept_apart() -> None:
    assert schema_form.other_keys(SCHEMA, {"rank": 8, "odd": [1]}) == {"odd": [1]}
    assert schema_form.takes_other_keys(SCHEMA)


def test_every_bundled_trainer_has_a_form_with_titles(app: Any) -> None:
    from st_core.services import registries

    with app.app_context():
        for trainer in registries.trainers().values():
            if trainer.schema is None:
                continue
            found = schema_form.groups(trainer.schema.model_json_schema(), {})
            names = [field.path for group in found for field in group.fields]
            assert len(names) == len(set(names))
            assert all(field.label for group in found for field in group.fields)

"""Every route about a job × every level × whose job it is: own, a team mate's, a stranger's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from .neighbourhood import Neighbourhood, cells, wrong_cells


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(plugins=["zoo"], queue__paused=True, auth__mode="team", rate_limit__calls=0)


@pytest.mark.slow
def test_who_may_do_what_to_whose_job_is_as_the_table_says(app: Flask) -> None:
    wrong = list(wrong_cells(Neighbourhood(app)))
    assert not wrong, "\n".join(wrong)
    assert len(cells()) >= 350

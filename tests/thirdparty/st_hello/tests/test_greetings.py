"""The plugin's own behaviour, through a running app."""

import pytest


@pytest.fixture
def app(make_app):
    return make_app(plugins=["hello", "zoo"], hello__greeting="Bravo")


def test_a_completed_job_is_greeted_once_with_the_greeting_that_was_set(client, run_job):
    job_id = run_job(provider="instant", trainer="fake_trainer", config={"steps": 1})
    said = client.get("/api/hello/greetings").get_json()["greetings"]
    assert said == [{"job_id": job_id, "text": "Bravo"}]

"""Who asks, and what they may not."""

from __future__ import annotations

import json

import pytest

import weft
from conftest import Host, guest


def test_a_token_says_who_asks_and_what_they_may(host: Host) -> None:
    made = host.fn("tokens", "create", "reader", "--role", "viewer", "--json")
    assert made.returncode == 0, made.stderr
    token = json.loads(made.stdout)["token"]
    with weft.connect(host.url, token=token) as client:
        assert client.whoami()["name"] == "reader"
        assert token not in repr(client)
        list(client.runs.list(limit=1))
        with pytest.raises(weft.DeniedError) as caught:
            client.functions.deploy(guest("conformance_hello"), name="mine")
    assert token not in str(caught.value) and caught.value.status == 403


def test_a_token_that_is_none_is_refused(host: Host) -> None:
    with weft.connect(host.url, token="weft_nonsense") as client, pytest.raises(weft.DeniedError) as caught:
        list(client.runs.list())
    assert caught.value.status == 401 and "nonsense" not in str(caught.value)


def test_a_project_has_runs_of_its_own(host: Host, job: str) -> None:
    with weft.connect(host.url) as client:
        run = client.runs.start(job, params={"do": "nothing"}).wait()
        made = client.artifacts.upload("of the default project", "note.txt")
    with weft.connect(host.url, project="elsewhere") as other:
        assert list(other.runs.list()) == []
        with pytest.raises(weft.NotFoundError):
            other.runs.get(run.id)
        with pytest.raises(weft.NotFoundError):
            other.artifacts.get(made.digest)

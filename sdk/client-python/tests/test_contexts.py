"""Which host is talked to, and as whom."""

from __future__ import annotations

from pathlib import Path

import pytest

import weft
from weft.contexts import resolve

CONTEXTS = """
current = "prod"
[contexts.home]
host = "http://127.0.0.1:7070"
token = "one"
[contexts.prod]
host = "https://weft.example"
token = "two"
project = "wine"
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "weft").mkdir()
    (tmp_path / "weft/contexts.toml").write_text(CONTEXTS)
    return {"XDG_CONFIG_HOME": str(tmp_path)}


def test_nothing_said_is_the_host_of_this_machine() -> None:
    there = resolve(environment={"HOME": "/nonexistent"})
    assert (there.host, there.project, there.token) == ("http://127.0.0.1:7070", "default", None)


def test_a_host_is_named_by_its_context_by_its_address_or_not_at_all(env: dict[str, str]) -> None:
    assert resolve(environment=env).token == "two"
    assert resolve("home", environment=env).token == "one"
    assert resolve("https://weft.example/", environment=env).token == "two"
    assert resolve("http://weft.example", environment=env).token is None, "a token goes nowhere else"
    assert resolve(environment=env | {"WEFT_HOST": "home"}).host == "http://127.0.0.1:7070"


def test_what_is_said_comes_before_the_environment_and_that_before_the_context(env: dict[str, str]) -> None:
    assert resolve(environment=env).project == "wine"
    env |= {"WEFT_PROJECT": "iris", "WEFT_TOKEN": "three", "WEFT_CA": ""}
    there = resolve(environment=env)
    assert (there.project, there.token, there.ca) == ("iris", "three", None)
    there = resolve(project="mine", token="four", ca="ca.pem", environment=env)
    assert (there.project, there.token, there.ca) == ("mine", "four", "ca.pem")


def test_an_unknown_context_is_told_with_those_there_are(env: dict[str, str]) -> None:
    with pytest.raises(weft.InvalidError, match="there is no context `test`; there are home, prod"):
        resolve("test", environment=env)


def test_a_token_is_never_shown(env: dict[str, str], tmp_path: Path) -> None:
    assert "two" not in repr(resolve(environment=env))
    (tmp_path / "weft/contexts.toml").write_text('current = "x"\ntoken = weft_secret')
    with pytest.raises(weft.InvalidError) as caught:
        resolve(environment=env)
    assert "weft_secret" not in str(caught.value)
    assert caught.value.hint

"""Deploy, call over HTTP, invoke with events."""

from __future__ import annotations

from pathlib import Path

import pytest

import weft
from conftest import guest


def test_a_component_is_deployed_once_and_called_over_http(client: weft.Client) -> None:
    released = client.functions.deploy(guest("conformance_hello_http"), name="hello")
    assert released.is_active and released.path == "/fn/hello"
    again = client.functions.deploy(guest("conformance_hello_http"), name="hello")
    assert again.revision.number == released.revision.number
    answer = client.functions.call("hello", method="GET")
    assert answer.status == 200 and answer.body and answer.call and answer.revision
    assert "hello" in [it.name for it in client.functions.list()]
    assert client.functions.get("hello").entries == ("http",)
    assert [it.number for it in client.functions.revisions("hello")] == [released.revision.number]


def test_a_folder_is_deployed_with_its_manifest(client: weft.Client, tmp_path: Path) -> None:
    text = 'name = "folder"\ndescription = "From a folder."\n'
    (tmp_path / "function.toml").write_text(text)
    with pytest.raises(weft.InvalidError) as caught:
        client.functions.deploy(tmp_path)
    assert caught.value.hint == f"fn build {tmp_path}"
    (tmp_path / "folder.wasm").write_bytes(guest("conformance_hello").read_bytes())
    released = client.functions.deploy(tmp_path)
    assert released.revision.manifest["description"] == "From a folder."
    other = client.functions.deploy(tmp_path / "function.toml", name="other-folder", activate=False)
    assert (other.revision.function, other.is_active) == ("other-folder", False)


def test_a_mistake_in_a_manifest_is_told_with_its_place(client: weft.Client) -> None:
    with pytest.raises(weft.InvalidError) as caught:
        client.functions.deploy(guest("conformance_hello"), manifest='name = "wrong"\n\nnonsense = 1\n')
    assert caught.value.code == "invalid-manifest"
    assert caught.value.place and caught.value.place.startswith("function.toml:3")


def test_revisions_are_activated_and_rolled_back(client: weft.Client) -> None:
    for number in (1, 2):
        client.functions.deploy(guest("conformance_hello"), manifest={"name": "moved", "description": f"v{number}"})
    assert client.functions.get("moved").revision == 2
    assert client.functions.rollback("moved").revision.number == 1
    assert client.functions.activate("moved", 2).revision.number == 2
    client.functions.delete("moved")
    with pytest.raises(weft.NotFoundError):
        client.functions.get("moved")


def test_an_event_goes_in_and_outputs_come_back(client: weft.Client, handler: str) -> None:
    outputs = client.functions.invoke(handler, {"name": "Zoë"}, type="echo", subject="x")
    assert [(it.data, it.subject) for it in outputs] == [({"name": "Zoë"}, "x")]
    outputs = client.functions.invoke(handler, b"\xff\x00", type="echo", content_type="application/octet-stream")
    assert outputs[0].data == b"\xff\x00"
    assert client.functions.invoke(handler, type="none") == ()


def test_a_failure_says_what_kind_it_is(client: weft.Client, handler: str) -> None:
    with pytest.raises(weft.CallError, match="not so") as caught:
        client.functions.invoke(handler, b"not so", type="invalid", content_type="text/plain")
    assert (caught.value.kind, caught.value.code) == ("invalid", "asked")
    assert caught.value.call


def test_each_event_has_its_own_outcome(client: weft.Client, handler: str) -> None:
    text = "text/plain"
    events = [
        weft.Event("a", type="upper", content_type=text),
        weft.Event("b", type="fatal", content_type=text),
        weft.Event("c", type="upper", content_type=text),
    ]
    first, second, third = client.functions.invoke_all(handler, events)
    assert [first.outputs[0].data, third.outputs[0].data] == ["A", "C"]
    assert second.error is not None and second.error.kind == "fatal" and not second.outputs


def test_a_failing_call_over_http_raises_unless_told_not_to(client: weft.Client, handler: str) -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/x", "ce-type": "invalid"}
    with pytest.raises(weft.CallError) as caught:
        client.functions.call(handler, "bad", headers=headers)
    assert (caught.value.status, caught.value.kind) == (422, "invalid")
    assert client.functions.call(handler, "bad", headers=headers, check=False).status == 422
    with pytest.raises(weft.WeftError):
        client.functions.call("nobody-is-called-so")


def test_a_function_that_is_not_there_is_told(client: weft.Client) -> None:
    with pytest.raises(weft.NotFoundError) as caught:
        client.functions.invoke("nobody")
    assert caught.value.hint

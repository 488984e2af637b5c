"""Tracked runs on their way to a host, by this package and by `fn`."""

from __future__ import annotations

import json
from pathlib import Path

import pandas
import pytest

import weft
from conftest import Host


def tracked(folder: Path, name: str = "train") -> weft.TrackedRun:
    with weft.run(name, params={"rate": 0.1}, labels={"by": "pytest"}, folder=folder) as run:
        run.input(b"1,2\n", "train.csv")
        run.input(b"kept\n", "kept.txt", keep=True)
        for step in range(3):
            run.metric("loss", 1 / (step + 1), step=step)
        run.metric("diverged", float("nan"))
        run.artifact("scores.csv", pandas.DataFrame({"x": [1, 2]}))
    return run


def test_a_tracked_run_is_sent_once_and_shown_like_every_other(client: weft.Client, tmp_path: Path) -> None:
    run = tracked(tmp_path)
    (pushed,) = client.push(run)
    assert pushed.is_new and pushed.run.id == run.id
    (again,) = client.push(run.id[:13], folder=tmp_path)
    assert not again.is_new and again.run.raw == pushed.run.raw
    assert client.push(folder=tmp_path) == [], "it was sent here already"

    shown = client.runs.get(run.id)
    assert (shown.kind, shown.state, shown.params, shown.labels) == ("tracked", "done", {"rate": 0.1}, {"by": "pytest"})
    assert shown.results["loss"] == 1 / 3 and shown.detail["platform"]["release"] == "offline"
    frame = shown.metrics_frame()
    assert frame[frame.name == "loss"].at_step.tolist() == [0, 1, 2]
    assert frame[frame.name == "diverged"].value.isna().all()
    assert shown.artifact("scores.csv").frame().x.tolist() == [1, 2]
    data, kept = shown.steps[0].inputs
    with pytest.raises(weft.NotFoundError):
        client.artifacts.get(data["digest"])
    assert client.artifacts.get(kept["digest"]).bytes() == b"kept\n"
    assert run.id in client.runs.frame(name="train").id.tolist()
    with pytest.raises(weft.ConflictError, match="is not reproducible: it ran outside the host"):
        shown.reproduce()


def test_every_run_that_is_over_is_sent(client: weft.Client, tmp_path: Path) -> None:
    ids = {tracked(tmp_path, f"many-{it}").id for it in range(3)}
    with weft.run("going-on", folder=tmp_path) as open_run:
        assert {it.run.id for it in client.push(folder=tmp_path)} == ids
        with pytest.raises(weft.ConflictError, match="still going on"):
            client.push(open_run)
    assert [it.run.id for it in client.push(folder=tmp_path)] == [open_run.id]
    with pytest.raises(weft.NotFoundError):
        client.push("ffff", folder=tmp_path)


def test_what_was_changed_since_is_not_sent(client: weft.Client, tmp_path: Path) -> None:
    with weft.run("changed", folder=tmp_path) as run:
        digest = run.artifact("note.txt", f"bytes of {run.id} alone")
    (run.folder / "files" / digest[7:]).write_text("something else")
    with pytest.raises(weft.DamagedError, match="are not what they were"):
        client.push(run)
    with pytest.raises(weft.NotFoundError):
        client.runs.get(run.id)


def test_a_failed_run_is_sent_with_its_traceback(client: weft.Client, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), weft.run("breaks", folder=tmp_path) as run:
        run.artifact("half.txt", "as far as it came")
        _ = 1 / 0
    (pushed,) = client.push(run)
    failure = pushed.run.failure
    assert failure is not None and failure.code == "ZeroDivisionError" and "1 / 0" in (failure.backtrace or "")
    with pytest.raises(weft.RunError, match="division"):
        pushed.run.wait()


def test_fn_sends_and_shows_what_was_tracked(host: Host, client: weft.Client, tmp_path: Path) -> None:
    first, second = (tracked(tmp_path / ".weft/runs", f"by-fn-{it}") for it in range(2))
    sent = host.fn("runs", "push", first.id[:18], "--json", cwd=tmp_path)
    assert sent.returncode == 0, sent.stderr
    assert json.loads(sent.stdout)["id"] == first.id
    sent = host.fn("runs", "push", "--all", cwd=tmp_path)
    assert (sent.returncode, sent.stdout.split()) == (0, [second.id]), sent.stderr
    sent = host.fn("runs", "push", "--all", cwd=tmp_path)
    assert sent.returncode == 0 and "nothing to send" in sent.stderr
    again = host.fn("runs", "push", first.id, cwd=tmp_path)
    assert again.returncode == 0 and "was there already" in again.stderr
    assert client.push(folder=tmp_path / ".weft/runs") == [], "both know what the other has sent"

    shown = host.fn("runs", "show", first.id)
    assert shown.returncode == 0 and "by-fn-0" in shown.stdout and "scores.csv" in shown.stdout, shown.stdout
    assert first.id in host.fn("runs", "list").stdout
    refused = host.fn("runs", "reproduce", first.id)
    assert refused.returncode == 4 and "is not reproducible: it ran outside the host" in refused.stderr


def test_fn_tells_what_it_cannot_send(host: Host, tmp_path: Path) -> None:
    nothing = host.fn("runs", "push", "--all", cwd=tmp_path)
    assert nothing.returncode == 3 and "--from FOLDER" in nothing.stderr
    with weft.run("going-on", folder=tmp_path / "mine") as run:
        still = host.fn("runs", "push", run.id, "--from", "mine", cwd=tmp_path)
        assert still.returncode == 4 and "still going on" in still.stderr
    unknown = host.fn("runs", "push", "ffff", "--from", "mine", cwd=tmp_path)
    assert unknown.returncode == 3, unknown.stderr

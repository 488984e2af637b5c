"""Runs that are tracked without a host."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas
import pytest

import weft
from conftest import environment
from weft.push import MOST_METRICS, _read, thinned

SOURCE = Path(__file__).parents[1] / "src"


def record(run: weft.TrackedRun) -> dict:
    return json.loads((run.folder / "run.json").read_text())


def test_what_is_told_is_kept(tmp_path: Path) -> None:
    rows = pandas.DataFrame({"x": [1, 2]})
    (tmp_path / "train.csv").write_text("a,b\n1,2\n")
    with weft.run("train", params={"rate": 0.1}, labels={"team": "a"}, folder=tmp_path / "runs") as run:
        assert run.state == "running" and record(run)["state"] == "running"
        run.param("depth", 3)
        run.input(tmp_path / "train.csv")
        run.input(rows, "rows", keep=True)
        for step in range(3):
            run.metric("loss", 1 / (step + 1), step=step)
        run.metric("diverged", float("nan"))
        run.result("best", {"depth": 3})
        run.artifact("scores", rows)
        run.artifact("report.html", "<p>well</p>")
    kept = record(run)
    assert kept["state"] == run.state == "done" and "failure" not in kept
    assert kept["params"] == {"rate": 0.1, "depth": 3} and kept["labels"] == {"team": "a"}
    assert kept["results"] == {"loss": 1 / 3, "diverged": "NaN", "best": {"depth": 3}}
    data, kept_rows = kept["inputs"]
    assert data["digest"] == f"sha256:{hashlib.sha256(b'a,b' + bytes([10]) + b'1,2' + bytes([10])).hexdigest()}"
    assert (data["name"], data["kind"], data["from"]) == ("train.csv", "dataset", str(tmp_path / "train.csv"))
    scores, report = kept["outputs"]
    assert scores["digest"] == kept_rows["digest"] and scores["metadata"] == {"rows": 2, "columns": ["x"]}
    assert (scores["kind"], report["kind"], report["media_type"]) == ("dataset", "report", "text/html")
    files = {it.name for it in (run.folder / "files").iterdir()}
    assert files == {scores["digest"][7:], report["digest"][7:]}, "equal bytes are kept once, and data is not"
    lines = [json.loads(it) for it in (run.folder / "metrics.jsonl").read_text().splitlines()]
    assert [(it["name"], it.get("at_step")) for it in lines] == [("loss", 0), ("loss", 1), ("loss", 2), ("diverged", None)]
    assert kept["program"]["runtime"].startswith(("CPython 3.", "PyPy 3.")) and "pandas" in kept["program"]["packages"]
    assert kept["started_at"] <= kept["finished_at"]


def test_a_failing_program_leaves_its_traceback(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no good"), weft.run("fails", folder=tmp_path) as run:
        run.metric("loss", 0.5)
        raise ValueError("no good")
    failure = record(run)["failure"]
    assert record(run)["state"] == "failed"
    assert (failure["code"], failure["message"]) == ("ValueError", "no good")
    assert "test_a_failing_program_leaves_its_traceback" in failure["backtrace"]
    with pytest.raises(KeyboardInterrupt), weft.run("stopped", folder=tmp_path) as run:
        raise KeyboardInterrupt
    assert record(run)["state"] == "cancelled"
    with pytest.raises(SystemExit), weft.run("left", folder=tmp_path) as run:
        sys.exit(0)
    assert record(run)["state"] == "done"


def test_names_and_times_of_use_are_checked(tmp_path: Path) -> None:
    for name in ("Train", "", "a b", "x" * 64, "-a"):
        with pytest.raises(weft.InvalidError):
            weft.run(name, folder=tmp_path)
    run = weft.run("early", folder=tmp_path)
    with pytest.raises(weft.InvalidError, match="has not begun"):
        run.param("a", 1)
    with run, pytest.raises(weft.InvalidError, match="is no name"):
        run.metric("a\nb", 1)
    with pytest.raises(weft.InvalidError, match="is over"):
        run.metric("a", 1)
    with weft.run("strange", folder=tmp_path) as run, pytest.raises(weft.InvalidError, match="nothing that can be stored"):
        run.artifact("x", object())


def test_a_run_begins_and_ends_by_hand_where_no_block_can(tmp_path: Path) -> None:
    run = weft.run("cells", folder=tmp_path).start()
    run.metric("loss", 0.5)
    run.finish(ValueError("no good"))
    assert record(run)["failure"]["code"] == "ValueError" and record(run)["state"] == "failed"
    with pytest.raises(weft.InvalidError, match="is over"):
        run.finish()
    with pytest.raises(weft.InvalidError, match="has begun before"):
        run.start()
    with weft.run("early", folder=tmp_path) as run:
        run.finish()
    assert record(run)["state"] == "done"


def test_the_commit_and_the_file_of_the_program_are_kept(tmp_path: Path) -> None:
    program = "import weft\nwith weft.run('job') as run:\n    print(run.folder)\n"
    (tmp_path / "train.py").write_text(program)

    def git(*args: str) -> str:
        said = ["-c", "user.name=Weft", "-c", "user.email=weft@example.com"]
        done = subprocess.run(["git", *said, *args], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def ran() -> dict:
        env = environment() | {"PYTHONPATH": str(SOURCE), "PYTHONDONTWRITEBYTECODE": "1"}
        python = [sys.executable, "train.py"]
        done = subprocess.run(python, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
        return json.loads((Path(done.stdout.strip()) / "run.json").read_text())

    git("init", "--quiet")
    (tmp_path / ".gitignore").write_text(".weft\n")
    git("add", ".")
    git("commit", "--quiet", "--message", "first")
    first = ran()
    assert first["code"] == {"commit": git("rev-parse", "HEAD"), "dirty": False, "file": "train.py"}
    assert first["program"]["digest"] == f"sha256:{hashlib.sha256(program.encode()).hexdigest()}"
    (tmp_path / "train.py").write_text(program + "# changed\n")
    second = ran()
    assert second["code"]["dirty"] and second["program"]["digest"] != first["program"]["digest"]


def test_a_program_that_is_killed_leaves_a_run_that_broke_off(tmp_path: Path) -> None:
    program = (
        "import sys, weft\n"
        "with weft.run('killed', folder=sys.argv[1]) as run:\n"
        "    run.metric('loss', 0.5, step=1)\n"
        "    print(run.folder, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    env = environment() | {"PYTHONPATH": str(SOURCE)}
    child = subprocess.Popen(
        [sys.executable, "-c", program, tmp_path], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None and child.stdin is not None
    folder = Path(child.stdout.readline().strip())
    assert _read(folder) is None, "it is still going on"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdin.close()
    child.stdout.close()
    with (folder / "metrics.jsonl").open("a") as half:
        half.write('{"name": "lo')
    left = _read(folder)
    assert left is not None and left["state"] == "failed" and left["failure"]["code"] == "broken-off"
    assert [it["value"] for it in left["metrics"]] == [0.5]


def test_of_too_many_values_the_first_and_the_last_of_each_metric_stay() -> None:
    few = [{"name": "loss", "at_step": 0}]
    assert thinned(few) is few
    many = [{"name": "loss", "at_step": it} for it in range(60_001)] + [{"name": "accuracy", "at_step": 0}]
    with pytest.warns(UserWarning, match="60002 values"):
        kept = thinned(many)
    assert len(kept) <= MOST_METRICS
    assert (kept[0]["at_step"], kept[-2]["at_step"], kept[-1]["name"]) == (0, 60_000, "accuracy")

"""Jobs and pipelines: submitted, watched, waited for; their records, metrics, logs and artifacts."""

from __future__ import annotations

import uuid
from pathlib import Path

import pandas
import pytest

import weft

TWO_STEPS = """
pipeline: two-steps
params:
  rows: 3
steps:
  first:
    function: behave
    params: { do: write, text: "a,b\\n1,x\\n2,y\\n" }
  second:
    function: behave
    params: { do: record, n: "${params.rows}" }
    needs: [first]
"""


def test_a_job_takes_what_is_at_hand_and_gives_frames(client: weft.Client, job: str, tmp_path: Path) -> None:
    rows = pandas.DataFrame({"x": [1, 2], "word": ["é", "b"]})
    run = client.runs.start(job, inputs={"data": rows}, params={"do": "copy"}, labels={"suite": "frames"}).wait()
    assert (run.state, run.kind, run.params["do"], run.labels) == ("done", "job", "copy", {"suite": "frames"})
    made = run.artifact("data")
    pandas.testing.assert_frame_equal(made.frame(), rows)
    assert made.text() == "x,word\n1,é\n2,b\n" and made.size == len(made.bytes())
    assert made.save(tmp_path).read_bytes() == made.bytes()
    assert [it.name for it in tmp_path.iterdir()] == ["data"]

    file = tmp_path / "given.csv"
    file.write_text("a\n7\n")
    for given in (file, str(file), b"a\n7\n", client.artifacts.upload(file), made.digest):
        again = client.runs.start(job, inputs={"data": given}, params={"do": "copy"}).wait()
        assert again.artifact("data").bytes() in (b"a\n7\n", made.bytes())


def test_parquet_is_read_as_a_frame(client: weft.Client, job: str, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    rows = pandas.DataFrame({"x": [1.5, None], "when": pandas.to_datetime(["2026-01-01", "2026-01-02"])})
    rows.to_parquet(tmp_path / "rows.parquet")
    run = client.runs.start(job, inputs={"data": tmp_path / "rows.parquet"}, params={"do": "copy"}).wait()
    pandas.testing.assert_frame_equal(run.artifact("data").frame(), rows)


def test_bytes_that_are_no_table_are_told_as_such(client: weft.Client) -> None:
    made = client.artifacts.upload(b"\xff\xfe\x00\x01", "noise")
    with pytest.raises(weft.InvalidError, match="noise"):
        made.frame()
    assert client.artifacts.upload({"a": [1]}, "a.json").json() == {"a": [1]}
    with pytest.raises(weft.InvalidError, match="kind"):
        client.artifacts.upload(b"", "x", kind="picture")


def test_metrics_params_and_results_are_on_record(client: weft.Client, job: str) -> None:
    run = client.runs.start(job, params={"do": "record", "n": 3}).wait()
    frame = run.metrics_frame()
    loss = frame[frame.name == "loss"]
    assert loss.at_step.tolist() == [0, 1, 2] and loss.value.tolist() == [1.0, 0.5, 1 / 3]
    assert frame[frame.name == "diverged"].value.isna().all()
    assert run.results["accuracy"] == 0.75 and run.results["nested"]["list"][3] == "é"
    steps = run.frame()
    assert steps.loc[0, "params.do"] == "record" and steps.loc[0, "results.accuracy"] == 0.75
    listed = client.runs.frame(name=job, limit=200).set_index("id")
    assert listed.loc[run.id, "params.n"] == 3 and listed.loc[run.id, "state"] == "done"


def test_log_lines_are_read_in_order(client: weft.Client, job: str) -> None:
    run = client.runs.start(job, params={"do": "log", "n": 3}).wait()
    lines = _until(lambda: found if len(found := list(run.logs())) >= 3 else None)
    assert [it.message for it in lines] == ["line 0", "line 1", "line 2"]
    assert lines[0].level == "info" and lines[0].fields


def test_a_pipeline_is_submitted_as_text_as_a_file_and_as_a_dict(
    client: weft.Client, job: str, tmp_path: Path
) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text(TWO_STEPS)
    step = {"function": job, "params": {"do": "nothing"}}
    for work in (TWO_STEPS, file, str(file), {"pipeline": "by-dict", "steps": {"only": step}}):
        assert client.pipelines.check(work) == []
        assert client.pipelines.submit(work).wait().state == "done"


def test_a_run_is_watched_as_it_goes_on(client: weft.Client, job: str) -> None:
    run = client.pipelines.submit(TWO_STEPS, {"rows": 2}, seed=7)
    seen = [(it.step.name if it.step else "run", it.step.state if it.step else it.run.state) for it in run.watch(120)]
    assert ("first", "done") in seen and ("second", "done") in seen and seen[-1] == ("run", "done")
    assert [it.name for it in run.steps] == ["first", "second"]
    assert run.results["second"]["report"] == 2 and run.params == {"rows": 2}
    assert run.artifact("out").frame().to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}
    assert list(run.artifacts) == ["first.out"]
    with pytest.raises(weft.NotFoundError, match="first.out"):
        run.artifact("nothing")
    assert run.step("first").outputs["out"].kind == "dataset"


def test_submitting_the_same_identity_again_begins_nothing_twice(client: weft.Client, job: str) -> None:
    id = str(uuid.uuid4())
    first = client.runs.start(job, params={"do": "nothing"}, id=id, labels={"twice": id})
    second = client.runs.start(job, params={"do": "nothing"}, id=id, labels={"twice": id})
    assert first.id == second.id == id
    assert len(list(client.runs.list(labels={"twice": id}))) == 1


def test_every_mistake_comes_with_its_place(client: weft.Client, job: str) -> None:
    wrong = "pipeline: wrong\nsteps:\n  a:\n    function: nobody\n  b:\n    function: behave\n    needs: [c]\n"
    with pytest.raises(weft.InvalidError) as caught:
        client.pipelines.submit(wrong)
    assert len(caught.value.mistakes) >= 2 and all(it.line for it in caught.value.mistakes)
    assert [it.message for it in client.pipelines.check(wrong)] == [it.message for it in caught.value.mistakes]


def test_a_failed_run_raises_with_its_record(client: weft.Client, job: str) -> None:
    run = client.runs.start(job, params={"do": "invalid", "text": "no such luck"})
    with pytest.raises(weft.RunError, match="no such luck") as caught:
        run.wait()
    assert caught.value.code == "asked" and caught.value.run.id == run.id
    assert run.wait(check=False).failure.kind == "invalid"
    assert client.runs.get(run.id).steps[0].failure.message == "no such luck"


def test_a_run_that_takes_too_long_is_waited_for_no_longer(client: weft.Client, job: str) -> None:
    run = client.runs.start(job, params={"do": "spin"})
    with pytest.raises(TimeoutError):
        run.wait(0.3)
    assert run.cancel().state == "cancelled"
    with pytest.raises(weft.RunError, match="cancelled"):
        run.wait(60)


def test_a_run_is_reproduced_byte_by_byte(client: weft.Client, job: str) -> None:
    run = client.runs.start(job, params={"do": "write", "text": "same"}).wait()
    again = run.reproduce().wait()
    assert again.comparison()["verdict"] == "identical"


def test_a_pipeline_that_is_kept_is_started_by_its_name(client: weft.Client, job: str) -> None:
    kept = client.pipelines.deploy(TWO_STEPS.replace("two-steps", "kept-steps"))
    assert kept.name in [it.name for it in client.pipelines.list()]
    assert "kept-steps" in (client.pipelines.get(kept.name).text or "")
    assert client.pipelines.start(kept.name, {"rows": 1}).wait().params == {"rows": 1}
    client.pipelines.delete(kept.name)
    with pytest.raises(weft.NotFoundError):
        client.pipelines.get(kept.name)


def test_a_run_is_summed_up_for_prompts_and_notebooks(client: weft.Client, job: str) -> None:
    run = client.runs.start(job, params={"do": "write", "text": "a\n1\n"}).wait()
    lines = run.summary().splitlines()
    assert lines[0].startswith(f"run {run.id} · {job} · done after ")
    assert lines[2].split() == ["step", "state", "took", "results"] and "report=4" in lines[3]
    assert lines[-1].split()[0] == "out" and lines[-1].endswith(run.artifact("out").digest)
    page = run._repr_html_()
    assert run.artifact("out").url in page and page.count("<table>") == 2
    failed = client.runs.start(job, params={"do": "invalid", "text": "<script>"}).wait(check=False)
    assert "<script>" not in failed._repr_html_() and "&lt;script&gt;" in failed._repr_html_()


def test_a_run_that_is_not_there_is_told(client: weft.Client) -> None:
    with pytest.raises(weft.InvalidError):
        client.runs.get("12")
    with pytest.raises(weft.NotFoundError):
        client.runs.get(str(uuid.uuid4()))


def _until(ask, patience_s: float = 60.0):  # noqa: ANN001, ANN202
    import time

    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        if (answer := ask()) is not None:
            return answer
        time.sleep(0.02)
    raise AssertionError("gave up waiting")

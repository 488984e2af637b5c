"""A host of the tests' own: started on a free port in a folder of its own, stopped by its process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import weft  # noqa: E402

ROOT = Path(__file__).parents[3]

JOB = """
name = "%s"
[params]
do = { type = "string" }
n = { type = "integer", optional = true }
text = { type = "string", optional = true }
output = { type = "string", optional = true }
[inputs.data]
optional = true
[inputs.scorer]
kind = "model"
optional = true
[outputs.out]
optional = true
media_type = "text/csv"
kind = "dataset"
[outputs.data]
optional = true
"""


HANDLER = """
name = "answer"
[grants]
model = ["conformance"]
"""


@dataclass(frozen=True)
class Host:
    """A running host."""

    url: str
    program: Path
    folder: Path

    def fn(self, *args: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Runs `fn` against it."""
        return subprocess.run(
            [self.program, *args],
            cwd=cwd or self.folder,
            env=environment() | {"WEFT_HOST": self.url},
            capture_output=True,
            text=True,
            check=False,
        )


def environment() -> dict[str, str]:
    """Deaf to the environment of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WEFT_") and name != "DATABASE_URL"}
    return kept | {"XDG_CONFIG_HOME": "/nonexistent"}


def guest(name: str) -> Path:
    """A guest as `cargo xtask guests` left it."""
    folder = Path(os.environ.get("WEFT_TEST_GUESTS") or ROOT / "target/wasm32-wasip2/guest")
    file = folder / f"{name}.wasm"
    assert file.is_file(), f"{file} is missing: run `cargo xtask guests` first"
    return file


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WEFT_HOST", "WEFT_TOKEN", "WEFT_PROJECT", "WEFT_CA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nonexistent")


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """One host for all tests, which keep to names of their own."""
    program = os.environ.get("WEFT_TEST_FN")
    if not program:
        pytest.skip("not tried on a host: `cargo xtask test` sets WEFT_TEST_FN to the path of `fn`")
    folder = tmp_path_factory.mktemp("host")
    with (folder / "host.log").open("w") as log:
        child = subprocess.Popen(
            [program, "up", "--listen", "127.0.0.1:0", "--data", folder / "host"],
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert child.stdout is not None
        line = child.stdout.readline()
        assert line.startswith("listening on "), (folder / "host.log").read_text()
        yield Host(line.removeprefix("listening on ").strip(), Path(program), folder)
    finally:
        child.terminate()
        try:
            child.wait(60)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


@pytest.fixture
def client(host: Host) -> Iterator[weft.Client]:
    """A client of it."""
    with weft.connect(host.url) as client:
        yield client


@pytest.fixture(scope="session")
def job(host: Host) -> str:
    """A deployed job that does what its param `do` says."""
    with weft.connect(host.url) as client:
        client.functions.deploy(guest("conformance-job"), manifest=JOB % "behave")
    return "behave"


@pytest.fixture(scope="session")
def handler(host: Host) -> str:
    """A deployed handler that does what the type of each event says."""
    with weft.connect(host.url) as client:
        client.functions.deploy(guest("conformance_handler"), manifest=HANDLER)
    return "answer"

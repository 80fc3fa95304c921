"""MLflow's own server, started on the loopback: what was sent is read back by MLflow's own client."""

import importlib.metadata
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from tests.tracking.readers import read_mlflow

from evenfit.errors import TrackingError
from evenfit.runs.tracking import PROJECT, track
from evenfit.store import open_store

pytest.importorskip("mlflow", reason="mlflow is not installed: evenfit[mlflow]")
try:
    importlib.metadata.version("mlflow")
except importlib.metadata.PackageNotFoundError:
    pytest.skip("mlflow-skinny has no server; the whole package mlflow is not installed", allow_module_level=True)

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def quiet(done, total):
    pass


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    uri = f"http://127.0.0.1:{port}"
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
                *("--backend-store-uri", f"sqlite:///{home}/server.sqlite", "--workers", "1"),
                *("--artifacts-destination", str(home / "files")),
            ],
            cwd=home,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONWARNINGS": "ignore"},
        )
    try:
        _wait(uri, process, home / "log")
        yield uri
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def _wait(uri, process, log):
    until = time.monotonic() + 90
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{uri}/health", timeout=2):  # noqa: S310 - the server of this test
                return
        except OSError:
            time.sleep(0.3)
    pytest.fail(f"no server after 90 seconds:\n{log.read_text()[-2000:]}")


def test_a_server_holds_what_was_sent_and_once(server, runs, study):
    first = track("bank", runs=str(runs), to="mlflow", uri=server, project=PROJECT, tell=quiet).tracked
    seen = read_mlflow(server)
    assert (first.written, len(seen)) == (25, 25)
    for trial in study.trials:
        entry = seen[f"bank/trial-{trial.number}"]
        assert entry.values["loss"] == pytest.approx(trial.loss)
        assert entry.values["loss_low"] < trial.loss < entry.values["loss_high"]
        assert entry.parent == "bank"
        assert [step for step, _ in entry.curves["selection_loss"]] == list(trial.epochs)
    assert seen["bank"].files >= {"model", "report.html", "report.txt", "metrics.json"}
    second = track("bank", runs=str(runs), to="mlflow", uri=server, project=PROJECT, tell=quiet).tracked
    assert (second.written, second.unchanged) == (0, 25)
    assert read_mlflow(server) == seen


def test_a_new_note_reaches_the_server_and_children_keep_their_run(server, runs):
    track("bank", runs=str(runs), to="mlflow", uri=server, project="notes", tell=quiet)
    with open_store(runs) as store:
        store.note(store.run("bank"), "after it")
    assert track("bank", runs=str(runs), to="mlflow", uri=server, project="notes", tell=quiet).tracked.written == 1
    seen = read_mlflow(server, "notes")
    assert seen["bank"].note == "after it"
    assert seen["bank/trial-2"].parent == "bank"


def test_what_is_no_mlflow_server_is_said_in_one_line(runs):
    with socket.socket() as other:  # it listens, and never answers in HTTP
        other.bind(("127.0.0.1", 0))
        other.listen()
        uri = f"http://127.0.0.1:{other.getsockname()[1]}"
        other.settimeout(0.1)
        import threading

        stopped = threading.Event()
        answering = threading.Thread(target=_hang_up, args=(other, stopped))
        answering.start()
        try:
            with pytest.raises(TrackingError, match="MLflow at http"):
                track("bank", runs=str(runs), to="mlflow", uri=uri, project=PROJECT, tell=quiet)
        finally:
            stopped.set()
            answering.join()


def _hang_up(listening, stopped):
    while not stopped.is_set():
        try:
            connection, _ = listening.accept()
        except TimeoutError:
            continue
        connection.close()

"""The command line as a process: exit codes, one line for an error, a start without torch."""

import gc
import os
import signal
import subprocess
import sys
import time

import pytest

from evenfit.cli.main import COMMANDS, main
from evenfit.errors import BudgetError, ConfigError, DataError, Interrupted, StoreError


@pytest.mark.parametrize(
    "arguments",
    [
        ["fti"],
        ["fit", "a.csv", "--targt", "y"],
        ["fit", "a.csv"],
        ["fit", "--target", "y"],
        ["fit", "a.csv", "--target", "y", "--folds", "many"],
        ["fit", "a.csv", "--target", "y", "--folds", "1"],
        ["fit", "a.csv", "--target", "y", "--budget", "0"],
        ["fit", "a.csv", "--target", "y", "--budget", "soon"],
        ["fit", "a.csv", "--target", "y", "--budget", "40", "trials"],
        ["fit", "a.csv", "--target", "y", "--metric", "luck"],
        ["fit", "a.csv", "--target", "y", "--task", "guess"],
        ["fit", "a.csv", "--target", "y", "--config", "none.toml"],
        ["fit", "a.csv", "--target"],
        ["predict", "none", "new.csv"],
        ["predict"],
        ["score", "none", "new.csv"],
        ["show"],
        ["runs", "extra"],
    ],
    ids=" ".join,
)
def test_bad_input_is_one_line_on_standard_error_and_exit_2(arguments, command, fake_runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = command(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("evenfit: ")
    assert err.count("\n") == 1
    assert fake_runs.calls == []


@pytest.mark.parametrize("error", [BudgetError, ConfigError, DataError, StoreError])
def test_an_error_of_ours_is_its_message_and_exit_2(error, command, fake_runs):
    fake_runs.error = error("there is no column 'y';\ndid you mean 'Y'?")
    assert command("fit", "a.csv", "--target", "y") == (2, "", "evenfit: there is no column 'y'; did you mean 'Y'?\n")


def test_an_error_of_the_machine_names_the_file_and_exits_2(command, fake_runs):
    fake_runs.error = PermissionError(13, "Permission denied", "a.csv")
    assert command("fit", "a.csv", "--target", "y") == (2, "", "evenfit: a.csv: Permission denied\n")


def test_a_mistake_of_ours_is_not_mistaken_for_a_failed_gate(command, fake_runs):
    fake_runs.error = RuntimeError("oh")
    code, out, err = command("fit", "a.csv", "--target", "y")
    assert (code, out) == (70, "")
    assert "RuntimeError: oh" in err


def test_an_interrupted_run_says_how_to_go_on_and_exits_3(command, fake_runs):
    fake_runs.error = Interrupted("bank 1", runs="runs")
    code, _, err = command("fit", "a.csv", "--target", "y")
    assert (code, err) == (3, "evenfit: stopped, and kept; to go on: evenfit resume 'bank 1'\n")


def test_the_line_to_resume_names_another_folder_of_runs(command, fake_runs):
    fake_runs.error = Interrupted("bank", runs="else/where")
    assert command("fit", "a.csv", "--target", "y")[2].endswith("evenfit resume bank --runs else/where\n")


def test_an_interruption_before_anything_is_kept_exits_130(command, fake_runs):
    fake_runs.error = KeyboardInterrupt()
    assert command("fit", "a.csv", "--target", "y") == (130, "", "evenfit: stopped; there is nothing to resume\n")


def test_a_request_to_terminate_is_an_interruption(command, fake_runs):
    def die(request, *, progress):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)

    sys.modules["evenfit.runs.fit"].fit = die
    assert command("fit", "a.csv", "--target", "y")[0] == 130


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_help_is_on_standard_output_and_exits_0(arguments, command):
    code, out, err = command(*arguments)
    assert (code, err) == (0, "")
    assert "Usage: evenfit" in out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_prints_json_when_asked(name, command):
    assert "--json" in command(name, "--help")[1]


def test_the_version_is_printed(command):
    import evenfit

    assert command("--version") == (0, f"{evenfit.__version__}\n", "")


@pytest.mark.parametrize("arguments", [["--help"], ["fit", "--help"], ["runs"]], ids=" ".join)
def test_commands_that_do_not_train_start_without_torch(arguments, tmp_path):
    code = (
        "import sys\nfrom evenfit.cli import main\n"
        f"main({arguments!r})\n"
        "sys.exit(', '.join({'torch', 'sklearn', 'optuna', 'numba', 'polars', 'matplotlib'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_reader_that_leaves_early_is_no_error(tmp_path):
    shell = f"set -o pipefail; {sys.executable} -m evenfit --help | true"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "Traceback" not in done.stderr


def test_the_end_of_the_process_does_not_look_for_garbage(fake_runs, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["evenfit", "--version"])
    try:
        assert main() == 0
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
    main(["--version"])
    assert gc.get_freeze_count() == 0

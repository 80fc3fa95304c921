import json
import subprocess
import sys
import time

import pytest

from evenfit.cli.main import main
from evenfit.runs.spaces import read_space_file
from evenfit.specs.space import Choice, Range

HEAD = "program: a.py\ncommand: [PYTHON, '${program}', '${args}']\nmetric: {name: loss_v}\n".replace(
    "PYTHON", sys.executable
)
START = "import json, sys, time\nargs = dict(word[2:].split('=') for word in sys.argv[1:])\n"
LOG = "print(json.dumps({'loss_v': float(args['x'])}))\n"


@pytest.fixture
def sweep(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(text, keys, *options, program="a.py", head=HEAD):
        (tmp_path / "a.py").write_text(START + text)
        (tmp_path / "s.yaml").write_text(head.replace("a.py", program) + keys)
        code = main(["sweep", "s.yaml", *options])
        found = capsys.readouterr()
        return code, found.out, found.err

    return call


GRID = "method: grid\nparameters: {x: {values: [3, 1, 2]}}\n"


def test_a_program_that_prints_json_lines_is_swept_and_a_second_call_runs_nothing_anew(sweep, tmp_path):
    program = LOG + "open('count', 'a').write('1')\n"
    code, out, _ = sweep(program, GRID, "--json")
    assert code == 0
    assert json.loads(out)["best"]["config"] == {"x": 1}
    again = sweep(program, GRID, "--json")
    assert again[1] == out
    assert (tmp_path / "count").read_text() == "111"


def test_folds_join_the_arguments_and_their_mean_counts(sweep):
    program = "print(json.dumps({'loss_v': float(args['x']) + int(args['fold']) / int(args['folds'])}))\n"
    code, out, _ = sweep(program, GRID, "--folds", "2", "--json", "--jobs", "2")
    assert code == 0
    assert json.loads(out)["best"]["value"] == pytest.approx(1.25)


def test_a_word_too_many_is_refused(sweep):
    code, _, err = sweep(LOG, GRID, "s2.yaml")
    assert (code, "'s2.yaml' is left over" in err) == (2, True)


def test_the_space_that_is_printed_is_the_one_that_fit_reads(sweep, tmp_path):
    keys = "method: bayes\nparameters: {dropout: {min: 0.0, max: 0.5}, depth: {values: [1, 2]}, other: {value: 1}}\n"
    code, out, err = sweep(LOG, keys, "--to-space")
    assert (code, "left out: other" in err) == (0, True)
    (tmp_path / "space.toml").write_text(out)
    found = read_space_file(str(tmp_path / "space.toml"))
    assert found.values == {"dropout": Range(low=0.0, high=0.5), "depth": Choice(values=(1, 2))}
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{n},{n % 3}\n" for n in range(60)))
    assert main(["fit", "t.csv", "--target", "y", "--space", "space.toml", "--budget", "5s", "--plan"]) == 0


def test_equal_folds_give_a_warning(sweep):
    assert "does the program use fold?" in sweep(LOG, GRID, "--folds", "2")[2]


def test_a_metric_that_is_never_logged_ends_the_sweep_with_the_names_that_were(sweep):
    code, _, err = sweep("print(json.dumps({'other': 1, 'more': {'deep': 2}}))\n", GRID)
    assert code == 2
    assert "the first run logged: other, more.deep" in err


def test_three_failures_at_once_end_the_sweep_with_the_last_lines(sweep):
    code, _, err = sweep("sys.stderr.write('x' * 3_000_000 + chr(10)); raise SystemExit('no such data')\n", GRID)
    assert code == 2
    assert "no such data" in err
    assert "three times" in err


def test_a_program_that_is_not_there_is_said_before_anything_runs(sweep, tmp_path):
    code, _, err = sweep(LOG, GRID.replace("method", "name: x\nmethod"), program="b.py")
    assert (code, "there is no program b.py" in err) == (2, True)
    assert not (tmp_path / "sweeps").exists()


def test_a_command_that_cannot_be_started_is_said(sweep):
    code, _, err = sweep(LOG, GRID + "command: [no-such-word, '${program}']\n", head=HEAD.split("command")[0])
    assert (code, "no-such-word cannot be started" in err) == (2, True)


def test_a_run_that_hangs_forks_and_ignores_signals_is_killed_with_its_group(sweep, tmp_path):
    program = (
        "import os, signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "if args['x'] == '3':\n    os.fork()\n    while True:\n"
        "        open('alive', 'w').write(str(time.time())); time.sleep(0.05)\n"
    )
    code, out, err = sweep(program + LOG, GRID, "--timeout", "2", "--json")
    found = json.loads(out)
    assert code == 0
    assert [trial["status"] for trial in found["trials"]] == ["killed", "finished", "finished"]
    assert [trial["value"] for trial in found["trials"]] == [None, 1, 2]
    assert "trial 0 was killed after 2 s" in err
    before = (tmp_path / "alive").read_text()
    time.sleep(0.3)
    assert (tmp_path / "alive").read_text() == before


def test_a_run_is_stopped_while_it_runs(sweep):
    program = "for _ in range(40):\n    print(json.dumps({'loss_v': float(args['x'])}), flush=True); time.sleep(0.05)\n"
    keys = "method: grid\nparameters: {x: {values: [1, 2]}}\nearly_terminate: {type: hyperband, min_iter: 2}\n"
    found = json.loads(sweep(program, keys, "--json")[1])["trials"]
    assert [trial["status"] for trial in found] == ["finished", "stopped"]
    assert found[1]["runs"][0]["logged"] < 30


def test_run_cap_ends_the_sweep(sweep):
    keys = "method: grid\nparameters: {x: {values: [3, 1, 2]}}\n"
    code, out, _ = sweep(LOG, keys.replace("method", "run_cap: 2\nmethod"), "--json")
    assert code == 0
    assert len(json.loads(out)["trials"]) == 2


def test_numbers_of_a_nan_metric_are_warned_of_and_rank_nowhere(sweep):
    program = "print(json.dumps({'loss_v': float('nan') if args['x'] == '3' else 1.0}))\n"
    code, out, err = sweep(program, GRID, "--json")
    assert code == 0
    assert json.loads(out)["best"]["trial"] == 1
    assert "not finite" in err


def test_a_sweep_without_any_value_ends_as_one_that_could_not_be_done(sweep):
    code, out, err = sweep("print(json.dumps({'loss_v': float('nan')}))\n", GRID, "--json")
    assert code == 2
    assert json.loads(out)["best"] is None
    assert "no trial came to a value of 'loss_v' that is a number" in err.splitlines()[-1]
    assert "output.log" in err.splitlines()[-1]


def test_the_sweep_ends_once_a_run_is_at_the_target(sweep):
    head = HEAD.replace("{name: loss_v}", "{name: loss_v, target: 1.5}")
    found = json.loads(sweep(LOG, GRID, "--json", head=head)[1])["trials"]
    assert [trial["value"] for trial in found] == [3, 1]


def test_the_best_of_a_goal_to_maximize_is_the_highest(sweep):
    head = HEAD.replace("{name: loss_v}", "{name: loss_v, goal: maximize, target: 100}")
    found = json.loads(sweep(LOG, GRID, "--json", head=head)[1])
    assert (found["best"]["value"], len(found["trials"])) == (3, 3)


def test_seeds_join_the_arguments_and_each_fold_has_them(sweep):
    program = "print(json.dumps({'loss_v': int(args['seed']) + 10 * int(args['fold'])}))\n"
    found = json.loads(sweep(program, GRID, "--seeds", "2", "--folds", "2", "--json")[1])
    assert [(run["fold"], run["seed"], run["value"]) for run in found["best"]["runs"]] == [
        (0, 0, 0),
        (0, 1, 1),
        (1, 0, 10),
        (1, 1, 11),
    ]
    assert found["best"]["value"] == 5.5


def test_folds_are_stopped_early_with_their_trial(sweep):
    program = "for _ in range(30):\n    print(json.dumps({'loss_v': float(args['x'])}), flush=True); time.sleep(0.05)\n"
    keys = "method: grid\nparameters: {x: {values: [1, 2]}}\nearly_terminate: {type: hyperband, min_iter: 2}\n"
    found = json.loads(sweep(program, keys, "--folds", "2", "--json")[1])["trials"]
    assert [trial["status"] for trial in found] == ["finished", "stopped"]
    assert len(found[1]["runs"]) == 1  # its second fold was not begun


@pytest.mark.parametrize("options", [["--engine", "optuna"], pytest.param([], marks=pytest.mark.slow)])
def test_optuna_and_bayes_come_closer_than_chance_and_repeat(sweep, tmp_path, options):
    keys = "method: bayes\nrun_cap: 14\nparameters: {x: {min: 0.0, max: 1.0}}\n"
    program = "print(json.dumps({'loss_v': (float(args['x']) - 0.3) ** 2}))\n"
    first = json.loads(sweep(program, keys, "--json", "--folder", "one", *options)[1])
    second = json.loads(sweep(program, keys, "--json", "--folder", "two", *options)[1])
    assert [trial["config"] for trial in first["trials"]] == [trial["config"] for trial in second["trials"]]
    assert first["best"]["value"] < 0.01


def test_a_scheduler_of_optuna_is_honoured(sweep):
    keys = "method: custom\nscheduler: {engine: optuna}\nrun_cap: 3\nparameters: {x: {min: 0.0, max: 1.0}}\n"
    code, out, _ = sweep(LOG, keys, "--json")
    assert (code, len(json.loads(out)["trials"])) == (0, 3)


def test_the_command_that_is_given_runs_the_best_again(sweep, tmp_path):
    found = json.loads(sweep(LOG, GRID, "--json")[1])
    done = subprocess.run(found["command"], shell=True, capture_output=True, text=True, check=True)  # noqa: S602
    assert json.loads(done.stdout) == {"loss_v": 1.0}
    assert found["command"] in (tmp_path / "sweeps" / "s" / "README.md").read_text()


def test_a_metric_that_only_some_runs_fail_to_log_does_not_end_the_sweep(sweep):
    code, out, _ = sweep("if args['x'] != '1':\n    " + LOG, GRID, "--json")
    assert (code, [trial["value"] for trial in json.loads(out)["trials"]]) == (0, [3, None, 2])


def test_three_failures_after_a_success_do_not_end_the_sweep(sweep):
    keys = GRID.replace("[3, 1, 2]", "[0, 1, 2, 3, 4]")
    code, out, err = sweep("if args['x'] != '0': raise SystemExit(7)\n" + LOG, keys, "--json")
    assert (code, len(json.loads(out)["trials"])) == (0, 5)
    assert "failed with exit code 7" in err


def test_a_folder_of_another_sweep_is_refused(sweep):
    sweep(LOG, GRID)
    code, _, err = sweep(LOG, GRID.replace("[3, 1, 2]", "[3]"))
    assert (code, "give another --folder" in err) == (2, True)


def test_a_notebook_is_refused_with_what_to_do(tmp_path, capsys):
    assert main(["sweep", str(tmp_path / "a.ipynb")]) == 2
    assert "nbconvert" in capsys.readouterr().err

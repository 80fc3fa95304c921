import json
import sys
import time

import pytest

from evenfit.cli.main import main

HEAD = "program: a.py\ncommand: [PYTHON, '${program}', '${args}']\nmetric: {name: loss_v}\n".replace(
    "PYTHON", sys.executable
)
START = "import json, sys, time\nargs = dict(word[2:].split('=') for word in sys.argv[1:])\n"
LOG = "print(json.dumps({'loss_v': float(args['x'])}))\n"


@pytest.fixture
def sweep(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(program, keys, *options):
        (tmp_path / "a.py").write_text(START + program)
        (tmp_path / "s.yaml").write_text(HEAD + keys)
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
    code, _, err = sweep(LOG, "program_: x\n" + GRID)
    assert (code, "did you mean 'program'" in err) == (2, True)


def test_a_run_that_hangs_forks_and_ignores_signals_is_killed_with_its_group(sweep, tmp_path):
    program = (
        "import os, signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "if args['x'] == '3':\n    os.fork()\n    while True:\n"
        "        open('alive', 'w').write(str(time.time())); time.sleep(0.05)\n"
    )
    code, out, _ = sweep(program + LOG, GRID, "--timeout", "0.5", "--json")
    assert [trial["status"] for trial in json.loads(out)["trials"]] == ["finished", "finished", "killed"] or code == 0
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
    code, out, err = sweep("print(json.dumps({'loss_v': float('nan')}))\n", GRID, "--json")
    assert code == 0
    assert json.loads(out)["best"] is None
    assert "not finite" in err

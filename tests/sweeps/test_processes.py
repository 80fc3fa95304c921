import json
import os
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found by /proc")

# It leaves its group, so that no signal to the group reaches it, and beats on.
ESCAPE = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True:
            open("alive", "w").write(str(time.time()))
            time.sleep(0.02)
    os._exit(0)
"""


def _start(tmp_path, program, *options):
    (tmp_path / "a.py").write_text(program)
    keys = {"program": "a.py", "method": "grid", "metric": {"name": "v"}, "parameters": {"x": {"values": [2, 1]}}}
    (tmp_path / "s.json").write_text(json.dumps(keys))
    command = [sys.executable, "-m", "evenfit", "sweep", "s.json", "--json", *options]
    return subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _beats(tmp_path):
    def now():
        return (tmp_path / "alive").read_text() if (tmp_path / "alive").exists() else ""

    before = now()
    time.sleep(0.3)
    return now() != before


def _wait_for(condition, seconds=60):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_child_that_left_its_group_ends_with_its_run(tmp_path):
    # the second run sees whether the first one's child still beats
    look = (
        "import json\ntime.sleep(0.3)\nif sys.argv[1] == '--x=1':\n"
        "    before = open('alive').read(); time.sleep(0.5)\n"
        "    print(json.dumps({'v': open('alive').read() != before}))\nelse:\n    print('{\"v\": 5}')\n"
    )
    process = _start(tmp_path, ESCAPE.replace("if os.fork", "if sys.argv[1] == '--x=2' and os.fork") + look)
    out, err = process.communicate(timeout=100)
    assert process.returncode == 0, err
    assert [trial["value"] for trial in json.loads(out)["trials"]] == [5, 0]
    assert not _beats(tmp_path)


@pytest.mark.parametrize(
    "sign",
    [signal.SIGKILL, *(pytest.param(sign, marks=pytest.mark.slow) for sign in (signal.SIGINT, signal.SIGTERM))],
)
def test_whatever_ends_evenfit_leaves_nothing_running_and_the_sweep_goes_on_later(tmp_path, sign):
    hang = "if sys.argv[1] == '--x=1' and not os.path.exists('over'):\n    time.sleep(600)\nprint('{\"v\": 1}')\n"
    process = _start(tmp_path, ESCAPE + hang)
    journal = tmp_path / "sweeps" / "s" / "trials.jsonl"
    _wait_for(lambda: journal.exists() and journal.read_text().count("proposed") == 2 and _beats(tmp_path))
    process.send_signal(sign)
    process.communicate(timeout=60)
    assert process.returncode == (-9 if sign == signal.SIGKILL else 3)
    _wait_for(lambda: not _beats(tmp_path), 10)
    (tmp_path / "over").touch()
    begun = journal.read_text()
    again = _start(tmp_path, ESCAPE + hang)
    out, err = again.communicate(timeout=100)
    assert again.returncode == 0, err
    assert [trial["status"] for trial in json.loads(out)["trials"]] == ["finished", "finished"]
    assert journal.read_text().startswith(begun)


@pytest.mark.slow
def test_what_ignores_signals_and_floods_its_output_is_killed_in_time(tmp_path):
    program = (
        "import os, signal, sys, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "for _ in range(8):\n    sys.stderr.write('x' * 1_000_000)\n"
        "if sys.argv[1] == '--x=2':\n    time.sleep(600)\nprint('\\n{\"v\": 1}')\n"
    )
    process = _start(tmp_path, program, "--timeout", "3")
    out, _ = process.communicate(timeout=100)
    assert [trial["status"] for trial in json.loads(out)["trials"]] == ["killed", "finished"]
    assert (tmp_path / "sweeps" / "s" / "00000" / "output.log").stat().st_size == 8_000_000


def test_two_sweeps_of_one_folder_are_not_run_at_once(tmp_path):
    process = _start(tmp_path, "import time\ntime.sleep(600)\n")
    journal = tmp_path / "sweeps" / "s" / "trials.jsonl"
    _wait_for(lambda: journal.exists() and "proposed" in journal.read_text())
    other = _start(tmp_path, "import time\ntime.sleep(600)\n")
    _, err = other.communicate(timeout=60)
    assert (other.returncode, "is in use by another evenfit sweep" in err) == (2, True)
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=60)

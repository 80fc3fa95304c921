import json
import sys

import pytest

from evenfit.errors import SweepError
from evenfit.sweeps.command import fill, interpreter_first, place
from evenfit.sweeps.sweep import make_sweep

CONFIG = {"flag": True, "off": False, "list": [1, "a"], "outer": {"inner": 0.5}, "none": None, "text": "a b"}


def _filled(tmp_path, *command, **environment):
    return fill(command, CONFIG, program="a.py", file=tmp_path / "c.json", environment=environment)


@pytest.mark.parametrize(
    ("macro", "words"),
    [
        ("env", ["/usr/bin/env"]),
        ("interpreter", ["python"]),
        ("program", ["a.py"]),
        (
            "args",
            [
                *("--flag=True", "--off=False", "--list=[1, 'a']", "--outer={'inner': 0.5}", "--none=None"),
                "--text=a b",
            ],
        ),
        (
            "args_no_hyphens",
            ["flag=True", "off=False", "list=[1, 'a']", "outer={'inner': 0.5}", "none=None", "text=a b"],
        ),
        (
            "args_no_boolean_flags",
            ["--flag", "--list=[1, 'a']", "--outer={'inner': 0.5}", "--none=None", "--text=a b"],
        ),
        (
            "args_json",
            ['{"flag": true, "off": false, "list": [1, "a"], "outer": {"inner": 0.5}, "none": null, "text": "a b"}'],
        ),
        ("args_no_such", []),
    ],
)
def test_a_macro_is_what_wandbs_agent_makes_of_it(tmp_path, macro, words):
    assert _filled(tmp_path, f"${{{macro}}}") == words


def test_arguments_come_apart_or_with_hydras_signs(tmp_path):
    assert _filled(tmp_path, "${args_no_equals}")[:4] == ["--flag", "True", "--off", "False"]
    assert _filled(tmp_path, "${args_append_hydra}")[0] == "+flag=True"
    assert _filled(tmp_path, "${args_override_hydra}")[0] == "++flag=True"


def test_a_file_of_arguments_is_written_where_it_is_asked_for(tmp_path):
    assert _filled(tmp_path, "${args_json_file}") == [str(tmp_path / "c.json")]
    assert json.loads((tmp_path / "c.json").read_text()) == CONFIG


def test_a_variable_stands_within_words_and_one_that_is_not_set_is_its_name(tmp_path):
    assert _filled(tmp_path, "--gpu=${envvar:GPU}/${envvar:NONE}", GPU="3") == ["--gpu=3/NONE"]


def test_a_macro_that_wandb_does_not_know_is_warned_of_with_the_nearest():
    sweep = make_sweep(
        {"method": "grid", "program": "a", "parameters": {"x": {"value": 1}}, "command": ["${program}", "${arg}"]}
    )
    assert "did you mean ${args}" in sweep.warnings[0]


def test_the_python_is_evenfits_own_unless_an_environment_is_active():
    first = interpreter_first({"PATH": "/bin"}).split(":")[0]
    assert sys.executable.startswith(first)
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        assert interpreter_first({"PATH": "/bin", name: "/x"}) == "/bin"


def test_a_program_is_run_where_it_lies_or_beside_the_sweep_file(tmp_path, monkeypatch):
    command = ["${interpreter}", "${program}"]
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.py").touch()
    monkeypatch.chdir(tmp_path)
    assert place("a.py", command, beside=other) == other
    (tmp_path / "a.py").touch()
    assert place("a.py", command, beside=other) == tmp_path
    assert place("package.module", ["python", "-m", "${program}"], beside=other) == tmp_path
    (other / "package").mkdir()
    (other / "package" / "module.py").touch()
    assert place("package.module", ["python", "-m", "${program}"], beside=other) == other
    assert place("sh", ["${program}"], beside=other) == tmp_path
    with pytest.raises(SweepError, match=r"there is no program b\.py"):
        place("b.py", command, beside=other)

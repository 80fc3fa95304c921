"""The documentation cannot drift: its commands parse, its options exist, its links lead somewhere."""

import json
import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest
from tests.report.studies import make_study

from evenfit.cli.main import COMMANDS, build_app
from evenfit.errors import ConfigError
from evenfit.results.json import to_json
from evenfit.runs.measures.request import COMMANDS as MEASUREMENTS
from evenfit.runs.options import request_from
from evenfit.runs.request import METRICS, FitRequest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "examples/README.md", *sorted((ROOT / "docs").rglob("*.md"))]
README = (ROOT / "README.md").read_text(encoding="utf-8")
OPTIONS, MEASURE_OPTIONS = (
    (ROOT / "docs/options.md").read_text(encoding="utf-8").split("\n# Options of the measurements\n")
)


def commands(text):
    """Lines of shell blocks that start with evenfit, without their comments."""
    blocks = re.findall(r"```bash\n(.*?)```", text, flags=re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line.split("  #")[0].strip() for line in lines if line.startswith("evenfit")]


ALL_COMMANDS = sorted({line for page in PAGES for line in commands(page.read_text(encoding="utf-8"))})


@pytest.mark.parametrize("line", ALL_COMMANDS)
def test_every_command_in_the_documentation_parses(line):
    build_app().parse_args(shlex.split(line)[1:], exit_on_error=False, print_error=False)


def test_the_readme_shows_every_command():
    assert {line.split()[1] for line in commands(README)} == set(COMMANDS)


def test_make_demo_runs_the_line_of_the_readme():
    [line] = re.findall(
        r"^\t\$\(BIN\)/(evenfit fit .*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert line == commands(README)[0]


def test_every_option_of_fit_is_explained():
    explained = re.findall(r"^\| `([a-z-]+)` \|", OPTIONS, re.MULTILINE)
    assert sorted(explained) == sorted(field.name.replace("_", "-") for field in fields(FitRequest))


@pytest.mark.parametrize("command", MEASUREMENTS)
def test_every_option_of_a_measurement_is_explained_and_exists(command, capsys):
    explained = {
        name
        for names, of in re.findall(r"^\| (`[a-z`, -]+`) \| ([a-z, -]+) \|", MEASURE_OPTIONS, re.MULTILINE)
        for name in re.findall(r"[a-z-]+", names)
        if of == "all" or command in of.split(", ")
    }
    build_app()([command, "--help"], exit_on_error=False, result_action="return_value")
    assert explained == set(re.findall(r"--([a-z-]+)", capsys.readouterr().out)) - {"help", "version"}


def test_the_schema_of_the_options_file_is_that_of_the_options():
    schema = json.loads((ROOT / "docs/fit.schema.json").read_text(encoding="utf-8"))["properties"]
    known = {field.name.replace("_", "-"): field for field in fields(FitRequest)}
    assert schema.keys() == known.keys()
    for name, about in schema.items():
        least = about.get("minimum", 0)
        for right in about.get("enum", [least] if "minimum" in about else []):
            request_from({"table": "a.csv", "target": "y", name: right})
        for wrong in ["none of these"] if "enum" in about else [least - 1] if "minimum" in about else []:
            with pytest.raises(ConfigError, match=name):
                request_from({"table": "a.csv", "target": "y", name: wrong})
        if "default" in about and name != "budget":
            assert about["default"] == known[name].default


@pytest.mark.parametrize("flag", sorted(set(re.findall(r"`(--[a-z-]+)", README + OPTIONS))))
def test_every_flag_in_the_documentation_exists(flag, capsys):
    build_app()(["fit", "--help"], exit_on_error=False, result_action="return_value")
    assert flag in capsys.readouterr().out


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_is_named_in_the_documentation_and_in_help(metric, capsys):
    build_app()(["fit", "--help"], exit_on_error=False, result_action="return_value")
    assert f"`{metric}`" in OPTIONS
    assert metric in capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_exist(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("line", ALL_COMMANDS)
def test_tables_in_the_documentation_exist(line):
    for word in shlex.split(line):
        if word.startswith("examples/"):
            assert (ROOT / word).exists()


def test_every_name_in_json_is_explained():
    page = (ROOT / "docs/json.md").read_text(encoding="utf-8")
    explained = {
        name for cell in re.findall(r"^\| (`[^|]*) \|", page, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)
    }
    study = to_json(make_study())
    names = set(study) | set(study["selected"]) | set(study["estimate"])
    assert names - explained == set()
    added = {"run", "test", "ensemble_gain", "expected", "memory", "extended"}
    added |= {"importance", "regularisers", "hyperparameters"}
    assert explained - names == added, "what a run adds to its study"

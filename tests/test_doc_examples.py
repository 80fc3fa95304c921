"""The blocks of Python in the documentation run as they stand, one after the other."""

import re
import tomllib
from pathlib import Path

import pytest
import torch
from torch import nn

from evenfit.specs.config import Config
from evenfit.specs.space import Range, Space
from evenfit.specs.space.toml import read_space

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
# those that need no run of evenfit fit
PAGES = (
    "audit.md",
    "bias-variance.md",
    "diagnose.md",
    "learning-curve.md",
    "regularisation.md",
    "space.md",
    "tuning.md",
)


@pytest.mark.parametrize("page", PAGES)
def test_the_python_of_a_page_runs(page, capsys):
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    assert blocks
    names = {}
    with torch.random.fork_rng():
        for number, block in enumerate(blocks):
            exec(compile(block, f"{page}, block {number}", "exec"), names)  # noqa: S102 - this project's own pages


def test_the_spaces_of_their_page_are_spaces():
    blocks = re.findall(r"```toml\n(.*?)```", (DOCS / "space.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) >= 3
    for number, block in enumerate(blocks):
        asked = read_space(tomllib.loads(block)["space"], where=f"space.md, block {number}")
        assert asked.over(Space(default=Config(), values={"dropout": Range(low=0.0, high=0.5)})).values


def test_the_audit_prints_what_its_page_shows(capsys):
    page = (DOCS / "audit.md").read_text(encoding="utf-8")
    [block, *_] = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    [shown, *_] = re.findall(r"```text\n(.*?)```", page, flags=re.DOTALL)
    with torch.random.fork_rng():
        exec(compile(block, "audit.md", "exec"), {})  # noqa: S102 - as above
    assert re.sub(r"[\d.]+", "#", capsys.readouterr().out.strip()) == re.sub(r"[\d.]+", "#", shown.strip())


def test_the_readmes_lines_on_a_model_run(capsys):
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```python\n(import evenfit.regularize.*?)```", page, flags=re.DOTALL)
    names = {"torch": torch, "model": nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))}
    exec(compile(block, "README.md", "exec"), names)  # noqa: S102 - as above
    assert "total" in capsys.readouterr().out
    x = torch.randn(5, 3)
    torch.testing.assert_close(names["deployed"](x), names["model"].eval()(x))

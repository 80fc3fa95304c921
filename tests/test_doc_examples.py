"""The blocks of Python in the documentation run as they stand, one after the other."""

import re
from pathlib import Path

import pytest
import torch

DOCS = Path(__file__).parent.parent / "docs"
PAGES = ("audit.md", "regularisation.md")  # those that need no run of evenfit fit


@pytest.mark.parametrize("page", PAGES)
def test_the_python_of_a_page_runs(page, capsys):
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    assert blocks
    names = {}
    with torch.random.fork_rng():
        for number, block in enumerate(blocks):
            exec(compile(block, f"{page}, block {number}", "exec"), names)  # noqa: S102 - this project's own pages


def test_the_audit_prints_what_its_page_shows(capsys):
    page = (DOCS / "audit.md").read_text(encoding="utf-8")
    [block, *_] = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    [shown, *_] = re.findall(r"```text\n(.*?)```", page, flags=re.DOTALL)
    with torch.random.fork_rng():
        exec(compile(block, "audit.md", "exec"), {})  # noqa: S102 - as above
    assert re.sub(r"[\d.]+", "#", capsys.readouterr().out.strip()) == re.sub(r"[\d.]+", "#", shown.strip())

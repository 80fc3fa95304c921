"""The page on exports: its code runs, on the tables that it names."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.deploy.exporting.models import SMALL, make_model

from evenfit.data.sources import read
from evenfit.deploy import export
from evenfit.deploy.exporting.formats import FORMATS
from evenfit.deploy.exporting.recipe import make_recipe

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/export.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A working directory with a run of the example table, untrained, exported in two formats."""
    home = tmp_path_factory.mktemp("page")
    (home / "examples").symlink_to(ROOT / "examples")
    frame = read(ROOT / "examples/bank.csv").drop("subscribed")[:500]
    model = make_model("binary", (SMALL,), frame=frame)
    model.save(home / "runs/bank/model")
    for format in ("onnx", "safetensors"):
        export(model, format=format, path=home / f"runs/bank/export/{format}", rows=frame)
    return home


# Torch takes long to write ONNX.
NUMBERS = [
    pytest.param(number, marks=pytest.mark.slow) if "import torch" in block else number
    for number, block in enumerate(BLOCKS)
]


@pytest.mark.parametrize("number", NUMBERS)
def test_code_of_the_page_runs(number, home):
    done = subprocess.run([sys.executable, "-c", BLOCKS[number]], cwd=home, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_page_names_every_format():
    assert set(re.findall(r"^\| `(\w+)` \| `model", PAGE, re.MULTILINE)) == set(FORMATS)


def test_the_page_explains_every_tensor():
    explained = re.sub(r"[^\w]+", " ", " ".join(re.findall(r"^\| (`[^|]*) \|", PAGE, re.MULTILINE))).split()
    configs = (SMALL.with_values(inputs="quantile", target="quantile"), SMALL)
    tensors = make_recipe(make_model("regression", configs)).tensors
    names = {re.sub(r"\d+$", "", name.rpartition(".")[2]) for name in tensors if not name.startswith("date.")}
    known = {re.sub(r"\d+$", "", word).removesuffix("C") for word in explained}
    assert names <= known

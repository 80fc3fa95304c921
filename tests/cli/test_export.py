"""evenfit export: what it asks of the runs below it."""

import sys
from pathlib import Path
from types import ModuleType

import pytest
from tests.cli.conftest import FakeAnswer


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """What the runs below were asked for."""
    calls, module = [], ModuleType("evenfit.runs.export")

    def export(folder, **options):
        calls.append((folder, options))
        return FakeAnswer()

    module.export = export
    monkeypatch.setitem(sys.modules, "evenfit.runs.export", module)
    monkeypatch.chdir(tmp_path)
    Path("runs/a").mkdir(parents=True)
    return calls


def test_every_option_is_handed_over(command, asked):
    code, out, _ = command(
        *("export", "a", "--format", "torch", "--out", "o", "--rows", "r.csv", "--delimiter", "tab"),
        *("--encoding", "latin-1"),
    )
    assert (code, out) == (0, "selected 0.4\n")
    options = {"format": "torch", "out": Path("o"), "rows": Path("r.csv"), "delimiter": "\t", "encoding": "latin-1"}
    assert asked == [(Path("runs/a"), options)]


def test_onnx_in_the_run_s_folder_is_the_default(command, asked):
    assert command("export", "runs/a", "--json")[1].startswith("{")
    options = {"format": "onnx", "out": None, "rows": None, "delimiter": None, "encoding": None}
    assert asked == [(Path("runs/a"), options)]

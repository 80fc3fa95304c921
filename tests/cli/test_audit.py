"""evenfit audit: a model of a user's, named on the command line."""

import json
import subprocess
import sys
import textwrap

import pytest

NET = """
    import torch
    from torch import nn

    print("imported")

    class Net(nn.Module):
        def __init__(self, width=8, *, rate=0.2):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Dropout(rate))
            self.head = nn.Linear(width, 2)

        def forward(self, x):
            print("called")
            return self.head(self.body(x))

    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.head = nn.Embedding(9, 4), nn.Linear(4, 9)

        def forward(self, tokens, weights=None):
            found = self.embed(tokens)
            return self.head(found if weights is None else found * weights[..., None])

    class Models:
        made = Net(rate=0.9)

    def broken():
        return {}["width"]

    def batch():
        return torch.randn(5, 4)

    def steps(model):
        return torch.optim.Adam(model.parameters(), weight_decay=0.1)

    def bad(rate=0.9):
        return nn.Sequential(nn.Linear(4, 2), nn.Dropout(rate), nn.Softmax(dim=1))

    number = 3
"""


@pytest.fixture
def net(tmp_path, monkeypatch):
    """A folder with a file of a user's, and a package."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(textwrap.dedent(NET))
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts/neighbour.py").write_text("rate = 0.9\n")
    lines = ["import neighbour", "from torch import nn", "def make():", "    return nn.Dropout(neighbour.rate)", ""]
    (tmp_path / "parts/model.py").write_text("\n".join(lines))
    (tmp_path / "own_package_of_nets").mkdir()
    (tmp_path / "own_package_of_nets/__init__.py").write_text("")
    (tmp_path / "own_package_of_nets/small.py").write_text("from torch import nn\nclass Small(nn.Linear):\n    pass\n")
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith(("own_package_of_nets", "neighbour")):
            del sys.modules[name]


@pytest.fixture
def audit(net, command):
    """Audit, and give the JSON."""

    def run(*arguments):
        code, out, err = command("audit", *arguments, "--json")
        assert code in (0, 1), err
        return json.loads(out)

    return run


def checks(found):
    return [(each["check"], each["layer"]) for each in found["findings"]]


def test_a_clean_model_is_said_to_be_clean(net, command):
    code, out, err = command("audit", "net.py:Net", "--sample", "[6, 4]")
    assert code == 0
    assert out.startswith("Net: nothing found\n\nlooked   run on [6, 4], twice in evaluation and once in training\n")
    assert err.startswith("evenfit: importing net.py, which runs its code\n")


def test_what_the_users_code_prints_stays_off_standard_output(net, command):
    _, out, err = command("audit", "net.py:Net", "--sample", "[6, 4]", "--json")
    assert json.loads(out)["way"] == "run"
    assert "imported" in err
    assert "called" in err


def test_findings_are_text_for_people_and_json_for_programs(net, command):
    code, out, _ = command("audit", "net.py:bad", "--sample", "[6, 4]")
    assert code == 0
    assert "ERROR    dropout on the output layer" in out
    _, out, _ = command("audit", "net.py:bad", "--sample", "[6, 4]", "--json")
    found = json.loads(out)
    assert ("dropout-on-output", "1") in checks(found)
    assert found["counts"] == {"error": 1, "warning": 1, "note": 2}


@pytest.mark.parametrize(
    ("model", "extra", "code"),
    [
        ("net.py:Net", (), 0),
        ("net.py:bad", (), 1),
        ("net.py:bad", ("--at-least", "error"), 1),
        ("net.py:bad", ("--arguments", '{"rate": 0.0}', "--at-least", "error"), 0),
        ("net.py:bad", ("--arguments", '{"rate": 0.0}'), 0),
        ("net.py:bad", ("--arguments", '{"rate": 0.0}', "--at-least", "note"), 1),
    ],
)
def test_strict_fails_from_a_seriousness_on_and_still_prints(model, extra, code, net, command):
    found, out, _ = command("audit", model, "--strict", *extra)
    assert found == code
    assert "looked" in out


def test_arguments_are_given_by_name_or_in_order(audit):
    assert ("high-rate", "body.2") in checks(audit("net.py:Net", "--arguments", '{"rate": 0.6}'))
    assert audit("net.py:Net", "--arguments", "[16]", "--sample", "[3, 4]")["findings"] == []


def test_a_model_may_be_in_a_class_in_a_file_or_a_package(audit):
    assert ("high-rate", "body.2") in checks(audit("net.py:Models.made"))
    assert ("high-rate", "") in checks(audit("parts/model.py:make"))  # which imports its neighbour
    assert audit("own_package_of_nets.small:Small", "--arguments", "[4, 2]", "--sample", "3,4")["model"] == "Small"


@pytest.mark.parametrize("sample", ["[5, 4]", "5,4", "5x4", "net.py:batch", "rows.npy", '{"x": [5, 4]}', "[[5, 4]]"])
def test_a_sample_may_be_shapes_a_file_or_a_function(sample, audit, net):
    import numpy as np

    np.save(net / "rows.npy", np.zeros((5, 4)))
    assert audit("net.py:Net", "--sample", sample)["looked"].startswith("run on [5, 4]")


def test_tokens_are_drawn_for_the_models_embeddings(audit):
    assert audit("net.py:Tagger", "--sample", "[6, 7]", "--dtype", "int64")["way"] == "run"
    sample = '{"tokens": [6, 7], "weights": [6, 7]}'
    found = audit("net.py:Tagger", "--sample", sample, "--dtype", "int64,float32")
    assert found["looked"].startswith("run on [6, 7], [6, 7]")


def test_loss_and_optimiser_are_looked_at_too(audit):
    found = audit("net.py:bad", "--sample", "[6, 4]", "--loss", "CrossEntropyLoss", "--optimiser", "net.py:steps")
    assert {"doubled-activation", "coupled-decay", "decay-of-biases"} <= {name for name, _ in checks(found)}
    assert found["unseen"] == []


def test_a_file_is_imported_once_and_forgotten_at_the_end(net, command):
    path = list(sys.path)
    _, _, err = command("audit", "net.py:Net", "--sample", "net.py:batch", "--optimiser", "net.py:steps")
    assert err.count("imported") == 1
    assert sys.path == path
    assert "net" not in sys.modules


def test_a_file_that_has_changed_is_imported_anew(net, command):
    command("audit", "net.py:Net")
    (net / "net.py").write_text("from torch import nn\ndef Net():\n    return nn.Dropout(0.9)\n")
    assert "high rate" in command("audit", "net.py:Net")[1]


def test_a_file_may_be_named_like_a_module_that_is_loaded(net, command):
    (net / "json.py").write_text("from torch import nn\ndef make():\n    return nn.Linear(2, 2)\n")
    assert command("audit", "json.py:make")[0] == 0
    assert sys.modules["json"] is json


BAD = {
    "no name": (["net.py"], "the model must be named as package.module:Name or path/file.py:name; got 'net.py'"),
    "no module": ([":Net"], "the model must be named as package.module:Name"),
    "no such file": (["nt.py:Net"], "there is no file nt.py"),
    "no such module": (["no.such:Net"], "there is no module 'no' in the working directory"),
    "no such name": (["net.py:Nett"], "net.py has no 'Nett'; did you mean 'Net'?"),
    "a number": (["net.py:number"], "net.py:number must be a class of nn.Module, a factory of one, or one; got 3"),
    "no model": (["net.py:batch"], "net.py:batch must give an nn.Module; it gave Tensor"),
    "raises": (["net.py:broken"], "making net.py:broken: net.py:30: KeyError: 'width'"),
    "arguments that do not fit": (["net.py:Net", "--arguments", '{"wdth": 3}'], "making net.py:Net: TypeError: "),
    "arguments of a model": (["net.py:Models.made", "--arguments", "[3]"], "it takes no arguments"),
    "arguments that are no JSON": (["net.py:Net", "--arguments", "{width"], "--arguments must be an object such as"),
    "arguments that are a number": (["net.py:Net", "--arguments", "3"], "must be a JSON object or list; got '3'"),
    "a sample that does not fit": (
        ["net.py:Net", "--sample", "[6, 5]"],
        "Net cannot be run on the sample [6, 5] at net.py:",
    ),
    "a sample that is no shape": (["net.py:Net", "--sample", "many"], "--sample must be a shape such as"),
    "an empty sample": (["net.py:Net", "--sample", "[]"], "--sample must have at least one axis"),
    "a negative size": (["net.py:Net", "--sample", "[6, -4]"], "a shape must be a list of whole numbers above 0"),
    "no such sample file": (["net.py:Net", "--sample", "rows.npy"], "rows.npy: No such file or directory"),
    "no such sample function": (["net.py:Net", "--sample", "net.py:btch"], "did you mean 'batch'?"),
    "a sample function that fails": (
        ["net.py:Net", "--sample", "net.py:broken"],
        "making the sample with net.py:broken: ",
    ),
    "a dtype without a shape": (["net.py:Net", "--sample", "net.py:batch", "--dtype", "int64"], "--dtype is that of a"),
    "no such dtype": (["net.py:Net", "--sample", "[6, 4]", "--dtype", "int65"], "dtype must be one of torch's"),
    "no such loss": (["net.py:Net", "--loss", "regret"], "torch has no loss 'regret'"),
    "no optimiser": (["net.py:Net", "--optimiser", "net.py:Net"], "making net.py:Net: "),
    "no name of an optimiser": (["net.py:Net", "--optimiser", "adam"], "--optimiser must be named as"),
    "at least without strict": (["net.py:Net", "--at-least", "note"], "give --strict too"),
    "no such seriousness": (["net.py:Net", "--strict", "--at-least", "worst"], "worst"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_exit_2(name, net, command):
    arguments, said = BAD[name]
    code, out, err = command("audit", *arguments)
    lines = [line for line in err.splitlines() if line.startswith("evenfit: ") and "importing" not in line[:20]]
    assert (code, out) == (2, "")
    assert len(lines) == 1
    assert said in lines[0]


BROKEN = {
    "syntax": ("x = (\n", "broken.py:1: SyntaxError"),
    "name": ("import torch\nundefined\n", "broken.py:2: NameError: name 'undefined' is not defined"),
    "import": (
        "import no_such_module_of_mine\n",
        "broken.py:1: ModuleNotFoundError: No module named 'no_such_module_of_mine'",
    ),
    "exit": ("import sys\nsys.exit('bye')\n", "broken.py:2: SystemExit: bye"),
    "torch": ("from torch import nn\n\nnn.Linear('a', 2)\n", "broken.py:3: TypeError"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_code_that_cannot_be_imported_is_told_with_its_line(name, net, command):
    code, said = BROKEN[name]
    (net / "broken.py").write_text(code)
    status, out, err = command("audit", "broken.py:Net")
    assert (status, out) == (2, "")
    assert f"evenfit: importing broken.py: {net}/{said}".replace(f"{net}/", "") in err.replace(f"{net}/", "")
    assert "broken" not in sys.modules


def test_nothing_is_imported_where_the_command_line_is_wrong(net, command):
    for arguments in (["net.py"], ["net.py:Net", "--arguments", "{"], ["net.py:Net", "--sample", "x y"]):
        assert "import" not in command("audit", *arguments)[2]


def test_help_starts_without_torch(tmp_path):
    code = (
        "import sys\nfrom evenfit.cli import main\nmain(['audit', '--help'])\n"
        "sys.exit(', '.join({'torch', 'numpy', 'sklearn', 'polars'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "--at-least" in done.stdout

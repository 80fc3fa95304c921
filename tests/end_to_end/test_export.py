"""evenfit export: from a run to a file that another process serves, and every way in which it can fail."""

import csv
import json
import shutil
import subprocess
import sys

import pytest

# A server of its own: what signature.json says is enough to feed the graph from a CSV file, without evenfit.
SERVER = """
import csv, json, sys
import numpy as np, onnxruntime
folder, table = sys.argv[1:]
rows = list(csv.DictReader(open(table, encoding="utf-8", newline="")))
feed = {}
for value in json.load(open(folder + "/signature.json", encoding="utf-8"))["inputs"]:
    cells = [row[value["column"]] for row in rows]
    if value["type"] == "string":
        feed[value["name"]] = np.array(cells, dtype=object)
    elif value["meaning"].startswith("seconds"):
        moments = np.array([cell or "NaT" for cell in cells], "datetime64[us]")
        feed[value["name"]] = (moments - np.datetime64(0, "us")) / np.timedelta64(1, "s")
    else:
        feed[value["name"]] = np.array([float(cell or "nan") for cell in cells])
outputs = onnxruntime.InferenceSession(folder + "/model.onnx").run(None, feed)
assert not {"evenfit", "torch"} & set(sys.modules)
print(json.dumps([output.tolist() for output in outputs]))
"""


@pytest.fixture
def serve(tmp_path):
    """Predict a file's rows from an exported folder, in a process that knows onnxruntime and numpy alone."""

    def run(folder, table):
        server = tmp_path / "server.py"
        server.write_text(SERVER)
        done = subprocess.run(
            [sys.executable, "-W", "ignore::ResourceWarning", server, folder, table],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def predicted(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_served_graph_predicts_what_evenfit_predicts(evenfit, shop, serve, tmp_path):
    table = shop.parent.parent / "shop.csv"
    said = evenfit("export", shop, "--out", tmp_path / "made")
    assert said.code == 0, said.err
    assert f"120 rows of {table} and 10 made of missing, unseen and extreme cells" in said.out
    assert evenfit("predict", shop, table, "--out", tmp_path / "predictions.csv").code == 0
    wanted = predicted(tmp_path / "predictions.csv")
    labels, probabilities = serve(tmp_path / "made", table)
    assert labels == [row["prediction"] for row in wanted]
    for row, (_, yes) in zip(wanted, probabilities, strict=True):
        assert yes == pytest.approx(float(row["probability_yes"]), abs=1e-5)


def test_the_answer_by_name_says_what_was_written_and_checked(evenfit, shop, tmp_path):
    said = evenfit("export", shop, "--format", "safetensors", "--out", tmp_path / "made", "--json")
    assert set(said.json["files"]) == {path.name for path in (tmp_path / "made").iterdir()}
    assert said.json["check"]["difference"] <= said.json["check"]["allowed"]
    assert said.json["signature"] == json.loads((tmp_path / "made" / "signature.json").read_text(encoding="utf-8"))
    assert (said.json["notes"], said.err) == ([], "")


def test_the_card_tells_of_the_run(evenfit, shop, tmp_path):
    assert evenfit("export", shop, "--out", tmp_path / "made").code == 0
    card = (tmp_path / "made" / "model-card.md").read_text(encoding="utf-8")
    metrics = json.loads((shop / "metrics.json").read_text(encoding="utf-8"))
    estimate = metrics["estimate"]
    for said in (
        "# shop: a model of sold",
        "120 rows of ",
        "fitted by: evenfit fit ",
        "Target sold: no ",
        "The rarest class, ",
        f"log loss on fresh rows: {estimate['mean']:.4g}, 90% interval {estimate['low']:.4g} to {estimate['high']:.4g}",
        "corrected for the choice among many configs (BBC-CV)",
        "Regularised by ",
        metrics["verdict"]["sentence"].split("[")[0][:40],
        "| day | date |",
        "| size | numeric | -",
    ):
        assert said in card


def test_the_folder_of_the_run_is_the_usual_place_and_is_not_overwritten(evenfit, shop, tmp_path):
    shutil.copytree(shop.parent, tmp_path / "runs")
    assert evenfit("export", "shop", "--runs", tmp_path / "runs", "--format", "onnx").code == 0
    made = tmp_path / "runs" / "shop" / "export" / "onnx"
    before = (made / "model.onnx").read_bytes()
    again = evenfit("export", "shop", "--runs", tmp_path / "runs", "--format", "onnx")
    assert (again.code, again.errors) == (
        2,
        [f"evenfit: {made} exists already: name another folder, or remove it first"],
    )
    assert (made / "model.onnx").read_bytes() == before


def test_rows_of_one_s_own_are_checked(evenfit, shop, tmp_path):
    rows = tmp_path / "new rows.csv"
    rows.write_text(
        "day;noise;size;colour;patient;weight;price\n2025-02-03;0.5;;red;p1;1;9\n;1;2;violet;;2;\n", encoding="utf-8"
    )
    said = evenfit("export", shop, "--rows", rows, "--out", tmp_path / "made")
    assert f"2 rows of {rows} and 10 made of" in said.out
    short = tmp_path / "short.csv"
    short.write_text("size,noise\n1,2\n")
    said = evenfit("export", shop, "--rows", short, "--out", tmp_path / "other")
    assert (said.code, len(said.errors)) == (2, 1)
    assert "the table lacks column" in said.errors[0]
    assert not (tmp_path / "other").exists()


def test_a_run_without_its_table_is_checked_on_made_rows_and_says_so(evenfit, shop, tmp_path):
    shutil.copytree(shop.parent, tmp_path / "runs")
    request = tmp_path / "runs" / "shop" / "request.toml"
    request.write_text(request.read_text().replace("shop.csv", "gone.csv"))
    said = evenfit("export", "shop", "--runs", tmp_path / "runs", "--out", tmp_path / "made")
    assert said.code == 0
    assert "256 rows made from the model's own statistics" in said.out
    assert "gone.csv cannot be read by the run's columns any more" in said.out
    request.unlink()
    said = evenfit("export", "shop", "--runs", tmp_path / "runs", "--out", tmp_path / "other")
    assert "the run's request or numbers cannot be read" in said.out


def test_a_table_that_has_changed_gives_no_ranges_to_the_card(evenfit, shop, tmp_path):
    shutil.copytree(shop.parent, tmp_path / "runs")
    table, request = shop.parent.parent / "shop.csv", tmp_path / "runs" / "shop" / "request.toml"
    (tmp_path / "other.csv").write_text(table.read_text().replace("red", "blue"))
    request.write_text(request.read_text().replace(str(table), str(tmp_path / "other.csv")))
    said = evenfit("export", "shop", "--runs", tmp_path / "runs", "--out", tmp_path / "made")
    assert "is not known to be the table as it was fitted" in said.out
    assert "| size | numeric | numbers |" in (tmp_path / "made" / "model-card.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("shop", "--format", "onxx"), "got 'onxx'; did you mean 'onnx'?"),
        (("shp",), "did you mean 'shop'?"),
        (("shop", "--rows", "nowhere.csv"), "nowhere.csv"),
        (("shop", "--out", "/proc/made"), "/proc/made cannot be written"),
    ],
)
def test_what_cannot_be_exported_is_one_line_and_exit_code_2(words, message, evenfit, shop):
    said = evenfit("export", *words, "--runs", shop.parent)
    assert (said.code, len(said.errors)) == (2, 1)
    assert message in said.errors[0]


def test_a_run_that_is_damaged_or_not_done_says_so(evenfit, shop, tmp_path):
    shutil.copytree(shop.parent, tmp_path / "runs")
    folder = tmp_path / "runs" / "shop"
    weights = folder / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    assert "is damaged (its checksum differs" in evenfit("export", folder).errors[0]
    shutil.rmtree(folder / "model")
    assert "go on with: evenfit resume" in evenfit("export", folder).errors[0]
    assert not (folder / "export").exists()


def test_without_onnx_the_command_that_installs_it_is_said(evenfit, shop, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    said = evenfit("export", shop, "--out", tmp_path / "made")
    assert said.code == 2
    assert said.errors == [
        "evenfit: format 'onnx' needs onnx and onnxruntime; install them with: pip install 'evenfit[onnx]'"
    ]


def test_the_card_says_whom_the_estimate_is_about(evenfit, shop, tmp_path):
    shutil.copytree(shop.parent, tmp_path / "runs")
    request = tmp_path / "runs" / "shop" / "request.toml"
    request.write_text(request.read_text() + 'group = "patient"\n')
    assert evenfit("export", "shop", "--runs", tmp_path / "runs", "--out", tmp_path / "made").code == 0
    card = (tmp_path / "made" / "model-card.md").read_text(encoding="utf-8")
    assert "The estimate is about rows of a patient that was not trained on." in card

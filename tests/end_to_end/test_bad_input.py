"""Whatever a user gives: one clear line and exit code 2, or a run that says what it left out."""

import gzip
import json
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

GOOD = "a,b,y\n" + "".join(f"{row},{row * 7 % 5},{'yes' if row % 2 else 'no'}\n" for row in range(40))


def refused(said, *words):
    """The command ended with code 2 and exactly one line, with these words in it."""
    assert said.code == 2, said.err
    assert said.out == ""
    lines = said.err.strip().splitlines()
    assert len(lines) == 1, said.err
    assert lines[0].startswith("evenfit: ")
    for word in words:
        assert word in lines[0], lines[0]
    assert "Traceback" not in said.err


@pytest.fixture
def table(here):
    """Write a table's text, or bytes, and give its name."""

    def write(content, name="table.csv"):
        path = here / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return name

    return write


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["table.csv", "empty"]),
        ("\n\n  \n", ["empty"]),
        ("a,b,y\n", ["rows"]),
        ("y\nyes\nno\nyes\n", ["column"]),
        ("a,b,y\n1,2,yes\n3,4,yes\n5,6,yes\n", ["'y'", "yes"]),
        ("a,b,y\n1,2,\n3,4,\n", ["'y'", "values"]),
        ("a,a,y\n1,2,yes\n3,4,no\n", ["'a'"]),
        ("a,b,y\n1,2,yes\n3,4,no,5\n", ["3"]),
        ("y,a\nyes,\nno,\nyes,\nno,\n", ["a"]),
        ("a,y\n" + "".join(f"{row},name {row}\n" for row in range(40)), ["'y'", "all 40 rows differ"]),
        ("a,y\n" + "".join(f"{row % 7},{row / 8 if row else 'few'}\n" for row in range(40)), ["'y'", "'few'"]),
        ("a,b,y\n1,2,yes\n3,4,no\n".replace("a,b", "a\x00,b"), ["NUL"]),
    ],
    ids=[
        "empty",
        "blank lines",
        "header only",
        "one column",
        "constant target",
        "no targets",
        "duplicate names",
        "ragged",
        "nothing to learn from",
        "a name as target",
        "text among numbers in the target",
        "NUL",
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_one_line(fit, table, content, words):
    refused(fit(table=table(content), target="y"), *words)


def test_a_missing_file_and_a_directory_are_named(fit, here):
    (here / "folder").mkdir()
    refused(fit(table="nothing.csv"), "nothing.csv")
    refused(fit(table="folder"), "folder is a folder")
    refused(fit("--test", "nothing.csv"), "nothing.csv")
    assert not (here / "runs").exists(), "a refused table leaves no run"


def test_a_target_that_is_not_there_suggests_the_nearest_name(fit, here):
    refused(fit(target="Sould"), "'Sould'", "did you mean 'sold'")


@pytest.mark.parametrize("option", ["group", "time", "weight", "drop", "categorical"])
def test_a_column_that_is_not_there_suggests_the_nearest_name(fit, here, option):
    refused(fit(f"--{option}", "weigth"), "did you mean 'weight'")


def test_more_folds_than_rows_are_refused(fit, table):
    refused(fit("--folds", 50, table=table(GOOD), target="y"), "folds", "40", "50")
    refused(fit("--folds", 50, "--time", "b", table=table(GOOD), target="y"), "folds")
    refused(fit("--folds", 50, "--group", "b", table=table(GOOD), target="y"), "folds")


def test_a_cut_gzip_is_refused(fit, here):
    whole = gzip.compress(GOOD.encode() * 100)
    (here / "cut.csv.gz").write_bytes(whole[: len(whole) // 2])
    refused(fit(table="cut.csv.gz", target="y"), "cut.csv.gz")


def test_a_wrong_delimiter_is_said(fit, table):
    refused(fit("--delimiter", ";", table=table(GOOD), target="y"), "delimiter")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--budget", "0s"), "above 0"),
        (("--budget", "0 trials"), "at least 1"),
        (("--budget", "-3s"), "budget"),
        (("--budget", "soon"), "soon"),
        (("--folds", "1"), "folds"),
        (("--folds", "2.5"), "whole number, got '2.5'"),
        (("--workers", "two"), "whole number, got 'two'"),
        (("--repeats", "0"), "repeats"),
        (("--workers", "0"), "workers"),
        (("--metric", "rmse"), "rmse"),
        (("--metric", "luck"), "luck"),
        (("--task", "magic"), "magic"),
        (("--selection", "worst"), "worst"),
        (("--name", "a/b"), "name"),
        (("--seed", "x"), "x"),
        (("--budget", "3", "trials"), "quotes"),
        (("--configg", "x"), "--config"),
        (("--drop", "sold"), "sold"),
        (("--require", "nan"), "require"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(fit, here, words, said):
    refused(fit(*words), said)
    assert not (here / "runs" / "shop").exists()


def test_rows_without_a_target_are_left_out_and_that_is_said(fit, table):
    said = fit(table=table(GOOD + "50,1,\n51,2,\n"), target="y")
    assert said.code == 0
    assert "2 rows left out" in said.err


def test_a_class_with_one_row_is_kept_and_that_is_said(fit, table):
    said = fit(table=table(GOOD + "50,1,maybe\n"), target="y")
    assert said.code == 0, said.err
    assert "maybe has a single row" in said.err
    assert "maybe has a single row" in " ".join(said.out.split())


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (GOOD.replace("a,b,y", "a,b,y,empty").replace("\n", ",\n").replace("empty,", "empty"), "empty"),
        (GOOD.replace("\n7,", "\nseven,"), "a: 1 cell"),
        (GOOD.replace("\n7,", "\ninf,").replace("\n9,", "\n-inf,"), "a: 2 infin"),
        (GOOD.replace("\n7,", "\n1e300,"), None),
        (GOOD.replace("\n7,", "\n1e999,"), None),
        (GOOD.replace("yes", "\N{THUMBS UP SIGN}").replace("no", "\N{THUMBS DOWN SIGN}"), "\N{THUMBS UP SIGN}"),
    ],
    ids=["all missing", "mixed types", "infinities", "1e300", "1e999", "emoji"],
)
def test_an_odd_table_gives_a_run_that_says_what_was_odd(fit, table, content, told):
    said = fit("--name", "odd", table=table(content), target="y")
    assert said.code == 0, said.err
    assert told is None or told in said.err
    found = json.loads(Path("runs/odd/metrics.json").read_text())
    assert found["estimate"]["mean"] < 10


def test_a_target_with_enormous_numbers_is_answered_or_refused_in_a_line(fit, table):
    rows = "".join(f"{row},{row * 7 % 5},{row if row != 5 else 1e300}\n" for row in range(40))
    said = fit("--task", "regression", table=table("a,b,y\n" + rows), target="y")
    assert said.code in (0, 2)
    assert "Traceback" not in said.err
    if said.code == 2:
        assert len(said.errors) == 1


# predicting


def test_extra_columns_and_unseen_categories_are_said_and_survived(evenfit, shop, here):
    (here / "new.csv").write_text(
        "size,colour,patient,day,weight,noise,price,extra\n0.1,violet,p1,2025-01-01,1,0.2,101,x\n"
        ",,,,,,,\n0.3,\N{PARTY POPPER},p9,2024-05-05,2,0,99,\n"
    )
    said = evenfit("predict", shop, "new.csv", "--out", "out.csv")
    assert said.code == 0, said.err
    assert "extra" in said.out
    assert "violet" in said.out
    lines = (here / "out.csv").read_text().splitlines()
    assert lines[0] == "prediction,probability_no,probability_yes"
    assert len(lines) == 4
    assert all(0 <= float(cell) <= 1 for line in lines[1:] for cell in line.split(",")[1:])


def test_a_missing_column_is_refused_by_name(evenfit, shop, here):
    (here / "new.csv").write_text("size,patient,day,weight,noise,price\n0.1,p1,2025-01-01,1,0.2,101\n")
    refused(evenfit("predict", shop, "new.csv"), "'colour'")
    assert not (here / "predictions.csv").exists()


def test_a_column_of_another_type_is_refused_by_name(evenfit, shop, here):
    (here / "new.csv").write_text(
        "size,colour,patient,day,weight,noise,price\nbig,red,p1,2025-01-01,1,0.2,101\nsmall,red,p1,2025-01-01,1,0.2,9\n"
    )
    refused(evenfit("predict", shop, "new.csv"), "'size'", "big")


def test_predicting_no_rows_writes_no_rows_or_says_so(evenfit, shop, here):
    (here / "new.csv").write_text("size,colour,patient,day,weight,noise,price\n")
    said = evenfit("predict", shop, "new.csv", "--out", "out.csv")
    assert said.code in (0, 2)
    assert said.code == 2 or (here / "out.csv").read_text().splitlines() == [
        "prediction,probability_no,probability_yes"
    ]


def test_predictions_that_cannot_be_written_are_refused(evenfit, shop, here):
    (here / "folder").mkdir()
    refused(evenfit("predict", shop, "shop.csv", "--out", "folder"), "folder")


def test_scoring_without_a_target_or_with_an_unknown_class_is_refused(evenfit, shop, here):
    lines = (here / "shop.csv").read_text().splitlines()
    (here / "new.csv").write_text("\n".join(line.rpartition(",")[0] for line in lines))
    refused(evenfit("score", shop, "new.csv"), "'sold'")
    (here / "new.csv").write_text("\n".join([*lines[:5], lines[6].rpartition(",")[0] + ",perhaps"]))
    refused(evenfit("score", shop, "new.csv"), "perhaps")


# damaged runs and stores


@pytest.fixture
def damaged(shop, here):
    """A copy of the finished run that may be damaged."""
    shutil.copytree(shop.parent, here / "runs")
    return here / "runs" / "shop"


@pytest.mark.parametrize("file", ["model/model.json", "model/model.safetensors"])
@pytest.mark.parametrize("how", ["missing", "empty", "cut", "changed"])
def test_a_damaged_model_is_refused_and_named(evenfit, damaged, here, file, how):
    path = damaged / file
    data = path.read_bytes()
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes({"empty": b"", "cut": data[: len(data) // 2], "changed": data[:-9] + b"\xff" * 9}[how])
    refused(evenfit("predict", "shop", "shop.csv"), "model")
    refused(evenfit("score", "runs/shop", "shop.csv"), "model")


def test_a_run_that_is_not_there_suggests_a_near_name(evenfit, damaged):
    refused(evenfit("predict", "shopp", "shop.csv"), "'shop'")
    refused(evenfit("show", "shopp"), "shop")
    refused(evenfit("resume", "shopp"), "shop")


def test_a_finished_run_is_not_resumed(evenfit, damaged):
    refused(evenfit("resume", "shop"), "evenfit show runs/shop")


def test_a_run_whose_table_has_changed_is_not_resumed(evenfit, damaged, here):
    with sqlite3.connect(here / "runs" / "evenfit.sqlite") as database:
        (request,) = database.execute("SELECT request FROM runs").fetchone()
        known = json.loads(request) | {"table": str(here / "shop.csv")}
        database.execute("UPDATE runs SET status = 'interrupted', request = ?", (json.dumps(known),))
    database.close()
    with (here / "shop.csv").open("a") as file:
        file.write("1,red,p1,2024-01-01,1,0,100,yes\n")
    said = evenfit("resume", "shop")
    assert said.code == 2
    assert len(said.errors) == 1
    assert "has changed" in said.errors[0]


def test_a_damaged_store_and_a_newer_one_are_refused_and_left_alone(evenfit, fit, damaged, here):
    store = here / "runs" / "evenfit.sqlite"
    with sqlite3.connect(store) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    before = store.read_bytes()
    for words in (("runs",), ("show", "shop"), ("resume", "shop")):
        refused(evenfit(*words), "newer")
    said = fit()
    assert said.code == 2
    assert "newer" in said.errors[0]
    assert store.read_bytes() == before
    store.write_bytes(b"not a database" * 100)
    refused(evenfit("runs"), "evenfit.sqlite")


def test_a_locked_store_is_refused(evenfit, damaged, here, monkeypatch):
    from evenfit.store import store

    plain = store._connect
    monkeypatch.setattr(store, "_connect", lambda path, busy_seconds: plain(path, 0.1))
    holder = sqlite3.connect(here / "runs" / "evenfit.sqlite", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        said = evenfit("fit", "shop.csv", "--target", "sold", "--budget", "1 trials", "--workers", 1)
    finally:
        holder.close()
    assert said.code == 2
    assert len(said.errors) == 1
    assert "locked" in said.errors[0]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_and_nothing_is_lost(evenfit, shop, here):
    refused(evenfit("predict", shop, "shop.csv", "--out", "/dev/full"), "/dev/full")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_refused(fit, here):
    (here / "closed").mkdir(mode=0o500)
    said = fit("--runs", "closed/runs")
    assert said.code == 2
    assert len(said.errors) == 1


def test_a_disk_that_fills_up_in_a_run_says_how_to_go_on(fit, evenfit, here, monkeypatch):
    from evenfit.runs import documents

    def full(*details):
        raise OSError(28, "No space left on device", "runs/shop/report.html")

    monkeypatch.setattr("evenfit.runs.job.write_documents", full)
    said = fit()
    assert said.code == 2
    assert len(said.errors) == 1
    assert "No space left on device" in said.errors[0] or "full" in said.errors[0]
    assert "evenfit resume runs/shop" in said.errors[0]
    monkeypatch.setattr("evenfit.runs.job.write_documents", documents.write_documents)
    assert evenfit("resume", "shop").code == 0

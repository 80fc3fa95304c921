"""Every command and every option does what it says."""

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from evenfit.runs.request import METRICS, FitRequest


def metrics(name="shop"):
    return json.loads(Path("runs", name, "metrics.json").read_text())


def report(name="shop"):
    return Path("runs", name, "report.html").read_text()


# what fit says and leaves


def test_fit_says_what_it_understood_then_a_table_then_where_it_all_is(fit, here):
    said = fit("--drop", "price")
    assert said.code == 0, said.err
    first = said.err.splitlines()[0]
    assert "binary classification of 'sold'" in first
    assert "120 rows, 6 columns (3 numeric, 2 categorical, 1 date)" in first
    assert "price (dropped, as asked)" in first
    assert "configs tried" in said.err
    for word in ("default", "selected", "training log loss", "validation log loss", "gap", "accuracy", "AUC"):
        assert word in said.out
    for heading in ("estimate", "tuning", "verdict", "regularised", "deployed", "run"):
        assert re.search(rf"^{heading} ", said.out, re.MULTILINE), heading
    assert "BBC-CV" in said.out
    assert "runs/shop" in said.out
    left = {path.name for path in Path("runs/shop").iterdir()}
    assert left >= {"model", "report.html", "config.toml", "metrics.json", "request.toml", "README.md"}
    assert {path.name for path in Path("runs/shop/model").iterdir()} == {"model.json", "model.safetensors"}
    assert "<svg" in report()
    assert "http://" not in re.sub(r'xmlns(:xlink)?="[^"]*"', "", report())


def test_json_is_one_object_alone_and_the_same_as_metrics_json_and_show(fit, evenfit, here):
    said = fit("--json")
    assert said.code == 0
    assert said.err == ""
    assert said.json == metrics() == evenfit("show", "shop", "--json").json
    assert said.json["run"] == {"name": "shop", "folder": "runs/shop"}
    assert set(said.json["estimate"]) >= {"mean", "low", "high", "level"}
    assert said.json["estimate"]["low"] <= said.json["estimate"]["mean"] <= said.json["estimate"]["high"]
    assert {"default", "selected", "verdict", "comparison", "trials", "importance"} <= set(said.json)
    documented = (Path(__file__).parents[2] / "docs" / "json.md").read_text()
    assert [name for name in said.json if f"`{name}`" not in documented] == []


def test_show_prints_what_fit_printed(fit, evenfit, here):
    said = fit()
    assert evenfit("show", "shop").out == said.out
    assert evenfit("show", "runs/shop").out == said.out


def test_runs_lists_what_was_fitted(fit, evenfit, here):
    assert "none" in evenfit("runs").out
    fit("--name", "first", "--json")
    fit("--target", "price", "--json", target="price")
    rows = evenfit("runs", "--json").json
    assert [row["run"] for row in rows] == ["first", "shop"]
    assert {row["status"] for row in rows} == {"done"}
    found = metrics()["estimate"]
    assert rows[1]["estimate"] == pytest.approx(found["score"]["mean"])
    assert found["score"]["mean"] == pytest.approx(found["mean"] ** 0.5)
    table = evenfit("runs").out.splitlines()
    assert len(table) == 3
    assert "first" in table[1]


def test_plan_says_what_would_run_and_makes_nothing(fit, here):
    said = fit("--plan", "--metric", "auc", "--folds", "3", "--repeats", "2")
    assert said.code == 0
    assert said.err == ""
    for words in ("120 rows", "3 folds", "2 repeats", "AUC", "hidden layers", "dropout", "learning rate"):
        assert words in said.out, words
    assert fit("--plan", "--json").json["metric"] == "log_loss"
    assert not Path("runs").exists()


# predict and score


def test_predictions_keep_the_order_of_rows_and_probabilities_sum_to_one(evenfit, shop, here):
    said = evenfit("predict", shop, "shop.csv", "--out", "deep/er/out.csv")
    assert said.code == 0, said.err
    assert "120 predictions" in said.out
    lines = [line.split(",") for line in Path("deep/er/out.csv").read_text().splitlines()]
    assert lines[0] == ["prediction", "probability_no", "probability_yes"]
    truth = [line.rpartition(",")[2] for line in Path("shop.csv").read_text().splitlines()[1:]]
    assert sum(a[0] == b for a, b in zip(lines[1:], truth, strict=True)) > 100
    for prediction, no, yes in lines[1:]:
        assert float(no) + float(yes) == pytest.approx(1)
        assert prediction == ("yes" if float(yes) > float(no) else "no")


def test_predictions_do_not_depend_on_the_rows_beside_them(evenfit, shop, here):
    lines = Path("shop.csv").read_text().splitlines()
    Path("few.csv").write_text("\n".join([lines[0], *lines[40:45]]) + "\n")
    evenfit("predict", shop, "shop.csv", "--out", "all.csv")
    evenfit("predict", shop, "few.csv", "--out", "few-out.csv")
    some = [line.split(",") for line in Path("all.csv").read_text().splitlines()[40:45]]
    same = [line.split(",") for line in Path("few-out.csv").read_text().splitlines()[1:]]
    for one, other in zip(some, same, strict=True):
        assert float(one[1]) == pytest.approx(float(other[1]), abs=1e-9)


def test_predict_and_score_as_json(evenfit, shop, here):
    said = evenfit("predict", shop, "shop.csv", "--json")
    assert said.json["rows"] == 120
    assert said.json["out"] == "predictions.csv"
    found = evenfit("score", shop, "shop.csv", "--json").json
    assert found["rows"] == 120
    assert found["promised"]["low"] < found["promised"]["high"]
    assert found["loss"]["low"] <= found["loss"]["mean"] <= found["loss"]["high"]
    assert found["scores"]["accuracy"] > 0.8


def test_score_stands_beside_what_was_promised(evenfit, shop, here):
    said = evenfit("score", shop, "shop.csv")
    assert said.code == 0
    assert "promised" in said.out
    assert "one by one" in said.out
    assert "AUC" in said.out


def test_new_rows_may_come_in_an_encoding_that_cannot_be_found(fit, evenfit, here):
    text = Path("shop.csv").read_text().replace("red", "\N{CYRILLIC SMALL LETTER KA}").replace(",", "|")
    Path("odd.csv").write_bytes(text.encode("koi8-r"))
    given = ("--delimiter", "|", "--encoding", "koi8-r")
    assert fit(*given, table="odd.csv").code == 0
    assert evenfit("predict", "odd", "odd.csv", *given).out.count("unseen") == 0
    assert evenfit("score", "odd", "odd.csv", *given).out.count("unseen") == 0
    assert evenfit("score", "odd", "odd.csv").out.count("unseen") == 1, "only the options tell"


# options, one by one


def test_task_makes_a_number_a_class(fit, here):
    said = fit("--task", "classification", target="weight")
    assert said.code == 0, said.err
    assert "classification of 'weight' (3 classes" in said.err
    assert "regression of 'weight'" in fit("--task", "regression", "--name", "r", target="weight").err


def test_categorical_makes_a_number_a_category(fit, here):
    said = fit("--categorical", "weight", "--drop", "price")
    assert "2 numeric, 3 categorical" in said.err


def test_group_keeps_a_column_out_and_its_rows_together(fit, here):
    said = fit("--group", "patient")
    assert "patient (groups the rows)" in said.err
    alone = fit("--drop", "patient", "--json", "--name", "alone").json
    assert alone["estimate"]["mean"] != metrics()["estimate"]["mean"]


def test_time_refits_on_all_rows_and_says_so(fit, here):
    said = fit("--time", "day", "--drop", "price")
    assert said.code == 0, said.err
    assert "all rows" in " ".join(said.out.split())
    assert json.loads(Path("runs/shop/model/model.json").read_text())["manifest"]["parts"][0]["splits"] == 4


def test_weight_and_class_weights_are_used_and_said(fit, here):
    plain = fit("--drop", "weight", "--json", "--name", "plain").json
    weighted = fit("--weight", "weight", "--name", "weighted")
    assert "weight (weighs the rows)" in weighted.err
    assert "each row by its weight" in " ".join(weighted.out.split())
    balanced = fit("--class-weights", "--drop", "weight", "--name", "balanced")
    assert "every class as much as any other" in " ".join(balanced.out.split())
    losses = [plain, metrics("weighted"), metrics("balanced")]
    assert len({found["default"]["validation_loss"]["mean"] for found in losses}) == 3


@pytest.mark.parametrize("metric", METRICS)
def test_metric_decides_what_is_estimated(fit, here, metric):
    classes = METRICS[metric] == "classification"
    said = fit("--metric", metric, "--drop", "price" if classes else "sold", target="sold" if classes else "price")
    assert said.code == 0, said.err
    found = metrics()
    assert found["metric"]["name"] == metric
    assert found["estimate"]["metric"] == metric
    score = found["estimate"]["score"]
    assert score["low"] <= score["mean"] <= score["high"]
    assert (score["mean"] > 0.5) == (metric not in ("log_loss",))


def test_folds_and_repeats_make_the_splits(fit, here):
    assert fit("--folds", 3, "--repeats", 2, "--json").json["splits"] == 6
    assert json.loads(Path("runs/shop/model/model.json").read_text())["manifest"]["parts"][0]["splits"] == 6


def test_seed_changes_the_study_and_the_same_seed_does_not(fit, here):
    first = fit("--json", "--name", "a").json
    again = fit("--json", "--name", "b").json
    other = fit("--json", "--name", "c", "--seed", 1).json
    assert timeless(first) == timeless(again)
    assert first["estimate"]["mean"] != other["estimate"]["mean"]


def timeless(found):
    """Numbers without what the clock, the machine and the name change."""
    other = ("run", "seconds", "expected", "memory", "trials")
    trials = [{name: value for name, value in trial.items() if name != "seconds"} for trial in found["trials"]]
    return {name: value for name, value in found.items() if name not in other} | {"trials": trials}


def test_selection_is_kept_and_named(fit, here):
    assert fit("--selection", "best", "--json").json["selection"] == "best"


def test_test_rows_are_scored_and_change_nothing(fit, here):
    lines = Path("shop.csv").read_text().splitlines()
    Path("kept.csv").write_text("\n".join([lines[0], *lines[90:], lines[5].rpartition(",")[0] + ","]) + "\n")
    Path("rest.csv").write_text("\n".join(lines[:90]) + "\n")
    said = fit("--test", "kept.csv", "--name", "tested", table="rest.csv")
    assert said.code == 0, said.err
    assert "31 rows of kept.csv" in " ".join(said.out.split())
    assert "1 row left out" in said.err
    with_test = metrics("tested")
    assert with_test.pop("test")["rows"] == 31
    without = fit("--json", "--name", "plain", table="rest.csv").json
    assert timeless(with_test) == timeless(without)


def test_runs_and_name_say_where_it_is_kept(fit, evenfit, here):
    said = fit("--runs", "else where", "--name", "my run")
    assert said.code == 0, said.err
    assert Path("else where/my run/report.html").exists()
    assert "'else where/my run'" in said.out
    assert not Path("runs").exists()
    assert evenfit("show", "my run", "--runs", "else where").out == said.out
    assert fit("--runs", "else where", "--name", "my run").errors == [
        "evenfit: a run named my run is there already in else where; choose another --name"
    ]


@pytest.mark.parametrize(("bound", "code"), [("0.000001", 1), ("100", 0)])
def test_require_is_a_gate(fit, here, bound, code):
    said = fit("--require", bound)
    assert said.code == code
    assert ("above the required" in said.err) == (code == 1)
    assert Path("runs/shop/report.html").exists()


def test_racing_none_completes_every_config(fit, here):
    statuses = {trial["status"] for trial in fit("--racing", "none", "--json", trials=6).json["trials"]}
    assert statuses == {"complete"}
    assert "dropped" in {trial["status"] for trial in fit("--json", trials=6).json["trials"]}
    said = fit("--racing", "halfing")
    assert said.code == 2
    assert said.errors == [
        "evenfit: racing must be one of halving, hyperband, finish-best, forgiving, none; got 'halfing'"
    ]


def test_a_space_says_where_to_look(fit, here):
    Path("space.toml").write_text("dropout = [0.25, 0.5]\nwidth = 32\n")
    said = fit("--space", "space.toml", "--json", trials=5)
    assert {trial["config"]["dropout"] for trial in said.json["trials"]} <= {0.25, 0.5}
    assert {trial["config"]["width"] for trial in said.json["trials"]} == {32}
    again = fit("--config", "runs/shop/request.toml", "--json", "--name", "again", trials=5).json
    assert [t["config"] for t in again["trials"]] == [t["config"] for t in said.json["trials"]]
    Path("space.toml").write_text("dropuot = [0.25, 0.5]\n")
    said = fit("--space", "space.toml")
    assert said.code == 2
    assert "space.toml: a config has no value named 'dropuot'; did you mean 'dropout'?" in said.errors[0]


def test_proposals_of_a_grid_are_its_points(fit, here):
    assert (
        fit("--proposals", "random", "--json", trials=4).json["trials"][1:]
        != (fit("--proposals", "quasi-random", "--json", trials=4).json["trials"][1:])
    )
    said = fit("--proposals", "grit")
    assert said.code == 2
    assert said.errors[0].startswith("evenfit: proposals must be one of grid, random, quasi-random")


def test_a_holdout_judges_by_its_rows_alone(fit, here):
    found = fit("--holdout", 0.25, "--repeats", 2, "--json", trials=4).json
    assert found["splits"] == 2
    assert found["estimate"]["low"] < found["estimate"]["mean"] < found["estimate"]["high"]
    once = fit("--holdout", 0.25, "--json", trials=4).json
    assert once["splits"] == 1
    assert once["selected"]["selection_loss"]["low"] is None
    assert fit("--holdout", 0.25, "--repeats", 2, target="price", trials=4).code == 0
    assert "25% held out" in fit("--holdout", 0.25, "--plan").out
    said = fit("--holdout", 0.25, "--selection", "one-se")
    assert said.code == 2
    assert said.errors == [
        "evenfit: selection one-se needs several splits to know the standard error; give repeats, at least 2"
    ]


def test_nested_searches_share_the_budget(fit, here):
    found = fit("--nested", 2, "--json", trials=6).json
    assert [fold["trials"] for fold in found["nested"]["folds"]] == [2, 2]
    assert len(found["trials"]) == 2
    assert "2 searches on parts of the rows" in fit("--nested", 2, "--plan", trials=6).out
    assert fit("--json").json["nested"] is None


def test_objectives_give_a_front_and_prefer_the_smallest_on_it(fit, here):
    options = ("--objectives", "loss,size", "--json")
    found = fit(*options, trials=6).json
    front = found["front"]
    assert front["points"]
    small = fit(*options, "--prefer", "small", trials=6).json
    assert small["front"]["points"]
    assert fit("--json", trials=6).json["front"] is None
    said = fit("--prefer", "small")
    assert said.code == 2
    assert len(said.errors) == 1
    assert fit("--objectives", "loss,sise").code == 2


def test_a_target_loss_ends_the_search_where_it_is_reached(fit, here):
    found = fit("--target-loss", 100, "--json", trials=12).json
    assert found["stopped"] == "target"
    assert len(found["trials"]) < 12
    missed = fit("--target-loss", 0, "--json", trials=4).json
    assert (missed["stopped"], len(missed["trials"])) == ("trials", 4)


def test_a_search_may_stop_when_it_has_settled(fit, here):
    found = fit("--stop-when-settled", "--json", trials=4).json
    assert (found["stopped"], len(found["trials"])) == ("trials", 4)  # too few to know
    assert json.loads(Path("runs/shop/metrics.json").read_text())["stopped"] == "trials"
    assert "stop-when-settled = true" in Path("runs/shop/request.toml").read_text()


def test_memory_bounds_a_run_and_its_report_says_what_was_held(fit, here):
    found = fit("--memory", "2g", "--json", "--workers", "2", trials=6).json
    assert found["memory"]["bound"] == 2 * 2**30
    assert found["memory"]["processes"] == 3
    assert found["memory"]["held"] > 100 * 2**20
    assert [trial["loss"] for trial in found["trials"]] == [
        trial["loss"] for trial in fit("--memory", "2g", "--json", "--workers", "1", trials=6).json["trials"]
    ]
    said = fit("--memory", "2g", "--plan")
    assert re.search(r"^memory +about \d+ MiB expected, of 2 GiB allowed$", said.out, re.MULTILINE)
    for wrong, hint in (("20m", r"takes \d+ MiB"), ("2", "a size with its unit")):
        said = fit("--memory", wrong)
        assert said.code == 2
        assert len(said.errors) == 1
        assert re.search(hint, said.errors[0])


def test_a_run_begins_with_what_another_found(fit, here):
    first = fit("--json", trials=8).json
    best = first["selected"]["config"]
    found = fit("--from-run", "shop", "--json", trials=3).json
    assert best in [trial["config"] for trial in found["trials"]]
    assert any("shop" in note for note in found["notes"])
    said = fit("--from-run", "shap")
    assert said.code == 2
    assert len(said.errors) == 1


def test_a_run_is_tracked_when_it_is_done(fit, here):
    pytest.importorskip("tensorboard")
    assert fit("--track", "tensorboard").code == 0
    assert list(here.rglob("events.out.tfevents.*"))
    assert fit("--track", "tensorbored").code == 2


def test_the_plan_says_how_configs_will_be_raced(fit, here):
    assert fit("--racing", "forgiving", "--plan", "--json").json["racing"] == "forgiving"
    assert re.search(r"^racing +halving$", fit("--plan").out, re.MULTILINE)


def test_require_of_rmse_is_in_the_targets_units(fit, here):
    found = fit("--json", target="price").json
    high = found["estimate"]["high"] ** 0.5
    assert fit("--require", high * 1.01, target="price").code == 0
    assert fit("--require", high * 0.99, target="price").code == 1


def test_delimiter_and_encoding(fit, here):
    text = Path("shop.csv").read_text().replace("red", "ro\N{LATIN SMALL LETTER E WITH ACUTE}").replace(",", "|")
    Path("odd.csv").write_bytes(text.encode("latin-1"))
    said = fit("--delimiter", "|", "--encoding", "latin-1", table="odd.csv")
    assert said.code == 0, said.err
    assert "120 rows" in said.err


def test_request_toml_repeats_the_run(fit, evenfit, here):
    first = fit("--metric", "auc", "--drop", "price,noise", "--seed", 3, "--json").json
    said = evenfit("fit", "--config", "runs/shop/request.toml", "--json")
    assert said.code == 0, said.err
    assert said.json["run"]["name"] == "shop-2"
    assert timeless(said.json) == timeless(first)
    assert (
        evenfit("fit", "--config", "runs/shop/request.toml", "--json", "--metric", "f1", "--plan").json["metric"]
        == "f1"
    )


def test_the_command_in_the_report_asks_for_the_same(here):
    from evenfit.runs.documents import command
    from evenfit.runs.options import request_from

    asked = {"table": "a b.csv", "target": "y", "metric": "auc", "drop": "a,b", "class_weights": True, "budget": "5m"}
    assert command(request_from(asked)) == (
        "evenfit fit 'a b.csv' --target y --budget 300s --drop a,b --metric auc --class-weights"
    )


def test_every_option_has_a_test_here():
    text = Path(__file__).read_text() + Path(__file__).with_name("conftest.py").read_text()
    options = [known.name.replace("_", "-") for known in fields(FitRequest) if known.name not in ("table", "workers")]
    assert [name for name in options if f'"--{name}"' not in text] == []

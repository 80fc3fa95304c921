"""A finished run in a store, with the files of its folder."""

import json

import pytest
from tests.report.studies import make_study

from evenfit.results.json import to_json
from evenfit.runs.request import FitRequest
from evenfit.specs.budget import Budget
from evenfit.store import open_store

REQUEST = FitRequest(table="bank.csv", target="subscribed", budget=Budget(trials=4), metric="auc").to_json()


@pytest.fixture
def study():
    return make_study(rows=60, trials=4, epochs=(1, 2, 4), metric="auc")


@pytest.fixture
def runs(tmp_path, study):
    with open_store(tmp_path / "runs") as store:
        run = store.create_run(REQUEST, name="bank", fingerprint="f00d")
        for place, trial in enumerate(study.trials):
            store.add_trial(run, trial, state=None, seconds_spent=2.5 * (place + 1))
        (run.folder / "model").mkdir()
        (run.folder / "model" / "weights.safetensors").write_bytes(b"12345678")
        (run.folder / "report.html").write_text("<p>the report")
        (run.folder / "metrics.json").write_text("{}")
        summary = json.loads(json.dumps(to_json(study)))
        store.finish(run, summary, "done", report="the report\n  in lines\n")
        store.note(run, "before the price rise")
        store.tag(run, ["paper"])
    return tmp_path / "runs"

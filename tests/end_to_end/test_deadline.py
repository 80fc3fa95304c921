"""A budget in seconds is kept from the start of the process to its end, and a small one is answered or refused."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest


def timed(*words):
    began = time.monotonic()
    said = subprocess.run(
        [sys.executable, "-m", "evenfit", "fit", *map(str, words)], capture_output=True, text=True, check=False
    )
    return said, time.monotonic() - began


def busy():
    """Whether others use this machine too much for a promise about seconds."""
    return os.getloadavg()[0] > 1.5 * (os.cpu_count() or 1)


@pytest.mark.parametrize("seconds", [1, 3])
def test_a_tiny_budget_is_answered_or_refused_with_the_seconds_it_takes(here, seconds):
    said, _ = timed("shop.csv", "--target", "sold", "--budget", f"{seconds}s")
    assert said.returncode in (0, 2), said.stderr
    assert "Traceback" not in said.stderr
    if said.returncode == 2:
        (line,) = [line for line in said.stderr.splitlines() if line.startswith("evenfit: ")]
        assert line.startswith("evenfit: the budget is too small for an answer")
        assert line.endswith("s")
        assert not Path("runs/shop/model").exists()


def test_a_run_that_failed_is_listed_and_not_resumed(evenfit, here):
    said = evenfit("fit", "shop.csv", "--target", "sold", "--budget", "0.001s", "--workers", 1)
    assert said.code == 2
    assert "too small" in said.errors[0]
    assert evenfit("runs", "--json").json[0]["status"] == "failed"
    assert "too small" in evenfit("show", "shop").out
    assert evenfit("resume", "shop").code == 2


@pytest.mark.slow  # like all promises about seconds: a busy machine would break it
@pytest.mark.parametrize("workers", [1, 2])
def test_a_budget_of_ten_seconds_is_kept(here, workers):
    if busy():
        pytest.skip("others use this machine")
    said, spent = timed("shop.csv", "--target", "sold", "--budget", "10s", "--workers", workers)
    assert said.returncode == 0, said.stderr
    assert 5 < spent < 13


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [20, 60])
def test_a_budget_is_kept_on_a_larger_table(here, seconds):
    if busy():
        pytest.skip("others use this machine")
    import numpy as np

    generator = np.random.default_rng(0)
    values = generator.normal(size=(50_000, 40)).round(4)
    target = np.where(values[:, 0] + values[:, 1] * values[:, 2] + generator.normal(size=50_000) > 0, "yes", "no")
    with Path("large.csv").open("w") as file:
        file.write(",".join(f"x{column}" for column in range(40)) + ",y\n")
        file.writelines(",".join(map(str, row)) + f",{name}\n" for row, name in zip(values, target, strict=True))
    said, spent = timed("large.csv", "--target", "y", "--budget", f"{seconds}s")
    assert said.returncode == 0, said.stderr
    assert spent < seconds + max(3, 0.05 * seconds)


def test_workers_begin_before_anything_that_takes_long_is_imported():
    code = (
        "import sys, evenfit.runs.fit; "
        "assert not {'torch', 'numba', 'sklearn', 'scipy', 'polars', 'optuna', 'matplotlib'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_search_needs_no_torch_in_the_first_process():
    slow = {"torch", "numba", "matplotlib", "sklearn", "scipy.stats"}
    code = f"import sys, evenfit.runs.job; assert not {slow} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

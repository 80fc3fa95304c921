"""Small tables, and the command line in this process."""

import json
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from evenfit.cli.main import main


@dataclass(frozen=True)
class Said:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def errors(self):
        """The lines that name a fault, without progress."""
        return [line for line in self.err.splitlines() if line.startswith("evenfit: ")]


def write_table(path: Path, *, rows: int = 120, seed: int = 0) -> Path:
    """Two informative numbers, a category, a group, a date, a weight, a class and a number to predict."""
    chance = random.Random(seed)  # noqa: S311 (a table, not a secret)
    lines = ["size,colour,patient,day,weight,noise,price,sold"]
    for row in range(rows):
        size, noise = chance.gauss(0, 1), chance.gauss(0, 1)
        colour = chance.choice(["red", "green", "blue"])
        signal = size + (colour == "red") + 0.5 * chance.gauss(0, 1)
        day = f"2024-{1 + row % 12:02d}-{1 + row % 28:02d}"
        sold = "yes" if signal > 0.3 else "no"
        weight = 1 + row % 3
        lines.append(f"{size:.4f},{colour},p{row // 4},{day},{weight},{noise:.4f},{100 + 20 * signal:.3f},{sold}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working directory with a table in it."""
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "shop.csv")
    return tmp_path


@pytest.fixture
def evenfit(capsys):
    """Run one command in this process."""

    def run(*words):
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return Said(code=code, out=said.out, err=said.err)

    return run


@pytest.fixture
def fit(evenfit):
    """Fit the shop's table quickly, with any more words."""

    def run(*words, table="shop.csv", target="sold", trials=2):
        chosen = ("fit", table, "--target", target, "--workers", 1, "--budget", f"{trials} trials", "--folds", 2)
        given = {word for word in words if str(word).startswith("--")}
        kept = list(chosen[:2])
        for flag, value in zip(chosen[2::2], chosen[3::2], strict=True):
            if flag not in given:
                kept += [flag, value]
        return evenfit(*kept, *words)

    return run


@pytest.fixture(scope="session")
def shop(tmp_path_factory):
    """A finished run on the shop's table, shared by tests that only read it: its folder."""
    home = tmp_path_factory.mktemp("shop")
    table = write_table(home / "shop.csv")
    words = ["fit", str(table), "--target", "sold", "--budget", "2 trials", "--workers", "1", "--folds", "2"]
    assert main([*words, "--runs", str(home / "runs"), "--json"]) == 0
    return home / "runs" / "shop"

"""A sweep's command with its macros filled in, as W&B's agent does."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evenfit.errors import SweepError

_VARIABLE = re.compile(r"\$\{envvar:([A-Z0-9_]*)\}")
COMMAND_OF_DEFINED = ("${env}", "${interpreter}", "${program}")  # of such a program; its own arguments follow
MACROS = (
    "env",
    "interpreter",
    "program",
    "args",
    "args_no_equals",
    "args_no_hyphens",
    "args_no_boolean_flags",
    "args_append_hydra",
    "args_override_hydra",
    "args_json",
    "args_json_file",
)


def fill(
    command: Sequence[str], config: Mapping[str, Any], *, program: str, file: Path, environment: Mapping[str, str]
) -> list[str]:
    """Give the words to run; ``file`` is where ``${args_json_file}`` is written.

    >>> fill(["${program}", "${args}"], {"x": 1}, program="a.py", file=Path("c.json"), environment={})
    ['a.py', '--x=1']
    """
    one = {
        "${env}": [] if os.name == "nt" else ["/usr/bin/env"],
        "${interpreter}": ["python"],
        "${program}": [program],
        "${args}": [f"--{name}={value}" for name, value in config.items()],
        "${args_no_equals}": [word for name, value in config.items() for word in (f"--{name}", str(value))],
        "${args_no_hyphens}": [f"{name}={value}" for name, value in config.items()],
        "${args_no_boolean_flags}": [
            f"--{name}" if value is True else f"--{name}={value}"
            for name, value in config.items()
            if value is not False
        ],
        "${args_append_hydra}": [f"+{name}={value}" for name, value in config.items()],
        "${args_override_hydra}": [f"++{name}={value}" for name, value in config.items()],
        "${args_json}": [json.dumps(config)],
        "${args_json_file}": [str(file)],
    }
    words: list[str] = []
    for given in command:
        if given == "${args_json_file}":
            file.write_text(json.dumps(config), encoding="utf-8")
        word = _VARIABLE.sub(lambda found: environment.get(found[1], found[1]), given)
        if word in one:
            words += one[word]
        elif not (word.startswith("${") and word.endswith("}")):
            words.append(word)  # a macro that W&B does not know expands to nothing
    return words


def interpreter_first(environment: Mapping[str, str]) -> str:
    """Give a PATH on which ``python`` is the Python that runs evenfit, unless an environment is active."""
    path = environment.get("PATH", os.defpath)
    if environment.get("VIRTUAL_ENV") or environment.get("CONDA_PREFIX"):
        return path
    return os.pathsep.join([str(Path(sys.executable).parent), path])


def place(program: str, command: Sequence[str], *, beside: Path) -> Path:
    """Give the folder to run a program in: the working one, or the sweep file's where the program lies only there.

    Raises:
        SweepError: it is in neither, and is nothing that Python or the shell would find.
    """
    here = Path.cwd()
    uses = [number for number, word in enumerate(command) if "${program}" in word]
    module = any(number and command[number - 1] == "-m" for number in uses)
    names = [program, *((f"{program.replace('.', '/')}{end}" for end in (".py", "/__main__.py")) if module else ())]
    if not uses or any((here / name).exists() for name in names):
        return here
    if any((beside / name).exists() for name in names):
        return beside.absolute()
    if module or shutil.which(program):
        return here
    raise SweepError(f"there is no program {program} in {here}, nor beside the sweep file")

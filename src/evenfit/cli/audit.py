"""evenfit audit: known mistakes of regularisation in a model."""

from __future__ import annotations

import json as json_text
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from evenfit.cli.output import print_answer
from evenfit.cli.user_code import check_name, load, run, user_code
from evenfit.errors import ConfigError
from evenfit.report.visible import visible

if TYPE_CHECKING:
    from evenfit.regularize.auditing.audit import Audit

_FAILED = 1


def audit(
    model: Annotated[str, Parameter(help="A class, a factory or a model: package.module:Name or path/file.py:name.")],
    /,
    *,
    arguments: Annotated[
        str | None, Parameter(help="Of the class or factory, as JSON: '{\"width\": 64}', or a list.")
    ] = None,
    sample: Annotated[
        str | None,
        Parameter(
            help="What to run it on: a shape, '[8, 3, 32, 32]'; several, '[[8, 5], [8, 2]]' or '{\"x\": [8, 20]}'; an "
            ".npy or .npz file; or a function of yours, path/file.py:name. Default: none; then nothing is measured."
        ),
    ] = None,
    dtype: Annotated[
        str | None, Parameter(help="Of a sample given by shape: int64 for tokens. Several: A,B. Default: the model's.")
    ] = None,
    optimiser: Annotated[
        str | None,
        Parameter(help="Also look at weight decay: a function of yours that takes the model, path/file.py:name."),
    ] = None,
    loss: Annotated[
        str | None, Parameter(help="Also look whether the last layer fits it: cross_entropy, BCEWithLogitsLoss, ...")
    ] = None,
    strict: Annotated[bool, Parameter(negative="", help="Exit with 1 if there is a warning or an error.")] = False,
    at_least: Annotated[
        Literal["error", "warning", "note"] | None,
        Parameter(help="With --strict: the least serious finding that fails. Default: warning."),
    ] = None,
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object.")] = False,
) -> int:
    """Look for known mistakes of regularisation in a model, and measure what they do. Importing it runs its code."""
    if at_least is not None and not strict:
        raise ConfigError("--at-least says which findings make --strict fail: give --strict too")
    check_name(model)
    if optimiser is not None:
        check_name(optimiser, option="--optimiser")
    given = _arguments(arguments)
    spec = _spec(sample)
    if dtype is not None and not isinstance(spec, list | dict):
        raise ConfigError("--dtype is that of a sample given by its shape: give --sample '[8, 20]' or the like")
    codes = [name for name in (model, optimiser, spec if _is_name(spec) else None) if isinstance(name, str)]
    homes = " and ".join(dict.fromkeys(name.rpartition(":")[0] for name in codes))
    sys.stderr.write(f"evenfit: importing {homes}, which runs its code\n")
    with user_code(*codes):
        found = _look(model, given, spec, dtype=dtype, optimiser=optimiser, loss=loss)
    print_answer(_Answer(found), as_json=json)
    return _FAILED if strict and found.at_least(at_least or "warning") else 0


@dataclass(frozen=True)
class _Answer:
    """An audit, to be printed."""

    audit: Audit

    def text(self) -> str:
        """The audit for people."""
        return visible(str(self.audit), keep="\n")

    def json(self) -> Mapping[str, object]:
        """The audit for programs."""
        return self.audit.to_json()


def _look(
    model: str,
    arguments: tuple[list[Any], dict[str, Any]],
    spec: Any,
    *,
    dtype: str | None,
    optimiser: str | None,
    loss: str | None,
) -> Audit:
    """Make the model and what it is looked at with, and look."""
    from evenfit.regularize.auditing.auditor import audit as look
    from evenfit.regularize.auditing.samples import sample_of_file, sample_of_shapes
    from evenfit.regularize.auditing.targets import made

    built = run(lambda: made(load(model), *arguments, name=model), doing=f"making {model}")
    if isinstance(spec, list | dict):
        spec = sample_of_shapes(built, spec, dtypes=dtype.split(",") if dtype else ())
    elif _is_name(spec):
        name = spec
        spec = run(load(name), doing=f"making the sample with {name}")
    elif spec is not None:
        spec = sample_of_file(built, spec)
    steps = None if optimiser is None else run(lambda: load(optimiser)(built), doing=f"making {optimiser}")
    return look(built, spec, optimiser=steps, loss=loss)


def _arguments(text: str | None) -> tuple[list[Any], dict[str, Any]]:
    """Read the arguments of a factory."""
    if text is None:
        return [], {}
    value = _json(text, "--arguments", "an object such as '{\"width\": 64}', or a list")
    if isinstance(value, dict):
        return [], value
    if isinstance(value, list):
        return value, {}
    raise ConfigError(f"--arguments must be a JSON object or list; got {text!r}")


def _spec(text: str | None) -> Any:
    """Read what a sample is made from: shapes, or the name of a file or of a factory."""
    if text is None or text.endswith((".npy", ".npz")) or _is_name(text):
        return text
    plain = text.replace(" ", "").replace("x", ",")
    value = _json(
        text if text.lstrip()[:1] in ("[", "{") else f"[{plain}]",
        "--sample",
        "a shape such as '[8, 3, 32, 32]', an .npy or .npz file, or path/file.py:name",
    )
    if not value:
        raise ConfigError(f"--sample must have at least one axis, such as '[8, 3, 32, 32]'; got {text!r}")
    return value


def _is_name(spec: object) -> bool:
    """Whether a sample is made by a factory."""
    return isinstance(spec, str) and ":" in spec and spec.lstrip()[:1] not in ("[", "{")


def _json(text: str, option: str, wanted: str) -> Any:
    try:
        return json_text.loads(text)
    except ValueError as error:
        raise ConfigError(f"{option} must be {wanted}; got {text!r}") from error

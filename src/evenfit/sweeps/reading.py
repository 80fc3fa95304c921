"""Sweep files as plain values: YAML or JSON, with the numbers of YAML 1.2."""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from evenfit.errors import SweepError

_FLOAT = re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$")


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # the library has no types
    """Safe YAML, in which an unquoted 1e-5 is a number and a key comes once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - the library's own signature
        seen: dict[Any, int] = {}
        for name, _ in node.value:
            if name.tag == "tag:yaml.org,2002:merge":
                continue
            key, line = self.construct_object(name, deep=True), name.start_mark.line + 1
            if isinstance(key, Hashable) and key in seen:
                raise SweepError(f"line {line}: {key!r} comes twice, first on line {seen[key]}")
            if isinstance(key, Hashable):
                seen[key] = line
        made: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return made


# PyYAML looks a plain word up by its first letter, and its own float, of YAML 1.1, wants a point; 1.2 has no dates.
_Loader.yaml_implicit_resolvers = {
    letter: [
        (tag, rule)
        for tag, rule in rules
        if tag not in {f"tag:yaml.org,2002:{kind}" for kind in ("float", "timestamp")}
    ]
    for letter, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))


def read(path: Path) -> dict[str, Any]:
    """Read a sweep file: YAML, or JSON, which is YAML too.

    Raises:
        SweepError: there is no such file, it cannot be parsed, a key comes twice, or it is not a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SweepError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return parse(text, name=str(path))


def parse(text: str, *, name: str = "sweep") -> dict[str, Any]:
    """Parse a sweep file's text.

    >>> parse("a: 1e-5")["a"], parse("a: '1e-5'")["a"]
    (1e-05, '1e-5')

    Raises:
        SweepError: it cannot be parsed, a key comes twice, or it is not a mapping.
    """
    try:
        # tabs are white space in JSON, and nothing in YAML
        value = yaml.load(text.replace("\t", "  ") if text.lstrip().startswith("{") else text, Loader=_Loader)  # noqa: S506 - a safe loader
    except SweepError as error:
        raise SweepError(f"{name}: {error}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise SweepError(f"{name} is not YAML or JSON: {' '.join(str(error).split())}") from error
    if not isinstance(value, dict):
        raise SweepError(f"{name} must hold keys such as method and parameters; got {type(value).__name__}")
    return value

"""Over: the values of one hyperparameter that are measured, as a user writes them: ``width=4..512``."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from evenfit.errors import ConfigError
from evenfit.specs.config import CHOICES, Config

WHOLE = ("width", "depth", "batch_rows", "embedding_size", "epochs", "rows")
RATES = (  # where equal steps say most; the others are scales, where equal factors do
    *("momentum", "second_momentum", "beta", "dropout", "input_dropout", "drop_connect", "label_smoothing"),
    *("weight_averaging", "swa_share", "depth"),
)
_SWITCHES = tuple(field.name for field in fields(Config) if isinstance(field.default, bool))
FEWEST, MOST = 5, 9  # values between two ends
_WIDE = 10.0  # a scale whose ends are so many times apart is stepped through in round numbers
_BELOW = 1000.0  # a scale that begins at 0 goes on at this part of its end


@dataclass(frozen=True, kw_only=True)
class Over:
    """A name of a config's value, and the values that it is to take, each checked."""

    name: str
    values: tuple[Any, ...]

    @property
    def logarithmic(self) -> bool:
        """Whether the values belong on a logarithmic axis."""
        return self.name not in RATES and self.name not in CHOICES


def parse_over(text: str, *, base: Config, others: Sequence[str] = ()) -> Over:
    """Read ``NAME=LOW..HIGH`` or ``NAME=A,B,C``.

    Between two ends there are powers of two for widths, epochs and batches, equal factors for other scales, equal steps
    for rates and depths.

    Args:
        text: as it was typed.
        base: the config whose value is to vary; it checks each value.
        others: names of whole numbers that are no config's, and not checked.

    Raises:
        ConfigError: the form, the name or a value is not right.

    Example:
        >>> parse_over("width=4..64", base=Config()).values
        (4, 8, 16, 32, 64)
        >>> parse_over("dropout=0..0.6", base=Config()).values
        (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
        >>> parse_over("l2=0..1", base=Config()).values
        (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
    """
    name, equals, values = (part.strip() for part in text.partition("="))
    name = name if name in others else hyperparameter(name)
    if not equals or not values:
        raise ConfigError(f"over must be NAME=LOW..HIGH or NAME=A,B,C, such as width=4..512; got {text!r}")
    low, dots, high = (part.strip() for part in values.partition(".."))
    if dots:
        if name in CHOICES or name in _SWITCHES:
            raise ConfigError(f"{name} has no range; give its values: {name}=A,B,C; got {text!r}")
        found = _between(name, _number(low, text=text), _number(high, text=text), text=text)
    else:
        found = tuple(_value(name, part.strip(), text=text) for part in values.split(","))
    found = tuple(dict.fromkeys(found))
    if name in others:
        checked = tuple(_whole(value, text=text) for value in found)
    else:
        checked = tuple(getattr(base.with_values(**{name: value}), name) for value in found)
    if len(checked) < 2:
        raise ConfigError(f"over must have at least 2 values to compare; got {text!r}")
    return Over(name=name, values=checked)


def hyperparameter(given: str) -> str:
    """Give the name of a config's value, dashes or underscores.

    Raises:
        ConfigError: a config has no such value; the message names the nearest.
    """
    name = given.replace("-", "_").lower()
    known = [field.name for field in fields(Config)]
    if name in known:
        return name
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else f"; it has {', '.join(known)}"
    raise ConfigError(f"a config has no value named {given!r}{hint}")


def _between(name: str, low: float, high: float, *, text: str) -> tuple[Any, ...]:
    """Values from one end to the other."""
    if not low < high:
        raise ConfigError(f"over must go from a lower value to a higher one; got {text!r}")
    if name in WHOLE:
        least, most = _whole(low, text=text), _whole(high, text=text)
        if name in RATES:
            return tuple(sorted({least, *(round(value) for value in _steps(low, high)), most}))
        powers = range(math.ceil(math.log2(max(least, 1))), math.floor(math.log2(most)) + 1)
        return tuple(sorted({least, *(2**power for power in powers), most}))
    found = _steps(low, high) if name in RATES else _factors(low, high)
    digits = 1 if name not in RATES and high >= _WIDE * low else 2
    return (low, *(float(f"{value:.{digits}g}") for value in found[1:-1]), high)


def _steps(low: float, high: float) -> list[float]:
    """Equal steps, so many that the step is as round as can be."""
    steps = range(FEWEST - 1, MOST)
    count = min(steps, key=lambda number: (len(f"{(high - low) / number:.10g}"), -number))
    return [low + (high - low) * place / count for place in range(count + 1)]


def _factors(low: float, high: float) -> list[float]:
    """Equal factors, about two values a decade; from 0 on, 0 and then a thousandth of the end."""
    if low <= 0:
        return [low, *_factors(high / _BELOW, high)][: MOST + 1]
    count = min(MOST, max(FEWEST, round(2 * math.log10(high / low)) + 1))
    return [low * (high / low) ** (place / (count - 1)) for place in range(count)]


def _value(name: str, part: str, *, text: str) -> Any:
    """One value as it was typed: a choice's text, a switch, or a number."""
    if name in CHOICES:
        return part
    if name in _SWITCHES:
        if part not in ("true", "false"):
            raise ConfigError(f"{name} must be true or false, got {part!r}")
        return part == "true"
    number = _number(part, text=text)
    return int(number) if name in WHOLE and number == int(number) else number


def _number(part: str, *, text: str) -> float:
    """A finite number."""
    try:
        number = float(part)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ConfigError(f"over must have numbers, got {part!r} in {text!r}")
    return number


def _whole(number: float, *, text: str) -> int:
    """A whole number of at least 0."""
    if number != int(number) or number < 0:
        raise ConfigError(f"over must have whole numbers, got {number:g} in {text!r}")
    return int(number)

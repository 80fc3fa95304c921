"""Checkpoints: the epochs at which a config is validated."""

from __future__ import annotations


def checkpoint_epochs(epochs: int, count: int) -> list[int]:
    """Give the epochs at which a config is validated, the last included.

    Half of them are spread over orders of magnitude in the first half of training, where small
    tables are overfitted within a few epochs; half evenly over the second.

    Example:
        >>> checkpoint_epochs(40, 8)
        [1, 3, 7, 20, 25, 30, 35, 40]
    """
    if epochs <= count:
        return list(range(1, epochs + 1))
    middle, early = epochs // 2, count // 2
    first = {max(1, round(middle ** (position / (early - 1)))) for position in range(early)} if early > 1 else {middle}
    late = count - early
    second = {middle + round((epochs - middle) * (position + 1) / late) for position in range(late)}
    return sorted(first | second)

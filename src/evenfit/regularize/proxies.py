"""Proxies: what stands for a value while ``torch.fx`` traces, with changes in place kept as such."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from torch import fx


class ChangeableProxy(fx.Proxy):
    """A proxy under which ``x += y`` is not taken for ``x = x + y``: other uses of ``x`` see it."""

    def __iadd__(self, other: object) -> fx.Proxy:
        return self._changed(operator.iadd, other)

    def __isub__(self, other: object) -> fx.Proxy:
        return self._changed(operator.isub, other)

    def __imul__(self, other: object) -> fx.Proxy:
        return self._changed(operator.imul, other)

    def __itruediv__(self, other: object) -> fx.Proxy:
        return self._changed(operator.itruediv, other)

    def _changed(self, operation: Callable[..., Any], other: object) -> fx.Proxy:
        changed: fx.Proxy = self.tracer.create_proxy("call_function", operation, (self, other), {})
        return changed

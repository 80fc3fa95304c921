"""Joining: the rows of a table and test rows as one table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evenfit.data.schema import Table


def below(table: Table, test: Table) -> Table:
    """Put test rows below a table's; each is a group of its own, where there are groups, and weighs 1."""
    groups = (
        None if table.groups is None else np.concatenate([table.groups, table.groups.max() + 1 + np.arange(test.rows)])
    )
    return replace(
        table,
        numeric=np.concatenate([table.numeric, test.numeric]),
        codes=np.concatenate([table.codes, test.codes]),
        target=np.concatenate([np.asarray(table.target), np.asarray(test.target)]),
        weights=None if table.weights is None else np.concatenate([table.weights, np.ones(test.rows)]),
        groups=groups,
    )

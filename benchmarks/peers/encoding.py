"""What networks need of a table: numbers imputed and standardised, categories one-hot."""

from __future__ import annotations

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def encoder(X: pd.DataFrame) -> ColumnTransformer:
    """An unfitted encoder for the columns of `X`; a level unseen in training joins the rare ones, or is all zeros."""
    numbers = [name for name in X.columns if is_number(X[name])]
    categories = [name for name in X.columns if name not in numbers]
    return ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
            (
                "categories",
                OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=100, sparse_output=False),
                categories,
            ),
        ]
    )

"""Several mixed-integer models as one: their columns side by side, and the rows that bind them together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from chongming_gis.siting.highs import MipModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from chongming_gis.siting.formulation import Floats, Ints, Rows


def side_by_side(models: Sequence[MipModel], scales: Sequence[float]) -> MipModel:
    """Return one model of all columns whose objective is the scaled sum; all models have the same sense."""
    matrices = [model.matrix for model in models]

    def joined(name: str) -> npt.NDArray[Any]:
        return np.concatenate([getattr(model, name) for model in models])

    return MipModel(
        np.concatenate([model.costs * scale for model, scale in zip(models, scales, strict=True)]),
        sparse.csr_array(sparse.block_diag(matrices, format="csr")),
        joined("row_low"),
        joined("row_high"),
        joined("low"),
        joined("high"),
        joined("is_whole"),
        models[0].sense,
    )


def first_columns(models: Sequence[MipModel]) -> Ints:
    """Return where the columns of each model begin once they stand side by side, and where they end."""
    return np.concatenate(([0], np.cumsum([len(model.costs) for model in models]))).astype(np.int64)


def with_columns(model: MipModel, high: Floats) -> MipModel:
    """Return the model with more columns from 0 to ``high``, which cost nothing and are not whole numbers."""
    n = len(high)
    return replace(
        model,
        costs=np.concatenate([model.costs, np.zeros(n)]),
        matrix=sparse.csr_array(sparse.hstack([model.matrix, sparse.csr_array((model.matrix.shape[0], n))]).tocsr()),
        low=np.concatenate([model.low, np.zeros(n)]),
        high=np.concatenate([model.high, high]),
        is_whole=np.concatenate([model.is_whole, np.zeros(n, dtype=bool)]),
    )


def with_rows(model: MipModel, rows: Rows) -> MipModel:
    """Return the model with more rows."""
    body = rows.matrix(len(model.costs))
    return replace(
        model,
        matrix=sparse.csr_array(sparse.vstack([model.matrix, body], format="csr")),
        row_low=np.concatenate([model.row_low, rows.low]),
        row_high=np.concatenate([model.row_high, rows.high]),
    )

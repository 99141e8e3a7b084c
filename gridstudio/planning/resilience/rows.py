"""Constraints as rows of (variable, column, coefficient), gathered one by one and given to linopy as one group."""

from collections.abc import Iterable
from typing import Any

import linopy
import numpy as np
import pandas as pd
import xarray as xr


class Rows:
    """Terms of constraints, gathered as (row, column, coefficient) and added to a model as one group."""

    def __init__(self) -> None:
        self.terms: dict[str, list[tuple[int, int, float]]] = {}
        self.most: list[float] = []

    def add(self, most: float, **terms: Iterable[tuple[Any, Any]]) -> None:
        """sum of coefficient * variable[column] over the terms of every named variable <= most."""
        for name, pairs in terms.items():
            own = self.terms.setdefault(name, [])
            own.extend((len(self.most), int(column), float(c)) for column, c in pairs if c)
        self.most.append(most)

    def into(self, model: linopy.Model, name: str) -> None:
        if self.most:
            rows = pd.RangeIndex(len(self.most), name=name)
            most = xr.DataArray(np.array(self.most), coords=[rows])
            model.add_constraints(self._left(model, rows) <= most, name=name)

    def _left(self, model: linopy.Model, rows: pd.Index) -> linopy.LinearExpression:
        """All terms as one expression, row by row."""
        parts = [
            (terms[:, 0].astype(np.intp), model.variables[name].labels.values[terms[:, 1].astype(np.intp)], terms[:, 2])
            for name, given in self.terms.items()
            if len(terms := np.array(given, dtype=float).reshape(-1, 3))
        ]
        row, label, coefficient = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.argsort(row, kind="stable")
        row, label, coefficient = row[order], label[order], coefficient[order]
        place = np.arange(len(row)) - np.searchsorted(row, row)
        labels = np.full((len(rows), int(place.max()) + 1), -1)
        coefficients = np.full(labels.shape, np.nan)
        labels[row, place], coefficients[row, place] = label, coefficient
        dims = [rows.name, "_term"]
        data = {"vars": (dims, labels), "coeffs": (dims, coefficients), "const": ([rows.name], np.zeros(len(rows)))}
        return linopy.LinearExpression(xr.Dataset(data, coords={rows.name: rows}), model)

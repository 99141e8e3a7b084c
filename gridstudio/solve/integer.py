"""A linopy model as HiGHS holds it."""

import highspy
import linopy
import numpy as np
from scipy.sparse import csr_array


def matrix_form(model: linopy.Model) -> highspy.HighsLp:
    """Columns in the order of the variables' labels, rows with both bounds, the matrix by rows."""
    parts = model.matrices
    matrix = csr_array((0, len(parts.c))) if parts.A is None else parts.A.tocsr()  # None: no constraint has a term
    form = highspy.HighsLp()
    form.num_row_, form.num_col_ = matrix.shape
    form.col_cost_, form.col_lower_, form.col_upper_ = parts.c, parts.lb, parts.ub
    form.row_lower_ = np.where(parts.sense == "<", -np.inf, parts.b)
    form.row_upper_ = np.where(parts.sense == ">", np.inf, parts.b)
    form.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    form.a_matrix_.start_, form.a_matrix_.index_ = matrix.indptr, matrix.indices
    form.a_matrix_.value_ = matrix.data
    kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
    form.integrality_ = [kinds[int(kind != "C")] for kind in parts.vtypes]
    return form

"""Systems of as many equations as a network has seeds."""

from collections.abc import Sequence

__all__ = ["Vector", "dot", "inverted", "times"]

Vector = Sequence[float]
_NOTHING = 1e-12
"""A pivot that is rounding, for entries of about 1."""


def dot(left: Vector, right: Vector) -> float:
    """Inner product."""
    return sum(a * b for a, b in zip(left, right, strict=True))


def times(matrix: Sequence[Vector], vector: Vector) -> list[float]:
    """Product of a matrix and a vector."""
    return [dot(row, vector) for row in matrix]


def inverted(matrix: Sequence[Vector]) -> list[list[float]] | None:
    """The inverse, by Gauss and Jordan with the largest pivot of a column; None where there is none.

    >>> inverted([[2.0, 0.0], [0.0, 4.0]])
    [[0.5, 0.0], [0.0, 0.25]]
    """
    n = len(matrix)
    rows = [[*row, *(float(i == j) for j in range(n))] for i, row in enumerate(matrix)]
    for column in range(n):
        pivot = max(range(column, n), key=lambda i: abs(rows[i][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        if not abs(head := rows[column][column]) > _NOTHING:
            return None
        rows[column] = [value / head for value in rows[column]]
        for i in range(n):
            if i != column and (factor := rows[i][column]):
                rows[i] = [value - factor * of for value, of in zip(rows[i], rows[column], strict=True)]
    return [row[n:] for row in rows]

"""Packages that only some of Nissa's users need: imported when they are, and if they are missing, how to get them."""

from importlib import import_module
from typing import Any

__all__ = ["MissingPackageError", "needed"]


class MissingPackageError(ImportError):
    """One line: what is missing, and what to install."""


def needed(package: str, install: str = "nissa[query]") -> Any:
    """A package, imported. Raises MissingPackageError where it is not installed.

    >>> needed("no_such_package")
    Traceback (most recent call last):
    nissa.pipeline.query.packages.MissingPackageError: no_such_package is not installed: pip install 'nissa[query]'
    """
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package.partition(".")[0]:
            raise
        raise MissingPackageError(f"{error.name} is not installed: pip install '{install}'") from None

"""Which datasets are worth training on? Ingest, train, score and rank, one honest way."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ehpsbench.loading import load

__all__ = ["__version__", "load"]

# In a checkout the sister folders lie beside this package; in a wheel they lie inside it.
_checkout = Path(__file__).resolve().parent.parent
if (_checkout / "dataset_adapters").is_dir() and (_checkout / "pyproject.toml").is_file():
    __path__.append(str(_checkout))

try:
    __version__ = version("ehpsbench")
except PackageNotFoundError:  # a bare clone on the path
    __version__ = "0.0.0+uninstalled"


def __getattr__(name: str) -> object:
    if name == "load":
        from ehpsbench.loading import load

        return load
    raise AttributeError(f"module 'ehpsbench' has no attribute {name!r}")

"""The version of the package, and those that results depend on."""

from importlib.metadata import version

__version__ = "0.1.0"


def versions() -> dict[str, str]:
    """Versions of all that numbers depend on, by package."""
    return {"lmtbayes": __version__} | {package: version(package) for package in ("jax", "numpyro")}

"""JSON documents of a likelihood: what an export returns, and how they become files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import ArrayLike

from lmtbayes import _checks
from lmtbayes._files import write_text
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.gauge.photon import check_photon


@dataclass(frozen=True, eq=False)
class Documents:
    """A likelihood at a grid of bosons in a format of others.

    Parameters
    ----------
    documents
        By name of file: plain JSON.
    misses
        By boson: the largest difference between ln L of the documents and of the likelihood within two standard
        deviations of the nuisances.
    said
        The largest of them, in words, and where it is.
    """

    documents: dict[str, dict[str, Any]]
    misses: dict[str, float]
    said: str

    def __getitem__(self, name: str) -> dict[str, Any]:
        """One document by its file's name."""
        if name not in self.documents:
            raise _checks.unknown("document", name, self.documents)
        return self.documents[name]

    def __str__(self) -> str:
        """What there is, and how good it is."""
        return f"{', '.join(self.documents)}: {len(self.misses)} bosons; {self.said}"

    def write(self, folder: str | Path) -> list[Path]:
        """Write every document into a folder, each whole or not at all; returns the paths."""
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        return [write_text(path / name, text_of(document)) for name, document in self.documents.items()]


def text_of(document: Mapping[str, Any]) -> str:
    """Return JSON, numbers in full."""
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def grid_of_bosons(photon: HiddenPhoton) -> dict[str, HiddenPhoton]:
    """Name every boson of an array by its mass [MeV] and coupling, for `pyhf_workspace` and `hs3_workspace`.

    Parameters
    ----------
    photon
        Of any shape.

    Returns
    -------
    bosons
        Name, as "mass_15_g_x_0p0005", to a single photon. Names are made of what is different to six digits; equal
        ones get a number.

    Raises
    ------
    InvalidArgument
        No photon.

    Examples
    --------
    >>> import lmtbayes as lmt
    >>> import numpy as np
    >>> list(lmt.export.grid_of_bosons(lmt.HiddenPhoton(5e-4, np.array([15.0, 30.0]), 0.0)))
    ['mass_15_g_x_0p0005', 'mass_30_g_x_0p0005']
    """
    check_photon(photon)
    g_x, mass, eps_x = (np.ravel(x) for x in np.broadcast_arrays(photon.g_x, photon.mass, photon.eps_x))
    found: dict[str, HiddenPhoton] = {}
    for values in zip(g_x.tolist(), mass.tolist(), eps_x.tolist(), strict=True):
        name = f"mass_{_in_a_name(values[1])}_g_x_{_in_a_name(values[0])}"
        same = sum(other == name or other.startswith(f"{name}_number_") for other in found)
        found[f"{name}_number_{same + 1}" if same else name] = HiddenPhoton(*values)
    return found


def _in_a_name(value: float) -> str:
    return f"{value:.6g}".replace(".", "p").replace("+", "").replace("-", "m")


def numbers(values: ArrayLike) -> list[float]:
    """Plain numbers of an array."""
    return [float(x) for x in np.ravel(np.asarray(values))]

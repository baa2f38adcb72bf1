"""What is believed of a boson: a prior, or today's posterior; and what is taken to be true when a design is judged."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton, check_mixing, check_model
from lmtbayes.gauge.photon import check_photon
from lmtbayes.inference.priors import Prior

PARAMETERS = ("g_x", "mass", "eps_x")


class Posterior:
    """Draws of today's posterior, as the prior of what is to come.

    Parameters
    ----------
    tree
        DataTree of `sample_posterior` (or a file of one): its group "posterior" holds g_x, mass [MeV] and eps_x.
    model
        In which it was fitted, with its mixing rule.

    Raises
    ------
    InvalidArgument
        No such tree; draws of another model, as the tree says, or as their mixing does where it says nothing.

    Notes
    -----
    The boson's draws carry all that today's data say of it. Of the nuisances they carry nothing into the analysis of
    the new data, which takes the constraints of the experiments; where the truth is drawn from a posterior, so are its
    nuisances.
    """

    def __init__(self, tree: Any, model: GaugeModel):
        check_model(model)
        if not hasattr(tree, "children") or "posterior" not in tree.children:
            raise _checks.invalid("tree", type(tree).__name__, "a DataTree of sample_posterior, with a group posterior")
        draws = tree["posterior"].to_dataset()
        missing = [name for name in PARAMETERS if name not in draws]
        if missing:
            raise InvalidArgument(f"`tree` must hold draws of g_x, mass and eps_x; it has no {', '.join(missing)}")
        fitted = tuple(tree.attrs.get(name) for name in ("model", "mixing"))
        if None not in fitted and fitted != (model.name, str(model.mixing)):
            raise InvalidArgument(
                f"`model` must be that of the posterior, {fitted[0]} with mixing={fitted[1]!r}; got {model.name} with "
                f"mixing={model.mixing!r}"
            )
        self.model = model
        self._draws = {str(name): np.asarray(x.values, dtype=float).ravel() for name, x in draws.data_vars.items()}
        self._photon(slice(None))
        if model.mixing == "free" and np.any(self._draws["eps_x"] * model.mixing_sign < 0.0):
            raise _checks.invalid("model", model, "that of the posterior, whose mixing has the other sign")
        told = json.loads(tree.attrs.get("nuisances", "[]"))
        self._nuisances = [name for name in told if name in self._draws]

    def __len__(self) -> int:
        return self._draws["g_x"].size

    def __repr__(self) -> str:
        """Number of draws, and model."""
        return f"Posterior({len(self)} draws, {self.model.name}, mixing={self.model.mixing!r})"

    @property
    def names(self) -> tuple[str, ...]:
        """Parameters in which there is something to learn."""
        return ("log10_g_x", "log10_mass", *(("log10_kappa",) if self.model.mixing == "free" else ()))

    def _photon(self, where: Any) -> HiddenPhoton:
        photon = HiddenPhoton.unchecked(*(self._draws[name][where] for name in PARAMETERS))
        try:
            check_mixing(self.model, photon)
        except InvalidArgument as error:
            raise InvalidArgument(f"`model` must be that of the posterior: {error}") from None
        return photon

    def photons(self, seed: int, size: int) -> tuple[HiddenPhoton, dict[str, Float[np.ndarray, " size"]]]:
        """Draw photons and the nuisances' values that go with them; without repetition where there are enough."""
        rng = np.random.default_rng(seed)
        chosen = rng.permutation(len(self))[:size] if size <= len(self) else rng.integers(0, len(self), size)
        return self._photon(chosen), {name: self._draws[name][chosen] for name in self._nuisances}


type Belief = Prior | Posterior


def check_belief(argument: str, belief: object) -> None:
    """Require a prior, or a posterior of today."""
    if not isinstance(belief, Prior | Posterior):
        raise _checks.invalid(argument, type(belief).__name__, "a Prior, or a design.Posterior of a DataTree")


def draw_photons(belief: Belief, seed: int, size: int) -> tuple[HiddenPhoton, dict[str, np.ndarray]]:
    """Draw photons of a belief, and nuisances where it knows of them."""
    if isinstance(belief, Posterior):
        return belief.photons(seed, size)
    if not belief.names:
        return _repeated(HiddenPhoton.none(), size), {}
    return belief.photon(belief.sample(seed, size)), {}


@dataclass(frozen=True)
class Truth:
    """What is taken to be true: one boson, or a belief from which every data set draws its own.

    Parameters
    ----------
    model
        Which makes the data.
    boson
        A photon (a benchmark, or `HiddenPhoton.none()`), a Prior, or a `Posterior`.
    reads_as
        Name of the model of the plan that is right if this is true; None where none of them is.

    Raises
    ------
    InvalidArgument
        A photon whose mixing is not the model's, more than one photon, a prior of another model.

    Examples
    --------
    >>> import lmtbayes as lmt
    >>> lmt.design.Truth(lmt.LMU_LTAU, lmt.BENCHMARKS["BP1"], "Lmu-Ltau").reads_as
    'Lmu-Ltau'
    """

    model: GaugeModel
    boson: HiddenPhoton | Prior | Posterior
    reads_as: str | None = None

    def __post_init__(self) -> None:
        check_model(self.model)
        if isinstance(self.boson, HiddenPhoton):
            check_photon(self.boson)
            if self.boson.shape:
                raise InvalidArgument(f"`boson` must be a single photon; got an array of shape {self.boson.shape}")
            check_mixing(self.model, self.boson)
            return
        check_belief("boson", self.boson)
        if self.boson.model != self.model:
            raise InvalidArgument(f"`boson` must be of the truth's model {self.model}; got one of {self.boson.model}")

    def draw(self, seed: int, size: int) -> tuple[HiddenPhoton, Mapping[str, np.ndarray]]:
        """One photon a data set, and the nuisances that are known to go with it."""
        if isinstance(self.boson, HiddenPhoton):
            return _repeated(self.boson, size), {}
        return draw_photons(self.boson, seed, size)


def _repeated(photon: HiddenPhoton, size: int) -> HiddenPhoton:
    fields = (np.asarray(x) for x in (photon.g_x, photon.mass, photon.eps_x))
    return HiddenPhoton.unchecked(*(np.broadcast_to(x, (size,)) for x in fields))


def coordinates(photons: HiddenPhoton, names: tuple[str, ...]) -> Float[np.ndarray, "photons coordinates"]:
    """Decimal logarithms of coupling, mass and |mixing| over coupling, as columns: in which widths are given."""
    with np.errstate(divide="ignore", invalid="ignore"):
        columns = {
            "log10_g_x": np.log10(np.asarray(photons.g_x)),
            "log10_mass": np.log10(np.asarray(photons.mass)),
            "log10_eps_x": np.log10(np.abs(np.asarray(photons.eps_x))),
            "log10_kappa": np.log10(np.abs(np.asarray(photons.eps_x)) / np.asarray(photons.g_x)),
        }
    return np.stack([np.broadcast_to(columns[name], photons.shape) for name in names], axis=-1)

"""Neutrinos of hot white dwarfs over the Standard Model's: plasmon decay with a boson, in the limit of contact.

A plasmon decays to neutrinos through the electrons' vector current (the axial one is left out: E. Braaten and D. Segel,
Phys. Rev. D 48 (1993) 1478), so that the emission goes with the sum of C_V^2 over flavours, and a boson much heavier
than the plasma frequency (some tens of keV) shifts C_V as in Eq. 36 of arXiv:2104.03297:

    R = sum_alpha (C_V^alpha + delta_alpha)^2/sum_alpha (C_V^alpha)^2,   delta_alpha = g_nu_alpha g_e/(sqrt2 G_F M^2).

What is published is that observations know this luminosity at the level of 30 % (arXiv:2405.00094, abstract of its
second version); the term is a Gaussian about 1 whose one-sided limit at `cl` is R = 1 + `excess`. The paper's curve is
not to be had: temperature, density and the feedback of the emission on the star, which it has, are left out here, and
so are masses below 1 MeV, where its resonance lies. Its abstract gives no confidence level; that is why no fit takes
the entry unless it is named, and why `cl` is an option. With an excess of 1 the edge is the curve of
data/constraints/white_dwarfs.csv (arXiv:1303.7232: new emission below the Standard Model's) within 8 %, below 30 MeV.
"""

import math
from collections.abc import Mapping

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.stats import norm

from lmtbayes import _checks
from lmtbayes.constants import SIN2_THETA_W
from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.description import SINGLE_NUMBER, Description
from lmtbayes.experiments.limits import FADE
from lmtbayes.experiments.registry import anywhere, register
from lmtbayes.experiments.terms import Gaussian
from lmtbayes.gauge.models import FLAVOURS, GaugeModel, HiddenPhoton
from lmtbayes.processes.electron import chiral_couplings, hidden_shift

BY_NAME = ("white-dwarfs",)
"""Entries that a fit takes only where the user names them."""
EXCESS = 0.30
"""Of the luminosity; arXiv:2405.00094, abstract."""
LIGHTEST = 1.0
"""Mass [MeV] down to which contact holds to better than 1 %; the plasma frequency of a white dwarf is below 0.1 MeV."""


class WhiteDwarfs(Experiment):
    """Luminosity in neutrinos over the Standard Model's.

    Parameters (beyond those of Experiment)
    ----------
    vector_couplings
        C_V of nu_e, nu_mu and nu_tau with electrons.
    """

    vector_couplings: tuple[float, ...] = eqx.field(static=True)

    @property
    def mass_range(self) -> tuple[float, float]:
        """Masses of contact [MeV]: below 1 MeV it fades out over 5 % in M."""
        return LIGHTEST * math.exp(-FADE), math.inf

    def _signal(
        self,
        model: GaugeModel,
        photon: HiddenPhoton,
        values: Mapping[str, Float[Array, ""]],  # noqa: ARG002 - the uncertainty is in the term
    ) -> Float[Array, " bins"]:
        # Held at the lightest mass, so that what fades out is no pole.
        heavy = jnp.maximum(photon.mass, LIGHTEST * math.exp(-FADE))
        electron = model.coupling(photon, "e")
        added = jnp.zeros(())
        for flavour, vector in zip(FLAVOURS, self.vector_couplings, strict=True):
            shift = hidden_shift(model.coupling(photon, f"nu_{flavour}"), electron, 0.0, heavy)
            added = added + (2.0 * vector + shift) * shift
        left = 1.0 - jnp.clip(jnp.log(LIGHTEST / heavy) / FADE, 0.0, 1.0)
        window = left**2 * (3.0 - 2.0 * left)
        standard = sum(vector**2 for vector in self.vector_couplings)
        return jnp.atleast_1d(1.0 + window * added / standard)


def _build(
    *,
    name: str = "white-dwarfs",
    title: str | None = None,
    excess: float = EXCESS,
    cl: float = 0.90,
    sin2_theta_w: float = SIN2_THETA_W,
    nuisances: tuple[str, ...] | None = None,
) -> WhiteDwarfs:
    """Build the exclusion.

    Parameters
    ----------
    excess
        Of the plasmon luminosity over the Standard Model's, as a share of it, that is excluded.
    cl
        At which one-sided confidence level; none is published.
    sin2_theta_w
        sin^2 theta_W of the electron's couplings.
    nuisances
        () or None: there are none.

    Raises
    ------
    InvalidArgument
        A value that is not accepted; the message says what is.
    UnknownName
        A nuisance that there is not.
    """
    if nuisances:
        raise _checks.unknown(f"nuisance of experiment {name!r}", nuisances[0], ())
    _checks.positive("excess", excess)
    _checks.scalar("excess", excess)
    _checks.scalar("cl", cl)
    if not 0.5 < cl < 1.0:
        raise _checks.invalid("cl", cl, "a confidence level between 0.5 and 1")
    _checks.in_interval("sin2_theta_w", sin2_theta_w, 0.0, 1.0)
    couplings = [chiral_couplings(sin2_theta_w, flavour == "e") for flavour in FLAVOURS]
    return WhiteDwarfs(
        description=Description(
            name,
            "white dwarfs" if title is None else title,
            "P. Foldenauer, J. Hoefken Zink, arXiv:2405.00094; H. K. Dreiner et al., Phys. Rev. D 88 (2013) 043517, "
            "arXiv:1303.7232",
            "approximate",
            ("white-dwarfs",),
        ),
        binning=SINGLE_NUMBER,
        term=Gaussian(excess / norm.ppf(cl)),
        declared=(),
        active=(),
        observed=np.ones(1),
        vector_couplings=tuple(float(left) + float(right) for left, right in couplings),
    )


register("white-dwarfs", _build, reach=anywhere, status="approximate")

"""Nuisances that several kinds of experiment share by name: one definition, so that a joint fit can correlate them."""

from lmtbayes.constants import SIN2_THETA_W
from lmtbayes.experiments.nuisance import Gaussian, Nuisance


def weak_mixing_angle(central: float = SIN2_THETA_W) -> Nuisance:
    """Nuisance "sin2_theta_w", physical value sin^2 theta_W; the width is the same for any central value."""
    return Nuisance(
        "sin2_theta_w",
        Gaussian(central, 1.1e-4),
        "sin^2 theta_W at low momentum transfer, through Q_nuN = N - (1 - 4 sin^2 theta_W) Z and the electron's g_V",
        "width: the difference between 0.23857, used here, and 0.23868(5)(2) of arXiv:1712.09146",
    )


def nuclear_radius(target: str) -> Nuisance:
    """Nuisance "radius_<target>", a factor on the rms radius of the weak charge of every isotope of the target."""
    return Nuisance(
        f"radius_{target}",
        Gaussian(1.0, 0.03),
        f"factor on the rms radius of the weak charge in the form factor of {target}",
        "judgement: 3 % (0.1 fm in argon) covers the fits to charge radii and the neutron skins of nuclear theory; "
        "compare arXiv:1902.07398 and, for argon, arXiv:1908.09739",
    )


def lindhard_k(target: str, central: float, relative: float) -> Nuisance:
    """Nuisance "lindhard_k_<target>", Lindhard's k, which says how much a recoil ionises."""
    return Nuisance(
        f"lindhard_k_{target}",
        Gaussian(central, relative * central),
        f"k of Lindhard's quenching in {target}",
        "germanium: k of his theory against 0.162 +- 0.004 of arXiv:2202.03754; otherwise given by the user",
    )


def electron_binding() -> Nuisance:
    """Nuisance "rrpa_scale": 0 is the stepped rate of neutrinos on bound electrons, 1 the one of RRPA."""
    return Nuisance(
        "rrpa_scale",
        Gaussian(1.0, 0.5),
        "what binding takes from the stepped rate, in units of RRPA's prediction (0: stepped, 1: RRPA)",
        "judgement: the experiments' own predictions lie between stepped and RRPA, arXiv:1610.04177",
    )

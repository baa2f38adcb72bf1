"""Nuisances of solar neutrinos, one definition for every experiment that sees them: fluxes and oscillation."""

from lmtbayes import _checks
from lmtbayes.experiments.nuisance import Constraint, Gaussian, GaussianMixture, LogNormal, Nuisance
from lmtbayes.sources import solar
from lmtbayes.sources.oscillation import Oscillation

FLUX_8B_WIDTHS = ("b16", "sno")
OCTANTS = ("set", "both")


def flux(source: str, solar_model: str = "gs98", width_8b: str = "b16") -> Nuisance:
    """Nuisance "flux_<source>", a factor on the flux of one source.

    Parameters
    ----------
    source
        One of `solar.SOURCES`.
    solar_model
        Its theoretical uncertainty is the width.
    width_8b
        For 8B: "b16" (12 %) or "sno", that of the measurement (3.8 %).
    """
    _checks.one_of("flux_8b_width", width_8b, FLUX_8B_WIDTHS)
    sigma, reference = solar.flux_uncertainty(source, solar_model), "B16, arXiv:1611.09867"
    if source == "8b" and width_8b == "sno":
        sigma, reference = solar.SNO_8B_UNCERTAINTY, "SNO, arXiv:1109.0763"
    # Thirty per cent of a Gaussian reaches zero at three sigma: hep is known to a factor.
    constraint: Constraint = LogNormal(1.0, 1.0 + sigma) if source == "hep" else Gaussian(1.0, sigma)
    return Nuisance(flux_name(source), constraint, f"factor on the {source} neutrino flux", reference)


def flux_name(source: str) -> str:
    """Name of the nuisance of a source's flux."""
    return f"flux_{source}"


def shape_8b() -> Nuisance:
    """Nuisance "shape_8b", the fully correlated shift of the w06 spectrum of 8B in standard deviations."""
    return Nuisance("shape_8b", Gaussian(0.0, 1.0), "shift of the 8B spectrum [sigma]", "Winter et al. (2006)")


def oscillations(parameters: Oscillation, octant: str = "set") -> tuple[Nuisance, Nuisance, Nuisance]:
    """Nuisances "theta_12", "theta_23" and "delta_cp" [degrees], from one global fit.

    Parameters
    ----------
    parameters
        `oscillation(name)`: central values and widths.
    octant
        Of theta_23. "set": the fit's own solution. "both": also that in the other octant, with equal weight
        (a judgement: the fits prefer neither octant by more than about a unit of chi^2).
    """
    _checks.one_of("octant", octant, OCTANTS)
    theta23: Constraint = Gaussian(parameters.theta23_deg, parameters.theta23_sigma_deg)
    if octant == "both":
        theta23 = GaussianMixture(
            (parameters.theta23_deg, parameters.theta23_other_deg),
            (parameters.theta23_sigma_deg, parameters.theta23_other_sigma_deg),
            (0.5, 0.5),
        )
    source = f"{parameters.name}, data/solar/oscillation.csv"
    return (
        Nuisance("theta_12", Gaussian(parameters.theta12_deg, parameters.theta12_sigma_deg), "theta_12 [deg]", source),
        Nuisance("theta_23", theta23, "theta_23 [deg]: decides the sign of the nuclear-recoil effect", source),
        Nuisance(
            "delta_cp", Gaussian(parameters.delta_cp_deg, parameters.delta_cp_sigma_deg), "delta_CP [deg]", source
        ),
    )

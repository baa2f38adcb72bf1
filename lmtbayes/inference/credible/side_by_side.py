"""Frequentist and credible upper limits of one likelihood in one table: at each mass of a profile's grid."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument
from lmtbayes.inference.credible.limits import credible_limit
from lmtbayes.inference.evidence.result import Evidence
from lmtbayes.inference.frequentist.given_profile import check_profile
from lmtbayes.inference.frequentist.limits import upper_limit
from lmtbayes.inference.integration.posterior_grid import PosteriorGrid

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False)
class LimitsTable:
    """Limits side by side; made by `limits_table`."""

    frequentist: "xr.Dataset"
    """Of `upper_limit`."""
    credible: "xr.Dataset"
    """Of `credible_limit`, the other parameter held."""
    marginal: "xr.Dataset"
    """Of `credible_limit`, everything else integrated."""

    @property
    def table(self) -> "xr.Dataset":
        """Both as one Dataset: `limit` with a dimension `statistics`, "frequentist" or "credible", and their ratio."""
        import xarray as xr

        both = xr.concat([self.frequentist["limit"], self.credible["limit"]], "statistics")
        return xr.Dataset(
            {
                "limit": both.assign_coords(statistics=["frequentist", "credible"]),
                "limit_error": self.credible["limit_error"],
                "status": self.frequentist["status"],
                "exact": self.frequentist["exact"],
                "ratio": self.credible["limit"] / self.frequentist["limit"],
                "marginal_limit": self.marginal["limit"],
                "prior_limit": self.marginal["prior_limit"],
            },
            attrs={key: self.credible.attrs[key] for key in ("parameter", "cl", "prior", "method")},
        )

    def __str__(self) -> str:
        """One line a value of the other parameter, then the marginal limit and the prior."""
        (other,) = self.credible["limit"].dims
        parameter, cl = self.credible.attrs["parameter"], self.credible.attrs["cl"]
        lines = [
            f"{100 * cl:g} % upper limits on {parameter}",
            f"{other!s:>10}  {'frequentist':>14}  {'credible':>22}  {'ratio':>6}",
        ]
        found = self.table
        for value in found[other].values:
            row = found.sel({other: value})
            first, second = row["limit"].values
            kind = "exact" if row["exact"] else ""
            credible = f"{second:.4g} ± {row['limit_error'].item():.1g}"
            lines.append(f"{value:>10.4g}  {first:>8.4g} {kind:<5}  {credible:>22}  {row['ratio'].item():>6.3f}")
        lines.append(
            f"credible, {other} integrated: {self.marginal['limit'].item():.4g} ± "
            f"{self.marginal['limit_error'].item():.1g}; the prior alone: {self.marginal['prior_limit'].item():.4g}"
        )
        return "\n".join([*lines, self.credible.attrs["prior"]])

    __repr__ = __str__


def _check_same(profile: "xr.Dataset", posterior: object) -> None:
    """Refuse what is seen to be of another likelihood: a grid does not know its data, nor its experiments."""
    own = getattr(posterior, "prior", None)
    if own is not None and (own.model.name, str(own.model.mixing)) != (profile.attrs["model"], profile.attrs["mixing"]):
        raise InvalidArgument(
            f"`posterior` must be of the profile's model, {profile.attrs['model']} with mixing "
            f"{profile.attrs['mixing']!r}; got one of {own.model.name} with mixing {own.model.mixing!r}"
        )
    number = profile.sizes.get("nuisance", 0)
    if isinstance(posterior, PosteriorGrid) and posterior.pulls.shape[-1] != number:
        raise InvalidArgument(
            f"`posterior` must be of the profile's likelihood, with {number} nuisances; got one with "
            f"{posterior.pulls.shape[-1]}"
        )


def limits_table(
    profile: "xr.Dataset", posterior: PosteriorGrid | Evidence, parameter: str = "g_x", cl: float = 0.90
) -> LimitsTable:
    """Upper limits by profile likelihood and by the posterior, at each value of the other parameter of a profile.

    Parameters
    ----------
    profile
        Of `profile_likelihood`, two parameters.
    posterior
        Of `posterior_grid`, or an `Evidence` by cubature; of the same likelihood.
    parameter, cl
        As in `upper_limit` and `credible_limit`.

    Returns
    -------
    table
        Printed, the limits side by side; `table` is an xarray Dataset.

    Raises
    ------
    InvalidArgument
        A profile that is not of two parameters, or of another model or number of nuisances than the posterior; and what
        `upper_limit` and `credible_limit` raise.
    """
    check_profile(profile)
    dims = [str(dim) for dim in profile["q"].dims]
    _checks.one_of("parameter", parameter, dims)
    if len(dims) != 2:
        raise InvalidArgument(f"`profile` must have two parameters; it has {', '.join(dims)}")
    (other,) = (dim for dim in dims if dim != parameter)
    _check_same(profile, posterior)
    marginal = credible_limit(posterior, parameter, cl)
    frequentist = upper_limit(profile, parameter, cl)
    values = np.asarray(profile[other].values)
    return LimitsTable(frequentist, credible_limit(posterior, parameter, cl, at={other: values}), marginal)

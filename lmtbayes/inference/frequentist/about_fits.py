"""What a profile and a calibration say of the fits they are made of, by which one is known to be for the other."""

from collections.abc import Mapping
from typing import Any

from lmtbayes._version import versions
from lmtbayes.errors import InvalidArgument
from lmtbayes.inference.frequentist.box import Box
from lmtbayes.inference.identity.fingerprint import fingerprint
from lmtbayes.inference.likelihood.joint import JointLikelihood

_LIKELIHOOD = "likelihood"


def about_fits(like: JointLikelihood, box: Box) -> dict[str, str]:
    """Experiments, model, mixing, ranges, and versions; `likelihood`, a fingerprint of all but the data, "" without."""
    try:
        identity = fingerprint(like.joint)
    except InvalidArgument:  # a user's function without source text
        identity = ""
    return {
        "experiments": ", ".join(e.name for e in like.experiments),
        "model": like.model.name,
        "mixing": str(like.model.mixing),
        _LIKELIHOOD: identity,
        "ranges": box.describe(),
        **{f"{package}_version": number for package, number in versions().items()},
    }


def check_same_fits(calibration: Mapping[str, str], profile: Mapping[str, Any]) -> None:
    """Require a calibration of the fits of a profile, each by what it says of them.

    Raises
    ------
    InvalidArgument
        Other experiments, another model, mixing, likelihood or ranges.
    """
    for name, value in calibration.items():
        own = str(profile.get(name, value))
        if name.endswith("version") or own == value or (name == _LIKELIHOOD and not (own and value)):
            continue
        if name == _LIKELIHOOD:
            raise InvalidArgument(
                "`calibration` must be of the profile's likelihood; its experiments have the same names, but not the "
                "same options, bins, nuisances or versions of the rates"
            )
        raise InvalidArgument(f"`calibration` must be of the profile's {name}, {own}; got one of {value}")

"""A number that was measured, and a user's own function that predicts it: an Experiment from three numbers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes import _checks
from lmtbayes.experiments.asymmetric import AsymmetricGaussian
from lmtbayes.experiments.base import SINGLE_NUMBER, Description, Experiment
from lmtbayes.experiments.terms import Gaussian
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton


class Measurement(Experiment):
    """A number with its uncertainty, predicted by `function(model, photon)`."""

    function: Callable[[GaugeModel, HiddenPhoton], Any] = eqx.field(static=True)
    identity: str | None = eqx.field(static=True, default=None)

    def _signal(
        self,
        model: GaugeModel,
        photon: HiddenPhoton,
        values: Mapping[str, Float[Array, ""]],  # noqa: ARG002 - a measurement of this kind has no nuisance
    ) -> Float[Array, " bins"]:
        return jnp.atleast_1d(jnp.asarray(self.function(model, photon), dtype=float))


def measurement(
    name: str,
    value: float,
    sigma: float | Sequence[float],
    function: Callable[[GaugeModel, HiddenPhoton], Any],
    citation: str = "given by the user",
    title: str | None = None,
    status: str = "data",
    identity: str | None = None,
) -> Measurement:
    """Make an experiment of a measured number, for a JointLikelihood beside the registered ones.

    Parameters
    ----------
    name
        Of the experiment.
    value
        What was measured, in any unit.
    sigma
        Its standard deviation, or (upper, lower) where they differ.
    function
        (model, photon) to the expected number in the same unit, for one photon; written with jax.numpy, so that it can
        be differentiated.
    citation, title, status
        As in Description.
    identity
        Needed only where a run with a checkpoint says that `function` cannot be hashed: a name of your own for what it
        computes, changed whenever that changes.

    Raises
    ------
    InvalidArgument
        A value that is not finite, a sigma that is neither positive nor a pair of positive numbers, no function.

    Examples
    --------
    >>> import lmtbayes as lmt
    >>> toy = measurement("toy", 2.0e-9, 0.5e-9, lambda model, photon: lmt.delta_a_mu(photon, model))
    >>> toy.expected(lmt.LMU, lmt.HiddenPhoton(5e-4, 15.0, 0.0)).shape
    (1,)
    """
    _checks.finite("value", value)
    _checks.positive("sigma", sigma)
    widths = np.asarray(sigma, dtype=float)
    if widths.shape not in ((), (2,)):
        raise _checks.invalid("sigma", sigma, "a number, or (upper, lower)")
    if not callable(function):
        raise _checks.invalid("function", function, "a function of (model, photon)")
    if identity is not None and (not isinstance(identity, str) or not identity):
        raise _checks.invalid("identity", identity, "a non-empty string, or None")
    return Measurement(
        description=Description(name, name if title is None else title, citation, status),
        binning=SINGLE_NUMBER,
        term=Gaussian(widths) if widths.shape == () else AsymmetricGaussian(*widths),
        declared=(),
        active=(),
        observed=np.array([float(value)]),
        function=function,
        identity=identity,
    )

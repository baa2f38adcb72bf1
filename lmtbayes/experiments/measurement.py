"""A number that was measured, and a user's own function that predicts it: an Experiment from three numbers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.asymmetric import AsymmetricGaussian
from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.description import SINGLE_NUMBER, Description
from lmtbayes.experiments.terms import Gaussian
from lmtbayes.gauge.models import LMU_LTAU, GaugeModel, HiddenPhoton


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
        return jnp.reshape(_single(self.function(model, photon)), (1,))


_TRIAL = HiddenPhoton(5e-4, 15.0, -5e-4 / 70.0)
_EXPECTED = "a function of (model, photon), written with jax.numpy, that returns one finite number"


def _single(found: Any) -> Float[Array, "..."]:
    """Return what a function gave, if it is one real number."""
    shape = np.shape(found)
    if shape not in ((), (1,)):
        raise InvalidArgument(f"`function` must be {_EXPECTED}; got an array of shape {shape}")
    dtype = found.dtype if hasattr(found, "dtype") else np.asarray(found).dtype
    if dtype.kind not in "fiu":
        raise InvalidArgument(f"`function` must be {_EXPECTED}; got {type(found).__name__} of type {dtype}")
    return jnp.asarray(found, dtype=float)


def _try(function: Callable[[GaugeModel, HiddenPhoton], Any]) -> None:
    """Call a user's function once with numbers and once traced, at BP1.

    Raises
    ------
    InvalidArgument
        It does not return a single finite number, or cannot be traced.
    """
    try:
        found = function(LMU_LTAU, _TRIAL)
    except Exception as error:
        raise InvalidArgument(
            f"`function` must be {_EXPECTED}; it fails with {type(error).__name__}: {error}"
        ) from error
    value = _single(found)
    if not np.isfinite(value):
        at = "g_x = 5e-4, mass = 15 MeV, eps_x = -g_x/70"
        raise InvalidArgument(f"`function` must be {_EXPECTED}; got {float(np.squeeze(value))} at {at}")
    try:
        jax.eval_shape(lambda photon: _single(function(LMU_LTAU, photon)), _TRIAL)
    except jax.errors.JAXTypeError as error:
        raise InvalidArgument(
            f"`function` must be {_EXPECTED}; got one that jax cannot trace: {str(error).splitlines()[0]}"
        ) from error


def measurement(
    name: str,
    value: float,
    sigma: float | Sequence[float],
    function: Callable[[GaugeModel, HiddenPhoton], Any],
    *,
    citation: str = "given by the user",
    title: str | None = None,
    status: str = "data",
    data_sets: Sequence[str] = (),
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
        be differentiated. It is tried at the first benchmark, in Lmu-Ltau.
    citation, title, status, data_sets
        As in Description.
    identity
        Needed only where a run with a checkpoint says that `function` cannot be hashed: a name of your own for what it
        computes, changed whenever that changes.

    Raises
    ------
    InvalidArgument
        A value that is not finite, a sigma that is neither positive nor a pair of positive numbers, no function, or one
        that returns anything but one finite number or cannot be traced.

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
        raise _checks.invalid("function", function, _EXPECTED)
    if identity is not None and (not isinstance(identity, str) or not identity):
        raise _checks.invalid("identity", identity, "a non-empty string, or None")
    _try(function)
    return Measurement(
        description=Description(name, name if title is None else title, citation, status, data_sets),
        binning=SINGLE_NUMBER,
        term=Gaussian(widths) if widths.shape == () else AsymmetricGaussian(*widths),
        declared=(),
        active=(),
        observed=np.array([float(value)]),
        function=function,
        identity=identity,
    )

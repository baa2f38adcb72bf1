"""A joint model whose constraints were measured anew: what fluctuates in a toy besides the counts.

A constraint that is a standard normal of its pull stands for a measurement of that pull with unit error, which found
zero. Repeated where the pull is theta it finds a ~ N(theta, 1), and the constraint is then N(theta; a, 1). A constraint
of another shape (truncated, a sum of Gaussians) stands for no measurement that could be repeated: it stays as it is.
"""

from collections.abc import Callable, Hashable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from lmtbayes.inference.likelihood.constraints import Components, Constraints
from lmtbayes.inference.likelihood.model import JointModel


def measurable(joint: JointModel) -> Bool[np.ndarray, " nuisances"]:
    """Which constraints stand for a measurement of their pull that can be repeated."""
    return np.array([n.constraint.is_standard for n in joint.nuisances], dtype=bool)


class Remeasured(JointModel):
    """A joint model with its constraints about other pulls; for use inside one traced function.

    Parameters
    ----------
    joint
        Which keeps what is compiled.
    found
        The pull that each constraint is about; zero for those that are not `measurable`.
    """

    def __init__(self, joint: JointModel, found: Float[Array, " nuisances"]):
        self.__dict__.update(joint.__dict__)
        self.constraints = _Moved(joint.constraints, found)
        self._found = found

    def compiled[T](self, builder: Callable[..., T], *static: Hashable) -> T:
        """Refuse: what is kept would hold numbers that are traced, and the plain model would take it for its own."""
        raise TypeError(f"nothing is compiled for a traced joint model; got {builder!r}, static {static!r}")

    @property
    def central_pulls(self) -> Float[Array, " nuisances"]:
        """The pulls that the measurements found."""
        return super().central_pulls + self._found


class _Moved(Constraints):
    """Constraints about other pulls."""

    def __init__(self, constraints: Constraints, found: Float[Array, " nuisances"]):
        self.__dict__.update(constraints.__dict__)
        self._found = found

    def log_prob(self, pulls: Float[Array, "*batch nuisances"]) -> Float[Array, "*batch nuisances"]:
        """Log-density of every pull, normalised."""
        return super().log_prob(pulls - self._found)

    def start_of(self, component: Components) -> Float[Array, "*choices nuisances"]:
        """Pulls to climb from."""
        return super().start_of(component) + jnp.asarray(self._found)

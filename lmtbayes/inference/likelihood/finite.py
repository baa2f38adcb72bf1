"""The check that a likelihood and its gradient are finite, so that a NaN is found before a sampler runs into it."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from lmtbayes.errors import NotFinite
from lmtbayes.experiments.base import Experiment
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference import priors
from lmtbayes.inference.likelihood.evaluation import evaluation
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.parameters import default_range


def check_finite(joint: JointModel, data: Data) -> None:
    """Evaluate likelihood and gradient at draws from the default prior.

    Raises
    ------
    NotFinite
        One of them is not finite; the message names the experiment and the photon.
    """
    prior = priors.default(joint.model, kappa=default_range("kappa"), experiments=joint.experiments)
    unit = np.random.default_rng(0).random((8, len(prior.names)))
    photons = prior.photon(prior.from_unit_cube(jnp.asarray(unit))).broadcast()
    pulls = np.broadcast_to(joint.central_pulls, (8, len(joint.nuisances)))
    found = evaluation(joint)((photons, pulls), data)
    leaves = jax.tree.leaves((found.log_likelihood, found.by_photon, found.by_pulls))
    finite = np.array([all(np.isfinite(leaf[draw]).all() for leaf in leaves) for draw in range(8)])
    if finite.all():
        return
    # A NaN spreads in a joint reverse pass: each experiment by itself tells whose it is.
    draw = int(np.argmin(finite))
    photon = jax.tree.map(lambda x: x[draw], photons)
    g_x, mass, eps_x = (float(x) for x in (photon.g_x, photon.mass, photon.eps_x))

    def log_likelihood(photon: HiddenPhoton, pulls: Array, e: Experiment) -> Array:
        values = joint.nuisance_values(pulls)
        expected = e.expected_counts(joint.model, photon, {n.name: values[n.name] for n in e.nuisances})
        return jnp.sum(e.term.log_prob(expected, data[e.name]))

    for e in joint.experiments:
        found = jax.value_and_grad(log_likelihood, argnums=(0, 1))(photon, joint.central_pulls, e)
        if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(found)):
            raise NotFinite(
                f"experiment {e.name!r} has a log-likelihood or gradient that is not finite at "
                f"g_x = {g_x:.4g}, mass = {mass:.4g} MeV, eps_x = {eps_x:.4g} (central nuisances)"
            )
    raise NotFinite(
        "the constraints have a log-density or gradient that is not finite at central nuisances: "
        + ", ".join(repr(n.constraint) for n in joint.nuisances)
    )

"""Run in a process of its own by test_devices.py: the same calls on one device and on two, both kept in FILE.npz.

XLA_FLAGS=--xla_force_host_platform_device_count=2 python on_two_devices.py FILE.npz
"""

import sys

import jax
import numpy as np
from posterior_toys import SHORT, TWO, two_modes
from profile_toys import scale, toy

import lmtbayes as lmt
from lmtbayes.experiments.terms import Poisson
from lmtbayes.inference import devices
from lmtbayes.inference.frequentist.profile import profile_likelihood
from lmtbayes.inference.frequentist.toys import toy_test_statistics
from lmtbayes.inference.posterior.sample import sample_posterior
from lmtbayes.inference.posterior.sbc import sbc
from lmtbayes.methods import Independence

TRUTH = lmt.BENCHMARKS["BP1"]


def rate(g_x, mass, eps_x, values):
    return values["scale"] * jax.numpy.stack(
        [60.0 * (1.0 + 70.0 * eps_x / g_x * 15.0 / mass * 0.5) ** 2 + 5.0, 20.0 * (g_x / 5e-4) ** 2, 30.0 * mass**0.3]
    )


def everything(used):
    like = lmt.JointLikelihood(
        [toy(rate, Poisson(), 3, (scale(),))], lmt.LMU_LTAU, lmt.asimov(lmt.LMU_LTAU, TRUTH), check=False
    )
    found = {}
    # Odd numbers: rows, climbs and toys that do not divide by two.
    grid = {"mass": np.geomspace(5.0, 60.0, 5), "g_x": np.geomspace(3e-4, 8e-4, 3)}
    profile = profile_likelihood(like, grid, scan_points=16, batch_size=4, devices=used)
    found |= {f"profile_{name}": profile[name].values for name in ("q", "kappa", "pull", "status")}
    line = profile_likelihood(like, {"g_x": grid["g_x"]}, scan_points=12, batch_size=4, devices=used)
    found["line_q"] = line["q"].values
    toys = toy_test_statistics(like, TRUTH, 7, seed=4, batch_size=2, devices=used)
    found |= {"toys_q": toys.q, "toys_deviance": toys.deviance}
    photon = lmt.HiddenPhoton(grid["g_x"][:, None], grid["mass"], -1e-5)
    for nuisances in ("central", "profiled"):
        found[f"points_{nuisances}"] = lmt.log_likelihood_at(
            like, photon, nuisances=nuisances, batch_size=3, devices=used
        )
    found["sbc_rank"] = sbc(two_modes(), TWO, 2, seed=1, devices=used)["rank"].values
    tree = sample_posterior(two_modes(), TWO, 3, devices=used, **SHORT)
    found |= {f"chains_{name}": tree["posterior"][name].values for name in ("g_x", "mass", "scale")}
    tree = sample_posterior(two_modes(), TWO, 3, method=Independence(chains=8, draws=20), devices=used, progress=False)
    found["independent"] = tree["unconstrained_posterior"]["log10_g_x"].values
    return found


def main(path):
    one, two = jax.local_devices()
    work = devices.Mapped(lambda x: x + 1.0, (one, two), 2)
    placed = work.run(np.zeros(4), (), np.full(2, 2)).sharding.device_set
    result = {"devices": np.array(len(placed))}
    for name, used in {"one": (one,), "two": (one, two)}.items():
        result |= {f"{name}_{key}": value for key, value in everything(used).items()}
    np.savez(path, **result)


if __name__ == "__main__":
    main(sys.argv[1])

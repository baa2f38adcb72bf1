"""Under a user's own settings of jax: it works, or one sentence says why not. Each in a process of its own."""

import json
import os
import subprocess
import sys

import pytest

BEFORE = """
import json, os, sys, warnings
import numpy as np
def wrong():
    import jax, jax.numpy as jnp
    def f(u, xp):
        v, x = (u[..., 0] - 0.5) * 12, (u[..., 1:] - 0.5) * 40
        return xp.sum(x**2, -1) * xp.exp(-v) - v
    u = np.random.default_rng(0).random((4096, 3))
    return not np.allclose(jax.jit(lambda u: f(u, jnp))(u), f(u, np), rtol=1e-12, atol=1e-9)
"""


def run(code, **environment):
    own = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    own |= {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), **environment}
    done = subprocess.run([sys.executable, "-c", BEFORE + code], env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


WARNED = """
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import lmtbayes as lmt
flags = os.environ.get("XLA_FLAGS")
print(json.dumps([[[w.category.__name__, str(w.message)] for w in caught], flags, wrong()]))
"""


def test_the_work_around_is_on_and_no_child_inherits_it():
    assert run(WARNED) == [[], None, False]


@pytest.mark.slow
def test_a_setting_of_the_users_own_is_left_alone():
    assert run(WARNED, XLA_FLAGS="--xla_cpu_enable_fast_math=false") == [[], "--xla_cpu_enable_fast_math=false", False]
    own = "--xla_cpu_experimental_ynn_fusion_type="
    assert run("import jax.numpy as jnp; jnp.arange(3)" + WARNED, XLA_FLAGS=own) == [[], own, False]


def test_too_late_is_said():
    import jaxlib

    caught, flags, wrong = run("import jax.numpy as jnp; jnp.arange(3)" + WARNED)
    assert flags is None
    if tuple(map(int, jaxlib.__version__.split(".")[:3])) >= (0, 10, 2):
        ((category, message),) = caught
        assert category == "CompilerWarning"
        assert "import lmtbayes first" in message
        assert wrong  # where this fails, the compiler is mended: raise the versions in lmtbayes/_xla.py


def test_older_and_newer_compilers_are_not_given_a_flag_that_they_may_not_know(monkeypatch):
    from lmtbayes import _xla

    monkeypatch.delenv("XLA_FLAGS", raising=False)
    for version, needed in (("0.10.1", False), ("0.10.2", True), ("0.12.0.1", True)):
        monkeypatch.setattr(_xla.jaxlib, "__version__", version)
        assert _xla.is_needed() == needed
    monkeypatch.setattr(_xla.jaxlib, "__version__", "0.13.0")
    monkeypatch.setattr(_xla, "FLAG", "xla_cpu_a_flag_that_is_gone")
    assert not _xla.is_needed()


LIKE = """
import lmtbayes as lmt, jax, jax.numpy as jnp
import numpyro.distributions as dist
model = lmt.LMU_LTAU.with_mixing("paper")
class Own(lmt.Experiment):
    def _signal(self, model, photon, values):
        if DEBUGGED:
            seen.append(float(photon.g_x) if not isinstance(photon.g_x, jax.core.Tracer) else None)
        return values["flux"] * jnp.array([4.0, 2.0]) * (photon.g_x / 5e-4) ** 2 * jnp.exp(-photon.mass / 100.0) + 1.0
seen, DEBUGGED = [], False
from lmtbayes.experiments.terms import Poisson
flux = lmt.Nuisance("flux", lmt.Gaussian(1.0, 0.1), "scales", "made up")
own = Own(lmt.Description("own", "own", "nobody", "projection"), lmt.Binning(np.arange(3.0), "", "bin"), Poisson(),
          (flux,), ("flux",), None)
def build():
    return lmt.JointLikelihood([own], model, {"own": [6.0, 3.0]})
"""


@pytest.mark.slow
def test_without_jit_a_users_own_function_runs_as_python():
    found = run(
        LIKE
        + """
photon = lmt.BENCHMARKS["BP1"]
with jax.disable_jit():
    like = build()
    DEBUGGED = True
    plain = float(like.log_likelihood(photon))
    at = lmt.log_likelihood_at(like, photon)
    data = build().with_data(lmt.asimov(model, photon)).data["own"]
DEBUGGED = False
print(json.dumps([plain, float(at), float(like.log_likelihood(photon)), seen[0], len(data)]))
"""
    )
    assert found[0] == pytest.approx(found[1], rel=1e-14)
    assert found[0] == pytest.approx(found[2], rel=1e-14)
    assert found[3] == 5e-4
    assert found[4] == 2


@pytest.mark.slow
def test_with_checks_for_nan():
    found = run(
        LIKE
        + """
like, prior = build(), lmt.priors.default(model)
sample = dict(chains=4, warmup=20, draws=20, progress=False)
grid = {"g_x": np.geomspace(1e-5, 1e-2, 6), "mass": np.geomspace(2.0, 900.0, 6)}
def numbers():
    return [
        *np.ravel(lmt.sample_posterior(like, prior, **sample)["posterior"]["g_x"].values)[-5:].tolist(),
        *(lmt.evidence(like, prior, method).log_z for method in ("cubature", "importance")),
        float(np.sum(lmt.profile_likelihood(like, grid=grid)["q"])),
    ]
jax.config.update("jax_debug_nans", True)
checked = numbers()
print(json.dumps(checked))
""",
    )
    assert all(map(abs, found))


STRICT = """
import lmtbayes as lmt, jax
said = []
for name, value in (("jax_numpy_dtype_promotion", "strict"), ("jax_numpy_rank_promotion", "raise")):
    before = getattr(jax.config, name)
    jax.config.update(name, value)
    for use in (
        lambda: lmt.HiddenPhoton(1e-4, 10.0, 1e-6),
        lambda: lmt.JointLikelihood(["na64mu"], lmt.LMU, {"na64mu": [1.0]}),
    ):
        try:
            use()
        except Exception as error:
            said.append([type(error).__name__, str(error).partition(" (")[0]])
    jax.config.update(name, before)
print(json.dumps(said))
"""


@pytest.mark.slow
def test_strict_promotion_is_one_sentence():
    types = "jax's setting `jax_numpy_dtype_promotion` must be 'standard' for lmtbayes; got 'strict'"
    ranks = "jax's setting `jax_numpy_rank_promotion` must be 'allow' or 'warn' for lmtbayes; got 'raise'"
    assert run(STRICT) == [["InvalidArgument", message] for message in (types, types, ranks, ranks)]


def test_32_bits_after_building_is_one_sentence():
    code = """
like = build()
jax.config.update("jax_enable_x64", False)
photon = model.hidden_photon(1e-4, 10.0)
said = []
for use in (
    lambda: like.log_likelihood(photon),
    lambda: like.expected_counts(photon),
    lambda: like.log_density(photon, like.central_pulls),
    lambda: lmt.log_likelihood_at(like, photon),
    lambda: lmt.evidence(like, lmt.priors.default(model)),
    lambda: lmt.sample_posterior(like, lmt.priors.default(model), progress=False),
    lambda: lmt.toy_test_statistics(like, photon),
    lambda: lmt.profile_likelihood(like, grid={"g_x": [1e-4, 1e-3], "mass": [10.0, 20.0]}),
    lambda: like.numpyro_model(lmt.priors.default(model)),
):
    try:
        use()
    except Exception as error:
        said.append(type(error).__name__)
    else:
        said.append("passed")
print(json.dumps(said))
"""
    assert run(LIKE + code) == ["PrecisionError"] * 9

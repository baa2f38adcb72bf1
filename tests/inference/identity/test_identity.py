"""A run is told from another one by everything that it depends on, a user's own functions and classes included."""

import functools
import json
import os
import subprocess
import sys
import textwrap
import threading
import zipfile
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from profile_toys import FIXED
from toys import Counter, counter
from user_functions import Slotted

import lmtbayes as lmt
from lmtbayes.errors import CheckpointError, InvalidArgument
from lmtbayes.inference.identity.fingerprint import fingerprint, physics

FACTOR = 1.0


def plain(model, photon):
    return photon.g_x


def with_global(model, photon):
    return FACTOR * photon.g_x


def helper(x):
    return FACTOR * x


def through_helper(model, photon):
    return helper(photon.g_x)


def of_default(factor):
    def function(model, photon, factor=factor):
        return factor * photon.g_x

    return function


def of_keyword(factor):
    def function(model, photon, *, factor=factor):
        return factor * photon.g_x

    return function


def closing_over(factor):
    return lambda model, photon: factor * photon.g_x


def nesting(factor):
    def function(model, photon):
        return (lambda x: factor * x)(photon.g_x)

    return function


def with_attribute(factor):
    def function(model, photon):
        return function.factor * photon.g_x

    function.factor = factor
    return function


class Callable:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, model, photon):
        return self.factor * photon.g_x

    def method(self, model, photon):
        return self.factor * photon.g_x


def scaled(model, photon, factor):
    return factor * photon.g_x


def decorated(factor):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(model, photon):
            return factor * function(model, photon)

        return wrapper

    return decorate(plain)


def with_rule(factor):
    @jax.custom_jvp
    def rate(x):
        return x

    rate.defjvp(lambda x, t: (x[0], factor * t[0]))
    return lambda model, photon: rate(photon.g_x)


KINDS = {
    "closure": closing_over,
    "array in a closure": lambda x: closing_over(np.array([x, 1.0])),
    "jax's array in a closure": lambda x: closing_over(jnp.array(x)),
    "default": of_default,
    "keyword default": of_keyword,
    "nested lambda": nesting,
    "attribute of a function": with_attribute,
    "attribute of an object": Callable,
    "slot of an object": Slotted,
    "bound method": lambda x: Callable(x).method,
    "partial": lambda x: functools.partial(scaled, factor=x),
    "positional partial": lambda x: functools.partial(lambda a, m, p: a * p.g_x, x),
    "jitted": lambda x: jax.jit(closing_over(x)),
    "vmapped": lambda x: jax.vmap(closing_over(x)),
    "decorated": decorated,
    "cached": lambda x: functools.lru_cache(closing_over(x)),
    "rule of a derivative": with_rule,
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_function_holds(kind):
    make = KINDS[kind]
    assert fingerprint(make(2.0)) == fingerprint(make(2.0))
    assert fingerprint(make(2.0)) != fingerprint(make(3.0))


@pytest.mark.parametrize("function", [with_global, through_helper, Callable(1.0)])
def test_globals(function, monkeypatch):
    before = fingerprint(function)
    monkeypatch.setattr(sys.modules[__name__], "FACTOR", 100.0)
    assert (fingerprint(function) != before) == (not isinstance(function, Callable))


def test_two_lambdas_of_one_line():
    one, two, nested = (lambda x: x), (lambda x: 2.0 * x), (lambda x: (lambda y: y)(x))
    assert len({fingerprint(f) for f in (one, two, nested)}) == 3
    assert fingerprint(one) == fingerprint(lambda x: x)


def test_comments_and_docstrings_do_not_matter_and_code_does():
    one = loaded("def f(m, p):\n    return p.g_x")
    same = loaded("def f(m, p):\n    'Doc.'\n    # why\n    return (p.g_x)")
    other = loaded("def f(m, p):\n    return p.mass")
    assert fingerprint(one) == fingerprint(same) != fingerprint(other)


def loaded(text):
    """What a notebook does: compiled from a text that linecache knows."""
    import linecache

    name = f"<cell {hash(text)}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    space = {"__name__": "__main__"}
    exec(compile(text, name, "exec"), space)
    return space["f"]


def test_functions_of_users_modules(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_theory.py").write_text("SCALE = 2.0\ndef rate(x):\n    return SCALE * x\n")
    import own_theory

    def through_module(model, photon):
        return own_theory.rate(photon.g_x)

    before = fingerprint(through_module)
    monkeypatch.setattr(own_theory, "SCALE", 3.0)
    assert fingerprint(through_module) != before

    def imports(model, photon):
        import own_theory

        return own_theory.rate(photon.g_x)

    with pytest.raises(InvalidArgument, match="it imports own_theory inside its body"):
        fingerprint(imports)

    def anything(model, photon):
        return getattr(own_theory, "rate")(photon.g_x)  # noqa: B009 - what is tested

    with pytest.raises(InvalidArgument, match="cannot be told"):
        fingerprint(anything)


def test_recursion_ends():
    assert fingerprint(recursive) == fingerprint(recursive)


def recursive(n):
    return 1.0 if n == 0 else n * recursive(n - 1)


def measured(function, **options):
    return lmt.measurement("toy", 1.0, 0.1, function, **options)


def test_what_cannot_be_hashed_asks_for_an_identity():
    lock = threading.Lock()

    def locked(model, photon):
        with lock:
            return photon.g_x

    without_text = eval("lambda model, photon: photon.g_x")
    for function in (locked, without_text):
        with pytest.raises(InvalidArgument, match=r"cannot be told from another one by .*`identity=` of measurement"):
            fingerprint(measured(function))
        first, again, other = (measured(function, identity=name) for name in ("a", "a", "b"))
        assert fingerprint(first) == fingerprint(again) != fingerprint(other)
    # Numbers are hashed all the same.
    assert fingerprint(measured(locked, identity="a")) != fingerprint(
        lmt.measurement("toy", 2.0, 0.1, locked, identity="a")
    )
    with pytest.raises(InvalidArgument, match="`identity` must be a non-empty string"):
        measured(plain, identity="")


class Edited(Counter):
    def _signal(self, model, photon, values):
        return 2.0 * super()._signal(model, photon, values)


def recast(kind, **attributes):
    return type("Recast", (kind,), attributes)(**vars(counter()))


def test_an_edited_signal():
    prints = {fingerprint(e) for e in (counter(), counter(scale=11.0), recast(Counter), recast(Edited))}
    assert len(prints) == 4

    def signal(factor):
        return lambda self, model, photon, values: factor * jnp.ones(3)

    one, two = (recast(Counter, _signal=signal(factor)) for factor in (1.0, 2.0))
    assert fingerprint(one) != fingerprint(two)
    assert fingerprint(recast(Counter, _signal=signal(1.0), identity="a")) == fingerprint(
        recast(Counter, _signal=signal(2.0), identity="a")
    )


def test_priors_compare_by_contents():
    def prior(distribution):
        return lmt.Prior(FIXED, {"log10_g_x": distribution, "log10_mass": dist.Uniform(0.0, 3.0)})

    same = prior(dist.Uniform(-5.0, -2.0))
    assert same == lmt.priors.default(FIXED, mass=(1.0, 1000.0))
    assert hash(same) == hash(lmt.priors.default(FIXED, mass=(1.0, 1000.0)))
    # Equal at every quantile between 0.01 and 0.99 to what a plot shows, and another prior.
    cut = prior(dist.TruncatedNormal(-3.5, 0.1, low=-6.0))
    used = prior(dist.TruncatedNormal(-3.5, 0.1, low=-6.0))
    assert used.box  # which keeps derived numbers in the distribution
    assert cut == used != prior(dist.TruncatedNormal(-3.5, 0.1, low=-6.1))
    assert same != prior(dist.Uniform(-5.0, -1.999))
    held = dist.Uniform(-5.0, -2.0)
    held.lock = threading.Lock()
    assert prior(held) != prior(held)
    one = prior(held)
    assert {one: 1}[one] == 1


@pytest.mark.parametrize("name", ["ess10", "na64mu-2022", "coherent-csi-2021", "xenonnt-8b", "n-eff", "nutev-trident"])
def test_registered_experiments(name):
    assert fingerprint(lmt.experiment(name)) == fingerprint(lmt.experiment(name))


RUN = """
import functools, json, sys
import jax, jax.numpy as jnp, numpy as np
import numpyro.distributions as dist
import lmtbayes as lmt
from lmtbayes.inference.identity.fingerprint import fingerprint, physics

FACTOR = {"a": 2.0, "b": {1, 2, 3}, "c": frozenset("xyz")}
class Own:
    def __init__(self): self.names = {"alpha", "beta", "gamma"}
    def __call__(self, model, photon): return FACTOR["a"] * photon.g_x
def closing(x): return jax.jit(lambda model, photon: x * photon.g_x, static_argnums=0)
model = lmt.LMU_LTAU.with_mixing("paper")
functions = (Own(), closing(2.0), functools.partial(closing(3.0)))
made = [lmt.measurement(f"m{k}", 1.0, 0.1, f) for k, f in enumerate(functions)]
data = {"muon-g2-2025": [1e-9]} | {m.name: [1.0] for m in made}
like = lmt.JointLikelihood([*made, "muon-g2-2025"], model, data, check=False)
print(json.dumps([fingerprint(like, lmt.priors.default(model))] + [fingerprint(m) for m in made]))
"""


@pytest.mark.slow
def test_equal_in_every_process(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(textwrap.dedent(RUN))
    found = []
    for seed in ("0", "1"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout))
    assert found[0] == found[1]
    assert len(set(found[0])) == 4


QUICK = {
    "chains": 2,
    "warmup": 10,
    "draws": 10,
    "progress": False,
    "init": "prior",
    "jumps": False,
    "grid_check": False,
}


@pytest.mark.slow
def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    """The input of the audit: scaled by 1 and by 100 a measurement gave the same draws."""
    prior, path = lmt.priors.default(FIXED), tmp_path / "run.npz"

    def like(factor):
        own = lmt.measurement("toy", 5e-4, 1e-4, closing_over(factor))
        return lmt.JointLikelihood([own], FIXED, "observed", check=False)

    lmt.sample_posterior(like(1.0), prior, checkpoint=path, **QUICK)
    lmt.sample_posterior(like(1.0), prior, checkpoint=path, **QUICK)
    with pytest.raises(CheckpointError):
        lmt.sample_posterior(like(100.0), prior, checkpoint=path, **QUICK)

    lock = threading.Lock()
    held = lmt.JointLikelihood([measured(lambda m, p: p.g_x if lock else 0.0)], FIXED, "observed", check=False)
    with pytest.raises(InvalidArgument, match="identity"):
        lmt.sample_posterior(held, prior, checkpoint=tmp_path / "other.npz", **QUICK)


@pytest.mark.slow
def test_a_package_in_an_archive_has_the_same_rates_and_results(tmp_path):
    """Where Python imports from an archive there are no paths: neither for tables nor for the hash of the rates."""
    package = Path(lmt.__file__).parent
    with zipfile.ZipFile(tmp_path / "package.zip", "w") as archive:
        for folder, _, names in os.walk(package, followlinks=True):
            for name in names:
                if not name.endswith((".pyc", ".so")):
                    file = Path(folder, name)
                    archive.write(file, Path("lmtbayes", file.relative_to(package)))
    script = """
import lmtbayes as lmt
from lmtbayes.inference.identity.fingerprint import fingerprint, physics
like = lmt.JointLikelihood(["muon-g2-2025"], lmt.LMU_LTAU.with_mixing("paper"), "observed")
print("package.zip" in lmt.__file__, physics(), fingerprint(like))
"""
    ran = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "package.zip")},
        capture_output=True,
        text=True,
        check=False,
    )
    like = lmt.JointLikelihood(["muon-g2-2025"], lmt.LMU_LTAU.with_mixing("paper"), "observed")
    assert ran.stdout.split() == ["True", physics(), fingerprint(like)], ran.stderr

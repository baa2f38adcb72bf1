"""What every experiment shares: nuisances filled in, batches, aliases, bad input."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import Counter, counter

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument, UnknownName

PHOTON = lmt.HiddenPhoton(1e-3, 10.0, 0.0)


def test_expected_is_signal_plus_background_and_has_an_alias():
    exp = counter()
    np.testing.assert_allclose(exp.signal_counts(lmt.LMU, PHOTON), [10, 20, 30], rtol=1e-14)
    np.testing.assert_allclose(exp.background_counts, [4, 4, 4])
    np.testing.assert_allclose(exp.expected_counts(lmt.LMU, PHOTON), [14, 24, 34], rtol=1e-14)
    np.testing.assert_array_equal(exp.expected(lmt.LMU, PHOTON), exp.expected_counts(lmt.LMU, PHOTON))


def test_nuisances_not_named_are_central_and_inactive_ones_can_still_be_set():
    exp = counter(nuisances=("flux",))
    assert [n.name for n in exp.nuisances] == ["flux"]
    np.testing.assert_allclose(exp.expected_counts(lmt.LMU, PHOTON, {"flux": 1.1}), [15, 26, 37])
    np.testing.assert_allclose(exp.expected_counts(lmt.LMU, PHOTON, {"background": 2.0}), [18, 28, 38])


def test_arrays_of_photons_and_of_nuisances_are_batches():
    exp = counter()
    photons = lmt.HiddenPhoton(jnp.array([[1e-3], [2e-3]]), jnp.array([1.0, 2.0, 3.0]), 0.0)
    counts = exp.expected_counts(lmt.LMU, photons, {"flux": jnp.array([0.9, 1.0, 1.1])})
    assert counts.shape == (2, 3, 3)
    np.testing.assert_allclose(counts[1, 2], 1.1 * 40 * np.arange(1, 4) + 4, rtol=1e-13)
    with pytest.raises(InvalidArgument, match=r"`nuisances` must be scalars or arrays that broadcast"):
        exp.expected_counts(lmt.LMU, photons, {"flux": jnp.ones(2)})


def test_traceable_in_every_way():
    exp = counter()

    def total(photon, flux):
        return exp.expected_counts(lmt.LMU, photon, {"flux": flux}).sum()

    value = jax.jit(total)(PHOTON, 1.0)
    slope = jax.grad(total, argnums=(0, 1))(PHOTON, 1.0)
    assert float(value) == pytest.approx(72)
    assert float(slope[0].g_x) == pytest.approx(2 * 60 / 1e-3)
    assert float(slope[1]) == pytest.approx(60)
    assert jax.vmap(total, in_axes=(None, 0))(PHOTON, jnp.ones(4)).shape == (4,)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda e: e.expected_counts(lmt.LMU, PHOTON, {"flx": 1.0}), UnknownName, r"'flx' \(did you mean 'flux'\?\)"),
        (lambda e: e.expected_counts(lmt.LMU, PHOTON, {"flux": np.nan}), InvalidArgument, r"`nuisances\['flux'\]`"),
        (lambda e: counter(nuisances=("flx",)), UnknownName, r"did you mean 'flux'"),
        (lambda e: counter(observed=np.ones(2)), InvalidArgument, r"`observed` must be an array of shape \(3,\)"),
        (
            lambda e: lmt.Binning(np.array([0.0, 2.0, 1.0]), "keV", "E"),
            InvalidArgument,
            r"`bin_edges` must be a strictly",
        ),
        (
            lambda e: lmt.Binning(np.array([0.0, 1.0, 1.0]), "keV", "E"),
            InvalidArgument,
            r"`bin_edges` must be a strictly",
        ),
        (lambda e: lmt.Description("x", "x", "x", "real"), InvalidArgument, r"`status` must be one of 'data'"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call(counter())


class Wrong(Counter):
    """Gives what it is told."""

    signal: object
    noise: object

    def _signal(self, model, photon, values):
        return self.signal(photon)

    def _background(self, values):
        return self.noise


@pytest.mark.parametrize(
    ("signal", "noise", "message"),
    [
        # A single number was repeated in every bin, one of shape (1, 3) made ln L a sum over a table.
        (lambda p: p.g_x, np.ones(3), r"`_signal` of experiment 'counter' must return one number a bin, shape \(3,\)"),
        (lambda p: jnp.ones((1, 3)), np.ones(3), r"got shape \(1, 3\)"),
        (lambda p: jnp.ones(3), 1.0, r"`_background` of experiment 'counter' must return one number a bin"),
        (lambda p: np.log(p.g_x) * np.ones(3), np.ones(3), "`_signal` .* must be written with jax.numpy"),
    ],
)
def test_counts_of_another_shape_or_that_cannot_be_traced(signal, noise, message):
    right = counter()
    fields = {f.name: getattr(right, f.name) for f in dataclasses.fields(right)}
    wrong = Wrong(**fields, signal=signal, noise=noise)
    with pytest.raises(InvalidArgument, match=message):
        lmt.JointLikelihood([wrong], lmt.LMU, {"counter": np.ones(3)})

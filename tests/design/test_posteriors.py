"""Today's posterior of a fit, in two models: as prior it obeys the chain rule of evidences; as truth it is drawn."""

import numpy as np
import pytest
from counting import MODEL, Counting, counting

import lmtbayes as lmt
from lmtbayes import design
from lmtbayes.errors import InvalidArgument

LMU = lmt.LMU.with_mixing("paper")
MODELS = {"Lmu-Ltau": MODEL, "Lmu": LMU}
PRIORS = {name: lmt.priors.default(model, mass=(20.0, 21.0)) for name, model in MODELS.items()}
TODAY = np.array([14.0, 5.0])


class Charged(Counting):
    """What it counts of the boson depends on the charge of the tau."""

    def _signal(self, model, photon, values):
        return super()._signal(model, photon, values) * (1.0 + 0.5 * abs(model.charges["tau"]))


def charged(**values):
    like = counting(**values)
    return Charged(**{name: getattr(like, name) for name in like.__dataclass_fields__})


@pytest.fixture(scope="module")
def today():
    """Flux of today's counter free, and shared with the one to come."""
    fits = {}
    for name, model in MODELS.items():
        like = lmt.JointLikelihood([charged(name="today")], model, {"today": TODAY})
        fits[name] = lmt.sample_posterior(like, PRIORS[name], seed=1, draws=250, progress=False)
        assert fits[name].attrs["passed"], fits[name].attrs["verdict"]
    return fits


@pytest.mark.slow
def test_every_data_set_has_a_boson_and_a_flux_of_one_draw(today):
    belief = design.Posterior(today["Lmu-Ltau"], MODEL)
    plan = design.Plan([counting()], {"it": belief}, {"today": design.Truth(MODEL, belief, "it")})
    drawn = design.Engine(plan, size=300, seed=2, nodes=64).drawn["today"]
    draws = today["Lmu-Ltau"]["posterior"].to_dataset()
    g_x, flux = (np.asarray(draws[name]).ravel() for name in ("g_x", "flux"))
    values = 1.0 + 0.1 * drawn.pulls[:, 0]
    where = [int(np.argmin(np.abs(g_x - g))) for g in np.asarray(drawn.photons.g_x)]
    np.testing.assert_array_equal(g_x[where], drawn.photons.g_x)
    np.testing.assert_allclose(flux[where], values, rtol=1e-12)
    # Chains stay where they are now and then; with replacement some eleven would be there twice.
    assert len(set(where)) > 294
    assert abs(np.mean(np.log(drawn.photons.g_x)) - np.mean(np.log(g_x))) < 4 * np.std(np.log(g_x)) / 300**0.5


@pytest.mark.slow
def test_a_posterior_of_another_model_is_refused(today):
    with pytest.raises(
        InvalidArgument, match="`model` must be that of the posterior, Lmu with mixing='paper'; got Lmu-"
    ):
        design.Posterior(today["Lmu"], MODEL)
    with pytest.raises(InvalidArgument, match="got Lmu with mixing='free'"):
        design.Posterior(today["Lmu"], lmt.LMU)
    anonymous = today["Lmu"].copy()
    anonymous.attrs = {}
    with pytest.raises(InvalidArgument, match="`model` must be that of the posterior: "):
        design.Posterior(anonymous, LMU.with_mixing(-0.5))


@pytest.mark.slow
def test_evidences_obey_the_chain_rule(today):
    """Z(new | today's posterior) = Z(today, new)/Z(today), where the new data have no nuisance of today's."""
    old, new = charged(name="today"), charged(name="new", exposure=2.0, nuisances=())
    beliefs = {name: design.Posterior(today[name], model) for name, model in MODELS.items()}
    truths = {name: design.Truth(model, beliefs[name], name) for name, model in MODELS.items()}
    engine = design.Engine(design.Plan([new], beliefs, truths), size=60, seed=0, nodes=2000)
    setting = engine.setting()
    rows = np.concatenate([engine.data(setting, engine.drawn[truth])[:2] for truth in truths])
    for name, model in MODELS.items():
        ours, error, _ = engine.log_evidences(setting, name, rows)
        before = lmt.evidence(lmt.JointLikelihood([old], model, {"today": TODAY}), PRIORS[name]).log_z
        joint = lmt.JointLikelihood([old, new], model, {"today": TODAY, "new": rows[0]}, check=False)
        for row, log_z, sigma in zip(rows, ours, error, strict=True):
            expected = lmt.evidence(joint.with_data({"today": TODAY, "new": row}), PRIORS[name]).log_z - before
            assert abs(log_z - expected) < 5.0 * sigma + 0.03
    found = design.expect(engine, threshold=0.5)
    # Under beliefs that are right on average, E ln B is not negative, and a wrong model is seldom far ahead (Markov).
    for truth in truths:
        other = next(name for name in truths if name != truth)
        value, spread = found.log_bayes_factor(truth, truth, other)
        assert value > -3.0 * spread
        misled, spread = found.misleads(truth)
        assert misled < np.exp(-0.5) + 3.0 * spread

"""What every experiment on solar neutrinos leaves out of a model: the boson's potential in the Sun's matter."""

from lmtbayes.experiments.base import Experiment
from lmtbayes.gauge.models import FLAVOURS, GaugeModel


class SolarNeutrinos(Experiment):
    """Base of the experiments whose neutrinos oscillate on their way out of the Sun.

    Their probabilities are the Standard Model's. Where matter carries gauge charge a boson adds a potential
    g_x^2 Q_nu Q_matter n/M^2, which matters unless it is the same for all flavours; kinetic mixing adds none, since
    matter is neutral.
    """

    def left_out(self, model: GaugeModel) -> tuple[str, ...]:
        """The potential, for models in which matter is charged and flavours differ."""
        matter = any(model.charges.get(particle, 0.0) != 0.0 for particle in ("e", "u", "d"))
        if not matter or len({model.charges[flavour] for flavour in FLAVOURS}) == 1:
            return ()
        return ("its potential in the Sun's matter, which carries charge: oscillation is the Standard Model's",)

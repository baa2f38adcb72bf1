"""What detectors of nuclear recoils share: the spectrum of true recoil energy, before any response."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lmtbayes import _checks
from lmtbayes.constants import MEV_PER_KEV
from lmtbayes.detectors import targets
from lmtbayes.experiments.base import Experiment
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton

type Density = Callable[[GaugeModel, HiddenPhoton, Mapping[str, Array]], Array]


class RecoilDetector(Experiment):
    """A detector with a target whose nuclei recoil.

    Parameters (beyond those of Experiment)
    ----------
    target
        Its isotopes.
    """

    target: targets.Target = eqx.field(static=True)

    @abstractmethod
    def _density_at(self, energies: list[np.ndarray]) -> Density:
        """Counts per MeV, isotope by isotope in one row, at true recoil energies [MeV] of each isotope."""

    def differential_rate(
        self,
        model: GaugeModel,
        photon: HiddenPhoton,
        energy: ArrayLike | Sequence[float],
        nuisances: Mapping[str, ArrayLike] | None = None,
    ) -> Float[Array, "..."]:
        """Recoil spectrum before any response (Fig. 6).

        Parameters
        ----------
        model, photon, nuisances
            As in `expected_counts`.
        energy
            True recoil energy [keVnr], > 0, any shape; numbers, not traced.

        Returns
        -------
        rate
            Events per keV for the configured exposure, shape `photon.shape + energy.shape`.

        Raises
        ------
        InvalidArgument
            An energy that is not positive, or traced.
        """
        self._say_left_out(model, photon)
        if _checks.is_traced(energy):
            raise _checks.invalid("energy", energy, "known numbers; it cannot be traced")
        _checks.positive("energy", energy, "keV")
        kev = np.asarray(energy, dtype=float)
        with jax.ensure_compile_time_eval():
            density = self._density_at([kev.ravel() * MEV_PER_KEV] * len(self.target.isotopes))

        def rate(photon: HiddenPhoton, values: Mapping[str, Array]) -> Float[Array, " energies"]:
            return density(model, photon, values).reshape(-1, kev.size).sum(axis=0) * MEV_PER_KEV

        flat = self._batched(rate, photon, nuisances)
        return flat.reshape(*flat.shape[:-1], *kev.shape)

"""GaugeModel (who carries charge, how the boson mixes), HiddenPhoton (g_x, M_A', eps_x) and the benchmarks (Table 1).

The interaction is Eq. 9: a fermion couples to the boson with g_x Q_f^x - eps_x e Q_f^em. The same photon can be read
in any model: what differs is the charges, and with them the widths and the mixing rule.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import overload

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument
from lmtbayes.gauge.couplings import nuclear_coupling, vector_coupling
from lmtbayes.gauge.loop import check_finite_mixing, mixing_ratio
from lmtbayes.gauge.photon import HiddenPhoton, check_photon

FLAVOURS = ("e", "mu", "tau")
QUARKS = ("u", "d")
MIXING_RULES = ("free", "loop", "loop0", "paper")
_SAME_MIXING = 1e-6
"""Relative difference of eps_x that is one of digits, as in a number that was typed in."""
PAPER_MIXING = -1.0 / 70.0
"""eps_x / g_x of the rounded Eq. 11; the one-loop value is -1/69.28 at q^2 = 0 and -1/70 at |q| = 58 MeV."""


class _Charges(Mapping[str, float]):
    """An immutable mapping that hashes, so that a model can be a static argument of jit."""

    def __init__(self, charges: Mapping[str, float]):
        self._items = tuple(sorted((key, float(value)) for key, value in charges.items()))

    def __getitem__(self, key: str) -> float:
        return dict(self._items)[key]

    def __iter__(self) -> Iterator[str]:
        return (key for key, _ in self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(self._items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and dict(self) == dict(other)

    def __repr__(self) -> str:
        return repr(dict(self._items))


@dataclass(frozen=True)
class GaugeModel:
    """A U(1) gauge group: its charges and the rule for the boson's kinetic mixing.

    Parameters
    ----------
    name
        Shown in tables and pictures.
    charges
        Of the leptons "e", "mu", "tau" (left- and right-handed alike, neutrinos included) and, where the group acts on
        them, of the quarks "u", "d". What is not named is neutral.
    mixing
        "free": eps_x is a parameter of its own. "loop": one-loop mixing, running with q^2 in every propagator (Eq. 10).
        "loop0": the same at q^2 = 0. "paper": eps_x = -g_x/70. A number: the signed ratio eps_x/g_x.
    new_physics_scale
        mu of Eq. 12 [MeV], needed for "loop" and "loop0" where the lepton charges do not add up to zero.

    Raises
    ------
    InvalidArgument
        Unknown particle, charge that is no finite number, unknown mixing rule, a scale that is needed and missing.
    """

    name: str
    charges: Mapping[str, float]
    mixing: str | float = "free"
    new_physics_scale: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.charges, Mapping):
            raise _checks.invalid("charges", self.charges, "a mapping such as {'mu': 1, 'tau': -1}")
        for particle, charge in self.charges.items():
            _checks.one_of("charges", particle, FLAVOURS + QUARKS)
            if _checks.is_traced(charge):
                raise _checks.invalid(f"charges[{particle!r}]", charge, "a known number: a model is no function of it")
            _checks.finite(f"charges[{particle!r}]", charge)
            _checks.scalar(f"charges[{particle!r}]", charge)
        object.__setattr__(self, "charges", _Charges({**dict.fromkeys(FLAVOURS, 0.0), **self.charges}))
        if isinstance(self.mixing, str):
            _checks.one_of("mixing", self.mixing, MIXING_RULES)
        else:
            _checks.finite("mixing", self.mixing)
            object.__setattr__(self, "mixing", float(self.mixing))
        if self.new_physics_scale is not None:
            _checks.positive("new_physics_scale", self.new_physics_scale, "MeV")
        if self.mixing in ("loop", "loop0"):
            check_finite_mixing(self.name, dict(self.charges), self.new_physics_scale)

    def with_mixing(self, mixing: str | float, new_physics_scale: float | None = None) -> "GaugeModel":
        """Return the same group with another mixing rule.

        Examples
        --------
        >>> import lmtbayes as lmt
        >>> model = lmt.LMU_LTAU.with_mixing(-1 / 10)
        >>> print(f"{model.hidden_photon(5e-4, 15.0).eps_x:.1e}")
        -5.0e-05
        """
        return replace(self, mixing=mixing, new_physics_scale=new_physics_scale or self.new_physics_scale)

    @property
    def mixing_ratio(self) -> float | None:
        """eps_x / g_x at q^2 = 0 as the mixing rule fixes it; None where it is free."""
        if self.mixing == "free":
            return None
        if self.mixing == "paper":
            return PAPER_MIXING
        if isinstance(self.mixing, str):
            return float(mixing_ratio(dict(self.charges), 0.0, self.new_physics_scale, np))
        return self.mixing

    @property
    def mixing_sign(self) -> float:
        """Sign of eps_x/g_x that a free mixing is searched with, +1 or -1: that of the loop, -1 where there is none.

        The loop is that of Eq. 10 at q^2 = 0; it is not defined for quark charges, nor for lepton charges that do not
        add up to zero without a `new_physics_scale`.
        """
        loop = self.loop_ratio
        return 1.0 if loop is not None and loop > 0.0 else -1.0

    @property
    def loop_ratio(self) -> float | None:
        """eps_x/g_x of the loop at q^2 = 0 whatever the mixing rule; None where it is not defined."""
        charges = dict(self.charges)
        try:
            check_finite_mixing(self.name, charges, self.new_physics_scale)
        except InvalidArgument:
            return None
        return float(mixing_ratio(charges, 0.0, self.new_physics_scale, np))

    def hidden_photon(self, g_x: ArrayLike, mass: ArrayLike) -> HiddenPhoton:
        """Return the photon whose eps_x the mixing rule gives.

        Raises
        ------
        InvalidArgument
            The rule is "free": eps_x is then a number of your own, `HiddenPhoton(g_x, mass, eps_x)`.
        """
        if self.mixing_ratio is None:
            raise InvalidArgument(
                f"`mixing` of model {self.name!r} must fix eps_x for `hidden_photon`; it is 'free': use "
                "HiddenPhoton(g_x, mass, eps_x) or model.with_mixing('paper')"
            )
        _checks.non_negative("g_x", g_x)
        g_x = jnp.asarray(g_x, dtype=float)
        return HiddenPhoton(g_x, mass, self.mixing_ratio * g_x)

    @overload
    def running(self, q2: np.ndarray) -> np.ndarray: ...
    @overload
    def running(self, q2: Array) -> Float[Array, "..."]: ...
    def running(self, q2: ArrayLike) -> np.ndarray | Float[Array, "..."]:
        """Return eps(q^2)/eps(0) at fixed momentum transfers [MeV^2]: 1 unless the mixing rule is "loop".

        NumPy for quadrature nodes that are known when a rate is traced; JAX where they are traced themselves (an
        experiment that is an argument of a compiled function).
        """
        if self.mixing != "loop":
            return np.ones(np.shape(q2))
        xp = jnp if _checks.is_traced(q2) else np
        ratio = mixing_ratio(dict(self.charges), xp.asarray(q2, dtype=float), self.new_physics_scale, xp)
        return ratio / (self.mixing_ratio or math.nan)

    def coupling(
        self, photon: HiddenPhoton, fermion: str, running: ArrayLike = 1.0, convention: str = "default"
    ) -> Float[Array, "..."]:
        """Vector coupling of "e", "mu", "tau", "nu_e", "nu_mu", "nu_tau", "u" or "d": g_x Q - eps_x e Q_em (Eq. 9).

        `running` multiplies eps_x; convention="paper" leaves mixing out of charged leptons with gauge charge.

        Raises
        ------
        InvalidArgument
            A photon that is no HiddenPhoton, an unknown fermion or convention.
        """
        check_photon(photon)
        return vector_coupling(self.charges, photon, fermion, running, convention)

    def electron_coupling(self, photon: HiddenPhoton, running: ArrayLike = 1.0) -> Float[Array, "..."]:
        """Vector coupling of the electron, g_x Q_e + eps_x e (Eq. 9); `running` multiplies eps_x."""
        return vector_coupling(self.charges, photon, "e", running)

    def nuclear_coupling(
        self, photon: HiddenPhoton, protons: ArrayLike, neutrons: ArrayLike, running: ArrayLike = 1.0
    ) -> Float[Array, "..."]:
        """Vector coupling of a nucleus, g_x (Q_p Z + Q_n N) - eps_x e Z (Eq. 9); `running` multiplies eps_x."""
        return nuclear_coupling(self.charges, photon, protons, neutrons, running)


LMU_LTAU = GaugeModel("Lmu-Ltau", {"e": 0, "mu": 1, "tau": -1})
"""Anomaly-free U(1)_{Lmu-Ltau}, free kinetic mixing."""
LMU = GaugeModel("Lmu", {"e": 0, "mu": 1, "tau": 0})
"""Effective U(1)_{Lmu}, free kinetic mixing: the paper's foil."""
MODELS = MappingProxyType({"lmu-ltau": LMU_LTAU, "lmu": LMU})
"""Models by the names of the command line."""


def check_model(model: object) -> None:
    """Require a GaugeModel: its name alone is none."""
    if not isinstance(model, GaugeModel):
        raise _checks.invalid("model", model, "a GaugeModel, such as LMU_LTAU")


def check_mixing(model: GaugeModel, photon: HiddenPhoton) -> None:
    """Require that photons have the eps_x that the model's mixing rule gives, where it gives one.

    Statistics ask for it: in a model of fixed mixing a boson has two parameters, and one with another eps_x is none of
    it. An experiment's rates do not: they read any photon in the charges of any model.
    """
    ratio = model.mixing_ratio
    if ratio is None or any(_checks.is_traced(field) for field in (photon.g_x, photon.eps_x)):
        return
    g_x, eps_x = np.broadcast_arrays(np.asarray(photon.g_x), np.asarray(photon.eps_x))
    off = np.abs(eps_x - ratio * g_x) > _SAME_MIXING * np.maximum(np.abs(ratio * g_x), np.abs(eps_x))
    if np.any(off):
        g, eps = float(g_x[off][0]), float(eps_x[off][0])
        raise InvalidArgument(
            f"`photon` must have the mixing of the model {model.name!r}, eps_x/g_x = {ratio:.6g} (mixing "
            f"{model.mixing!r}: eps_x = {ratio * g:.6g} at g_x = {g:.6g}); got eps_x = {eps:.6g}"
            f"{f', eps_x/g_x = {eps / g:.6g}' if g else ''}: use model.hidden_photon(g_x, mass), or mixing 'free'"
        )


class _Benchmarks(Mapping[str, HiddenPhoton]):
    """Table 1, built on demand so that a bare import compiles nothing; unknown names are told what exists."""

    _VALUES = MappingProxyType({"BP1": (5e-4, 15.0), "BP2": (6e-4, 25.0), "BP3": (6e-4, 50.0), "BP4": (1e-3, 100.0)})

    def __getitem__(self, name: str) -> HiddenPhoton:
        if name not in self._VALUES:
            raise _checks.unknown("benchmark", name, self._VALUES)
        g_x, mass = self._VALUES[name]
        return HiddenPhoton(g_x, mass, g_x * PAPER_MIXING)

    def __iter__(self) -> Iterator[str]:
        return iter(self._VALUES)

    def __repr__(self) -> str:
        """Names and photons, as a dict shows them; makes no array."""
        shown = (
            f"{k!r}: HiddenPhoton(g_x={g:g}, mass={m:g}, eps_x={g * PAPER_MIXING:.6g})"
            for k, (g, m) in self._VALUES.items()
        )
        return f"{{{', '.join(shown)}}}"

    def __len__(self) -> int:
        return len(self._VALUES)


BENCHMARKS: Mapping[str, HiddenPhoton] = _Benchmarks()
"""BP1-BP4 of Table 1 (M_A' 15, 25, 50, 100 MeV), all with eps_x = -g_x/70."""

"""Functions of a user's, of every kind, whose fingerprints are the same in every version of Python."""

import abc
import contextlib
import dataclasses
import enum
import functools
import reprlib
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from toys import Counter, counter

SCALE = np.array([1.0, 2.0])
NAMES = {"b", "a"}


def closing_over(factor):
    return lambda model, photon: factor * photon.g_x


def with_defaults(model, photon, power=2, *, factor=0.5):
    return factor * photon.g_x**power


def nesting(factor):
    def function(model, photon):
        return (lambda x: (lambda y: factor * y)(x))(photon.g_x)

    return function


def with_numpy_global(model, photon):
    return jnp.sum(SCALE) * photon.g_x if "a" in NAMES else photon.mass


class Callable:
    factor = 2.0

    def __init__(self, power):
        self.power = power

    def __call__(self, model, photon):
        return self.factor * photon.g_x**self.power

    def method(self, model, photon):
        return self(model, photon)

    @classmethod
    def of_class(cls, model, photon):
        return cls.factor * photon.g_x

    @staticmethod
    def static(model, photon):
        return photon.g_x

    @property
    def half(self):
        return 0.5 * self.power


@dataclasses.dataclass(frozen=True)
class Record:
    power: float = 2.0

    def __call__(self, model, photon):
        return photon.g_x**self.power


class Slotted:
    __slots__ = ("factor",)

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, model, photon):
        return self.factor * photon.g_x


def comprehending(model, photon):
    table = {k: 2.0 * v for k, v in zip("ab", (1.0, 2.0), strict=True)}
    return sum([SCALE[i] * x * photon.g_x for i, x in enumerate(table.values()) if i in {0, 1}])


def matching(model, photon):
    match model.mixing:
        case "free" | None:
            return photon.eps_x
        case float() as ratio if ratio < 0.0:
            return ratio * photon.g_x
        case [first, *_]:
            return first
        case {"ratio": r, **rest}:
            return r if rest else 0.0
        case _:
            return photon.g_x


def documented(model, photon):
    """What it is for.

    And an indented line.
    """
    label: str = f"{model.name!r:>10} {1.0:.3f} {{}} {photon}"
    assert label
    return photon.g_x


def generic[T](x: T) -> T:
    return x


def through_generic(model, photon):
    return generic(photon.g_x)


def guarded(model, photon):
    try:
        value = photon.g_x
    except* ValueError as error:
        raise RuntimeError from error
    finally:
        pass
    while (n := 1) > 2:
        n += 1
    with np.errstate(all="ignore"):
        pass
    *_, last = (value, n)
    return value if not last else -value + 1j * 10**20 + 0x10


def decorated(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return 2.0 * function(*args, **kwargs)

    return wrapper


@decorated
def wrapped(model, photon):
    return photon.g_x


def recursive(model, photon, n=3):
    return photon.g_x if n == 0 else recursive(model, photon, n - 1)


class Point(NamedTuple):
    power: float = 2.0

    def of(self, model, photon):
        return photon.g_x**self.power


class Colour(enum.Enum):
    RED = 2.0
    BLUE = 3.0

    def of(self, model, photon):
        return self.value * photon.g_x


class Flags(enum.Flag):
    ONE = enum.auto()
    TWO = enum.auto()


class Rate(Protocol):
    power: float

    def of(self, model, photon):
        return photon.g_x**self.power


class Concrete(Rate):
    def __init__(self, power):
        self.power = power


class Abstract(abc.ABC):
    @abc.abstractmethod
    def of(self, model, photon): ...


class Real[T](Abstract):
    held: T

    def of(self, model, photon):
        return self.squared * photon.g_x

    @functools.cached_property
    def squared(self):
        return 4.0

    @contextlib.contextmanager
    def context(self):
        yield 3.0

    @reprlib.recursive_repr()
    def __repr__(self):
        return "Real"


@dataclasses.dataclass(order=True, slots=True)
class Sorted:
    power: float = 2.0
    more: list = dataclasses.field(default_factory=list)

    def of(self, model, photon):
        return photon.g_x**self.power


def with_flag(model, photon):
    return photon.g_x if Flags.ONE in (Flags.ONE | Flags.TWO) else photon.mass


def with_class(model, photon):
    class Local:
        scale = SCALE

        def of(self, x):
            return self.scale * x

    return Local().of(photon.g_x)


def lambdas():
    """Lambdas of every shape; three of them in one line."""
    first, second, third = lambda m, p: p.g_x, lambda m, p, k=2: k * p.g_x, lambda m, *p, **k: p[0].g_x
    holding = lambda m, p: (lambda y: y * p.g_x)(2.0)  # noqa: E731
    long = lambda m, p: [x * p.g_x for x in (1.0, 2.0) if x > (lambda z: z)(1.0)][-1] if p.g_x > 0.0 else p.mass  # noqa: E731
    return first, second, third, holding, long


class Edited(Counter):
    def _signal(self, model, photon, values):
        return 2.0 * super()._signal(model, photon, values)


class Measure(dist.Normal):
    def log_prob(self, value):
        return super().log_prob(value) + 1.0


def functions():
    """Name to function."""
    return {
        "closure": closing_over(2.0),
        "array in a closure": closing_over(np.array([1.0, 2.0])),
        "defaults": with_defaults,
        "nested lambda": nesting(2.0),
        "jitted": jax.jit(closing_over(3.0)),
        "jitted, static": jax.jit(with_defaults, static_argnames="power"),
        "gradient": jax.grad(lambda x: x**2),
        "vmapped": jax.vmap(closing_over(3.0)),
        "callable object": Callable(2.0),
        "dataclass": Record(3.0),
        "slots": Slotted(2.0),
        "partial": functools.partial(with_defaults, power=3),
        "numpy global": with_numpy_global,
        "class method": Callable.of_class,
        "bound method": Callable(2.0).method,
        "static method": Callable.static,
        "edited _signal": Edited(**vars(counter())),
        "comprehension": comprehending,
        "match": matching,
        "docstring": documented,
        "generic": through_generic,
        "rare statements": guarded,
        "decorated": wrapped,
        "cached": functools.lru_cache(closing_over(2.0)),
        "recursive": recursive,
        "named tuple": Point(3.0).of,
        "enumeration": Colour.RED.of,
        "flags": with_flag,
        "protocol": Concrete(2.0).of,
        "abstract": Real().of,
        "slotted dataclass": Sorted(3.0).of,
        "class inside": with_class,
        "distribution": Measure(0.0, 1.0),
        "library's": jnp.sqrt,
        "ufunc": np.sqrt,
    } | {f"lambda {k}": function for k, function in enumerate(lambdas())}

"""Fingerprints of a user's functions, as constants: equal in every process, version of Python, jax and NumPy.

A constant changes where what identifies code changes on purpose: checkpoints of before are then refused.
"""

import linecache

import pytest
from user_functions import Colour, Point, Real, Record, functions

from lmtbayes.inference.identity.fingerprint import fingerprint

FROZEN = {
    "closure": "65977c5f3648a3e269319f8b32ffb5f9",
    "array in a closure": "dac1821191ee273c0f5759bc10f8ea63",
    "defaults": "5eb16f102ba9c02472af38d936eb4779",
    "nested lambda": "643e169f2db9f4b616b07bcd77402461",
    "jitted": "5208f3f2e3d12d9ed087918e73a7b80c",
    "jitted, static": "23cc2ffc264c8cc165b37320863c30ef",
    "gradient": "e60c14889c1c7cb7b6a4addc7eab48d0",
    "vmapped": "22290bbd5ca4acf76607c8a2877346bb",
    "callable object": "3c7961b9c66653ef6c2439f1aa0df2fe",
    "dataclass": "eb1ba3a0b94a2ca2b12247c67f223cb3",
    "slots": "eebaeca3bf876592fca085f9a7c76a8b",
    "partial": "f200a722a0e5fb9020f917fc133e34ce",
    "numpy global": "71127a1d35528f3b2edbeb709ed9f444",
    "class method": "eef88bb0c8ddc34572e76060111d35d4",
    "bound method": "c8e0b4dc6cfd0a114e71864e5a941f50",
    "static method": "7f4a3581805385820d1660f1857c3d0a",
    "edited _signal": "5f5d4850f84544596e2df445534d031c",
    "comprehension": "f7ef73454081d584d8a3f3c3f7904be7",
    "match": "58027c447690aaab932384125f9227e1",
    "docstring": "98f1cfbe29bb932044dc51e5a2beb971",
    "generic": "4324129a8f7e279866e65160dcd7762d",
    "rare statements": "300c72e2515c8d0ec13e71c4cf0c09d0",
    "decorated": "e344e5c8364762ad82e28c2bed0cc78c",
    "cached": "b305b4b7374e83b1e451f3a7e99b718a",
    "recursive": "005dc5478a43ea18a73c3ff732d315ee",
    "named tuple": "67c0af669fa0f9032bd94194b2278ccc",
    "enumeration": "0b27e42e2c6c857cc181dfe88d7aad38",
    "flags": "6053fb586f7bec635e8801410e8ecb7e",
    "protocol": "22aa5d4ff1f2fef34a7006c039b4e7cd",
    "abstract": "7332de54771653d1b87c653d756a3a68",
    "slotted dataclass": "f669a43f225af9a9c276af6efb3e7d5b",
    "class inside": "3fecdf723a81d2b49f89c7fa04919bb0",
    "distribution": "1f9fe0a694eec739c3175fa24cc5a7aa",
    "library's": "bfc57da130a6fb4ac3b75a2a5592ed4b",
    "ufunc": "98125e9b365a857fe3f6d17dc8a760c9",
    "lambda 0": "678e09dabb64db30c47835ed90960e7c",
    "lambda 1": "34a9d67799c00592e45b810705ed7c6f",
    "lambda 2": "88665d54b505c63392839f18b7c8b4c1",
    "lambda 3": "e1b0c175dee739c380cf2b299a056979",
    "lambda 4": "b5c46a1644234ab071c338f40858c008",
}


def test_every_function_is_frozen():
    assert set(FROZEN) == set(functions())
    assert len(set(FROZEN.values())) == len(FROZEN)


@pytest.mark.parametrize("name", FROZEN)
def test_a_fingerprint_is_that_of_every_version_of_python(name):
    """Made by Python 3.12.1 and 3.13.0, with jax 0.10 and 0.12, NumPy 2.2 and 2.5."""
    assert fingerprint(functions()[name]) == FROZEN[name]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Record(2.0), Record(3.0)),
        (Point(2.0), Point(3.0)),
        (Point(2.0).of, Record(2.0)),
        (Colour.RED, Colour.BLUE),
        (Colour.RED.of, Colour.BLUE.of),
        (Real().of, Real().context),
    ],
)
def test_what_python_writes_into_a_class_does_not_hide_what_it_holds(one, other):
    assert fingerprint(one) != fingerprint(other)


def edited(text):
    space = {"__name__": "__main__"}
    name = f"<class {hash(text)}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    exec(compile(text, name, "exec"), space)
    return space["C"]


@pytest.mark.parametrize(
    "text",
    [
        "import enum\nclass C(enum.Enum):\n    A = 1\n    def f(self):\n        return 2",
        "import enum\nclass C(enum.Flag):\n    A = 1\n    @classmethod\n    def _missing_(cls, x):\n        return 2",
        "import typing\nclass C(typing.NamedTuple):\n    a: int = 1\n    def f(self):\n        return 2",
        "import typing\nclass C(typing.Protocol):\n    a: int = 1\n    def __init__(self):\n        self.b = 2",
        "from dataclasses import dataclass\n@dataclass\nclass C:\n    a: int = 1\n"
        "    def __repr__(self):\n        return '2'",
        "import reprlib as r\nclass C:\n    a = 1\n"
        "    @r.recursive_repr()\n    def __repr__(self):\n        return '2'",
        "import contextlib\nclass C:\n    a = 1\n    @contextlib.contextmanager\n    def f(self):\n        yield 2",
    ],
)
def test_what_the_author_writes_counts(text):
    """Fields, members and methods, of classes to which Python adds its own."""
    first = fingerprint(edited(text))
    assert fingerprint(edited(text)) == first
    assert len({first, fingerprint(edited(text.replace("1", "3"))), fingerprint(edited(text.replace("2", "3")))}) == 3

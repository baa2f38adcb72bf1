"""Says once what a rate leaves out of a model.

`warnings.warn` is called from one line of this file, so that Python's own registry shows each sentence once a process
under the default filters; "error" and "always", and `pytest.warns`, see it once in each call of a user's.
"""

import contextlib
import warnings
from collections.abc import Iterable, Iterator
from contextvars import ContextVar

from lmtbayes.errors import LeftOutWarning

_SAID: ContextVar[set[tuple[str, str]] | None] = ContextVar("said", default=None)
"""Models and sentences of the call that is under way."""


@contextlib.contextmanager
def one_call() -> Iterator[None]:
    """Take what runs inside as one call: a fact that an experiment has said is not said again by a width inside it."""
    if _SAID.get() is not None:
        yield
        return
    token = _SAID.set(set())
    try:
        yield
    finally:
        _SAID.reset(token)


def warn_left_out(model: str, left_out: Iterable[tuple[str, Iterable[str]]]) -> None:
    """Warn that things (experiments, widths) leave something of a model out, one warning a thing and sentence."""
    said = _SAID.get()
    before = frozenset(said or ())
    for what, sentences in left_out:
        for sentence in sentences:
            if (model, sentence) in before:
                continue
            if said is not None:
                said.add((model, sentence))
            warnings.warn(f"{what} leaves out of model {model!r} {sentence}", LeftOutWarning, stacklevel=1)

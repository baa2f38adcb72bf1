"""Says once what a rate leaves out of a model.

`warnings.warn` is called from one line of this file, so that Python's own registry shows each sentence once a process
under the default filters; "error" and "always", and `pytest.warns`, see it every time.
"""

import warnings
from collections.abc import Iterable

from lmtbayes.errors import LeftOutWarning


def warn_left_out(what: str, model: str, sentences: Iterable[str]) -> None:
    """Warn that `what` (an experiment, widths) leaves something of a model out, one warning a sentence."""
    for sentence in sentences:
        warnings.warn(f"{what} leaves out of model {model!r} {sentence}", LeftOutWarning, stacklevel=1)

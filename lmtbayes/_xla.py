"""The flag that keeps XLA's CPU compiler from returning wrong numbers, set for this process alone.

The compiler of jaxlib 0.10.2 to (at least) 0.12.0 hands reductions to a library that returns silently wrong numbers at
some array sizes (github.com/jax-ml/jax/issues/39103, case in tests/test_compiler.py). XLA reads XLA_FLAGS once, and
aborts at a flag that it does not know: so the flag is there only while XLA reads it, which is when lmtbayes is
imported, and a child process with another jaxlib never sees it.
"""

import mmap
import os
import warnings
from pathlib import Path

import jaxlib
from jaxlib import xla_client

from lmtbayes.errors import CompilerWarning

FLAG = "xla_cpu_experimental_ynn_fusion_type"
_FIRST, _KNOWN = (0, 10, 2), (0, 13)
"""jaxlib that has the flag and needs it; newer ones may have lost it."""
_FIELD = bytes((0xB2, 0x1A))
"""Begin of the option (repeated, number 422 of XLA's DebugOptions) where it is not empty."""


def is_needed() -> bool:
    """Whether this jaxlib needs and knows the flag, and XLA_FLAGS has no setting of the user's own."""
    return FLAG not in os.environ.get("XLA_FLAGS", "") and _has_flag()


def switch_on() -> None:
    """Have XLA read the flag, and leave the environment as it was.

    What is put into XLA_FLAGS after that, XLA does not read any more.
    """
    flags = os.environ.get("XLA_FLAGS")
    os.environ["XLA_FLAGS"] = f"{flags or ''} --{FLAG}="
    try:
        options = xla_client.CompileOptions().SerializeAsString()
    finally:
        if flags is None:
            del os.environ["XLA_FLAGS"]
        else:
            os.environ["XLA_FLAGS"] = flags
    if _FIELD in options:
        warnings.warn(
            f"jax has computed before lmtbayes was imported: the work-around for wrong sums of jaxlib "
            f"{jaxlib.__version__} on CPUs (github.com/jax-ml/jax/issues/39103) cannot be switched on any more; import "
            f"lmtbayes first, or set XLA_FLAGS=--{FLAG}= before Python starts",
            CompilerWarning,
            stacklevel=3,
        )


def _has_flag() -> bool:
    version = tuple(int(part) for part in jaxlib.__version__.split(".")[:3] if part.isdigit())
    if version < _FIRST:
        return False
    if version < _KNOWN:
        return True
    for library in Path(jaxlib.__file__).parent.glob("libjax_common*"):
        with library.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if content.find(FLAG.encode()) >= 0:
                return True
    return False

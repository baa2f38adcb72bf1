"""How the annotations of these rooms call a float or an array of floats: what is integrated here takes both."""

from typing import Any

Number = Any

"""How fast lmtbayes is, measured: `python -m benchmarks`, or `pytest benchmarks` with pytest-benchmark."""

"""WHAT is seen: targets, efficiency, quenching, resolution."""

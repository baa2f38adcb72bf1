"""What the package is held to: second derivations, published results, outside codes, and studies of its statistics."""

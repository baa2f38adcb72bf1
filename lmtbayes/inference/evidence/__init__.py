"""The evidence by four methods, and models compared by it."""

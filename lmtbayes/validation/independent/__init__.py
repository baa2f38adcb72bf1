"""Second derivations: the equations as written, scipy's quadrature, numbers typed in afresh or read from the tables.

No module here imports any code of the package (import-linter holds it): what they find is independent of it. The tests
and `lmtbayes validate` compare the package with them.
"""

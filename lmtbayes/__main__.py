"""`python -m lmtbayes`."""

from lmtbayes.cli import main

main()

"""`python -m modisp`: the command line."""

from modisp.cli import main

main()

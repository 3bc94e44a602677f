"""`python -m fermata` is the `fermata` command."""

from fermata.cli import main

main()

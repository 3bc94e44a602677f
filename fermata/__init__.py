"""The command line: the composition root that wires core, bot, jobs and web together."""

from importlib.metadata import version

__version__ = version("fermata")

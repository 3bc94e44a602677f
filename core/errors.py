"""The errors Fermata raises on purpose.

    FermataError
    └── Refused      a person asked for something that cannot be done; str() is one sentence for them

Anything else that is raised is a fault of the program and is shown with an id, never with its text.
"""

from __future__ import annotations


class FermataError(Exception):
    """Every error raised on purpose."""


class Refused(FermataError):
    """A request that cannot be done; the message is one plain sentence that says what to do."""

"""The verbs: every write a person asks for, one function each, in one transaction.

Each takes a session and gives an `Outcome`; `core.commands` opens the transaction, waits for hand-overs after it,
and turns refusals into answers.
"""

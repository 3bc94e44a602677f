"""Whatever the grammar can give is carried out: no command and no card's answer is without its verb."""

from typing import get_args

from core import commands
from core.grammar.commands import Command, Help, Press, Settle, Undo
from core.grammar.readers import CARDS


def test_every_command_has_its_verb():
    verbs = {*commands._VERBS, *commands._WHOLE, *commands._READING}
    assert verbs | {Help, Press, Settle, Undo} == set(get_args(Command))


def test_every_card_has_its_verb():
    assert set(CARDS) == set(commands._PRESSED)

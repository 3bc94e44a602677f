"""Whom a message names: every address that it shows, and nothing that only looks like one."""

import pytest

from bot.addresses import MOST_ADDRESSES, addresses_in

ADA, BOB = "ada@engines.example", "bob@engines.example"


def rich(*elements):
    return {
        "blocks": [
            {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}
        ]
    }


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ({"text": f"call <mailto:{ADA}|{ADA}> today"}, [ADA]),
        ({"text": f"{ADA}, {BOB}; {ADA}."}, [ADA, BOB]),
        ({"text": "From: Ada &lt;Ada@Engines.example&gt;"}, [ADA]),
        ({"text": f"*{ADA}* _{BOB}_"}, [ADA, BOB]),
        (rich({"type": "link", "url": f"mailto:{ADA}?subject=x", "text": "Ada"}), [ADA]),
        (rich({"type": "text", "text": f"write to {ADA}!"}), [ADA]),
        ({"text": "", "attachments": [{"fallback": f"New reply from {BOB}"}]}, [BOB]),
        ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": f"`{ADA}`"}}]}, [ADA]),
        (
            {"blocks": [{"type": "context", "elements": [{"type": "plain_text", "text": f"✉️ {ADA} · new"}]}]},
            [ADA],
        ),
        ({"text": "ada+fair.2027@xn--bcher-kva.example"}, ["ada+fair.2027@xn--bcher-kva.example"]),
        ({"text": "@ada <@U0ANA> ada@ a@b no-reply@x.example x@y@z <https://x.example/@ada>"}, []),
        ({"text": "", "blocks": [{"type": "actions", "elements": [{"type": "button", "value": ADA}]}]}, []),
        ({"user_profile": {"email": ADA}, "text": "hello"}, []),
        ({}, []),
        (None, []),
        ({"text": 7, "blocks": "odd", "attachments": {"text": None}}, []),
    ],
)
def test_addresses_in_a_message(message, found):
    assert addresses_in(message) == found


def test_message_with_very_many_names_some():
    assert len(addresses_in({"text": " ".join(f"a{n}@x.example" for n in range(500))})) == MOST_ADDRESSES


@pytest.mark.parametrize(
    "text", ["a" * 40_000, "a@" * 20_000, "a." * 20_000 + "@x", "@" * 40_000, "a@a." * 10_000]
)
def test_odd_message_is_read_quickly(text):
    assert len(addresses_in({"text": text * 3})) <= 2

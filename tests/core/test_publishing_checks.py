"""Every fault that keeps a sequence from being published, as a sentence that names its step."""

import pytest

from core import publishing, sequences
from core.models import Mailbox, Workspace
from core.sequence_file import load
from tests.world import ANA, START, make

STEP = '  - {{id: one, subject: "{subject}", body: "{body}"}}\n'


def text(*, top="", subject="Hi", body="Hi, reply STOP to opt out", more="") -> str:
    return f"sequence: Autumn\n{top}steps:\n" + STEP.format(subject=subject, body=body) + more


@pytest.fixture
def world(database_url):
    return make(database_url)


def faults(world, spec: str, now=START) -> list[str]:
    with world.read() as session:
        return publishing.faults(session, load(spec), now=now)


def test_unknown_tags_of_all_steps_are_named_at_once(world):
    more = STEP.replace("one,", "two, delay: 1 day,").format(subject="{{ titel }}", body="{{ emial }}, STOP")
    said = faults(world, text(body="Hi {{ firstname }}, {{ compny | default: 'x' }}, STOP", more=more))
    assert [one[:9] for one in said] == ["Step one:", "Step two:", "Step two:"]
    assert [tag in " ".join(said) for tag in ("firstname", "compny", "titel", "emial")] == [True] * 4


def test_good_one_has_no_fault(world):
    assert faults(world, text()) == []


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (text(subject=""), "Step one: Subject: it is empty; write one."),
        (text(body=""), "Step one: Body: it is empty; write what the email should say."),
        (text(subject="{{ frist_name }}"), "frist_name"),
        (text(body="Hi {{ lead.custom.seats }}, STOP"), "seats"),
        (text(body="STOP [page](http://)"), 'The link "http://" names no host'),
        (text(body="STOP [page](/pricing)"), "Step one:"),
        (text(body="STOP [page](ftp://x.test/a)"), "Step one:"),
        (text(body="STOP [page](javascript:alert)"), "Step one:"),
        (text(top="mailboxes: [mia@x.test]\n"), "The mailbox mia@x.test is not connected"),
        (text(top="mailboxes: [nobody@x.test]\n"), "The mailbox nobody@x.test is not connected"),
        (text(more="  - {id: two, delay: 1 day, thread: true, body: ''}\n"), "Step two: "),
        ("sequence: Autumn\nsteps:\n  - {thread: true, body: STOP}\n", "Step 1: It continues a conversation"),
        ('sequence: Autumn\nsteps:\n  - {kind: task, title: "Call {{ nobody }}"}\n', "Step 1: "),
    ],
)
def test_each_fault_is_a_sentence(world, spec, sentence):
    found = faults(world, spec)
    assert any(sentence in one for one in found), found
    with world.db.write() as session:
        made = sequences.save(session, load(spec), actor=ANA, now=START)
    said = world.say("publish sequence Autumn").as_text()
    assert "Autumn cannot be published yet" in said
    assert found[0] in said
    with world.read() as session:
        assert session.get_one(sequences.Sequence, made.sequence_id).status == "draft"


def test_nobody_could_unsubscribe(world):
    world.change(Workspace, has_links=False)
    assert faults(world, text()) == []
    assert "Nobody could unsubscribe" in faults(world, text(body="Hi"))[0]


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ({"down_at": START, "down_because": "535 wrong password"},
         "The mailbox ana@sales.example cannot send now (535 wrong password); mend it"),
        ({"guarded_at": START, "guarded_because": "6 of 60 mails bounced."},
         "The mailbox ana@sales.example cannot send now (6 of 60 mails bounced); a person releases it on its card"),
    ],
)  # fmt: skip
def test_senders_that_cannot_send(world, state, sentence):
    world.change(Mailbox, **state)
    for spec in (text(), text(top="mailboxes: [ana@sales.example]\n")):
        assert faults(world, spec)[0].startswith(sentence)
    with world.db.write() as session:
        session.add(
            Mailbox(address="b@sales.example", smtp_host="h", smtp_port=1, smtp_security="none", created_at=START)
        )  # fmt: skip
    assert faults(world, text()) == []
    assert len(faults(world, text(top="mailboxes: [ana@sales.example, b@sales.example]\n"))) == 1


def test_window_that_does_not_open(world, monkeypatch):
    # No country keeps holidays for two months: they are made up here.
    monkeypatch.setattr("core.schedule._rest", lambda *_: "holiday: every day")
    spec = text(top='zone: Europe/Lisbon\nholidays: PT\nwindow: {from: "09:00", to: "10:00"}\n')
    assert "Its window does not open within 60 days" in faults(world, spec)[0]

"""A lead writes back, somebody answers from the card, and the answer is in the lead's mailbox, in the same thread, once."""

from email import message_from_string

import pytest

from sandbox.slack.forms import controls
from tests.stories.stage import OUTBOUND, reading

ADA = "ada@x.test"
QUESTION = "Would Tuesday at three suit you?"
ANSWER = "Tuesday at three is **fine**. I send you an invitation.\n\nAna"


@pytest.fixture
def url(database_url: str) -> str:
    return database_url


@pytest.fixture
def ada(world, clock, team):
    """A lead who has got step 1 and answered it."""
    world.enrols(ADA, name="Ada", owner="U0ANA")
    clock.settle()
    ada = world.lead(ADA)
    ada.answers(QUESTION)
    team.sees("Ada replied", QUESTION, "[Reply…]")
    return ada


def headers(mail):
    return message_from_string(mail["headers"])


def test_answer_from_the_card_is_in_the_leads_thread_and_the_lead_stays_paused(
    ada, world, clock, team, ana, mail_to
):
    said = ana.opens("Reply…", on="Ada replied")
    assert QUESTION in said
    assert "From ana@northwind.example to ada@x.test" in said
    assert "Spring stays paused until somebody resumes or stops it." in said
    assert mail_to(ADA) == ["Ada, a question"]
    assert "leaves from ana@northwind.example" in ana.fills_in(Your_answer=ANSWER)
    clock.settle()
    assert mail_to(ADA) == ["Ada, a question", "Re: Ada, a question"]
    first, answer = world._mail(ADA)
    assert answer["text"].replace("\r\n", "\n").startswith(ANSWER)
    assert f"> {QUESTION}" in answer["text"]
    assert "<strong>fine</strong>" in answer["html"]
    thread = headers(answer)["References"].split()
    assert thread[0] == headers(first)["Message-ID"]
    assert thread[-1] == headers(answer)["In-Reply-To"]
    assert headers(answer)["List-Unsubscribe"] is None
    team.sees(
        "Answered by Ana",
        "“Tuesday at three is **fine**. I send you an invitation. …” – sent.",
        "[▶️ Resume]",
        "[Reply again…]",
    )
    notes = [reading(m) for m in world.made.workspace.messages(OUTBOUND) if m.thread_ts]
    assert any("answered Ada" in note and "I send you an invitation." in note for note in notes)
    clock.advance(days=10)
    assert (world.status(ADA), len(mail_to(ADA))) == ("paused", 2)
    ana.clicks("Resume", on="Ada replied")
    clock.advance(days=10)
    assert mail_to(ADA)[2:] == ["Ada, did it reach you?", "Ada, a last word"]


def test_two_people_answer_and_the_second_sees_the_first(ada, world, clock, team, ana, ben, mail_to):
    ana.opens("Reply…", on="Ada replied")
    ben.opens("Reply…", on="Ada replied")
    ben.fills_in(Your_answer="I take this one.")
    ana._at.submit({"Your answer": ANSWER})
    assert "Answered by Ben" in ana._at.modal.all_text()
    ana._at.close()
    clock.settle()
    assert mail_to(ADA) == ["Ada, a question", "Re: Ada, a question"]


def test_the_lead_answers_the_answer_and_the_talk_goes_on(ada, world, clock, team, ana, mail_to):
    ana.opens("Reply…", on="Ada replied")
    ana.fills_in(Your_answer=ANSWER)
    clock.settle()
    ada.answers("See you then.")
    card = team.sees("Ada replied", "See you then.", "[Reply…]")
    assert "Answered by" not in card
    said = ana.opens("Reply…", on="See you then.")
    assert "Tuesday at three is **fine**." in said
    ana.fills_in(Your_answer="I look forward to it.")
    clock.settle()
    assert len(mail_to(ADA)) == 3
    assert len(headers(world._mail(ADA)[-1])["References"].split()) == 4
    assert world.status(ADA) == "paused"


def test_sender_away_keeps_the_answer_and_a_stop_ends_it(ada, world, clock, team, ana, ben, mail_to):
    world.stop_sender()
    ana.opens("Reply…", on="Ada replied")
    ana.fills_in(Your_answer=ANSWER)
    team.sees("Answered by Ana", "– on its way.")
    ben.types("/sequence stop ada@x.test because she bought")
    team.sees("Answered by Ana", "not sent: ", "she bought")
    world.start_sender()
    clock.advance(days=2)
    assert mail_to(ADA) == ["Ada, a question"]


def test_bot_restarts_and_the_answer_leaves_once(ada, world, clock, team, ana, mail_to):
    ana.opens("Reply…", on="Ada replied")
    ana.fills_in(Your_answer=ANSWER)
    world.stop_bot()
    clock.settle()
    world.start_bot()
    clock.settle()
    assert mail_to(ADA) == ["Ada, a question", "Re: Ada, a question"]
    card = next(
        m for m in world.made.workspace.messages(OUTBOUND) if "Ada replied" in reading(m) and not m.thread_ts
    )
    assert [
        one for one in controls(card.blocks) if "Reply again…" in one.labels() or "Reply…" in one.labels()
    ]

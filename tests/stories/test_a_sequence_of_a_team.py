"""A sequence of five steps: built, published, changed while a thousand leads run in it, archived; and the ledger is exact."""

from collections import Counter

import pytest
from sqlmodel import select

from core import lead_file, leads
from core.ledger import ledger
from core.models import Enrollment, Mailbox
from tests.stories.stage import SETTLING

# Who is where when it is changed: these have finished, wait for the fourth step, wait for the second; and some of the
# last are stopped soon after.
DONE, FOURTH, SECOND, STOPPED = 100, 200, 200, 500
WAVES = {"done": DONE, "fourth": FOURTH, "second": SECOND, "late": STOPPED}
STEPS = ("Intro", "Nudge", "Example", "Offer", "Close")
GOT = {
    "done": [*STEPS, "Extra"],
    "fourth": ["Intro", "Nudge", "Example", "Close", "Extra"],
    "second": ["Intro", "New nudge", "Example", "Close"],
    "late": ["Intro"],
}


@pytest.fixture
def url(database_url: str) -> str:
    return database_url


def pressed(ana, label, option=None):
    """Press something in the form that draws it anew."""
    before = ana._at.modal.payload
    ana._at.click("modal", label, option)
    ana._stage.made.workspace.wait_for(lambda: (v := ana._at.modal) and v.payload != before and v, 8)


def opened(ana, text):
    ana._at.type("#outbound", f"/sequence {text}")
    ana._stage.made.workspace.wait_for(lambda: ana._at.modal, 8)


def submitted(ana, values):
    return ana._answer_to(lambda: ana._at.submit(values))


def email(number, step):
    return {
        f"subject_{number}": f"{step} for {{{{ first_name }}}}",
        f"body_{number}": "Hi, reply STOP to opt out.",
    }


def address(wave, number):
    return f"{wave}{number}@{wave}.test"


def enrols(world, wave):
    rows = "".join(f"{address(wave, n)},{wave.title()}{n}\n" for n in range(WAVES[wave]))
    file = lead_file.read(f"email,first_name\n{rows}".encode())
    done = leads.import_batch(
        world.made.desk.db, list(file), into="Tour", actor=SETTLING, now=world.made.clock.now()
    )
    assert not done.refused


def mails(world):
    return len(world.made.mail.messages())


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_built_published_changed_while_a_thousand_run_archived_and_the_ledger_is_exact(
    world, ana, team, clock
):
    with world.made.desk.db.write() as session:
        for box in session.exec(select(Mailbox)):
            box.cap_per_day = 10_000
            session.add(box)

    # Built in the form, and published.
    opened(ana, "new Tour")
    for _ in STEPS[1:]:
        pressed(ana, "Add an email")
    values = {"days": [], "hours": ""}
    for number, step in enumerate(STEPS, 1):
        values |= email(number, step) | ({f"delay_{number}": "2 days"} if number > 1 else {})
    assert "Tour is saved as a draft with 5 steps." in submitted(ana, values)
    assert "Tour is published" in ana.clicks("Publish", on="Tour is saved as a draft")

    # A thousand leads, in three waves, run to three different places.
    enrols(world, "done")
    clock.advance(days=3)
    enrols(world, "fourth")
    clock.advance(days=4)
    enrols(world, "second")
    enrols(world, "late")
    clock.advance(days=1, hours=1)
    assert mails(world) == 5 * DONE + 3 * FOURTH + SECOND + STOPPED
    assert {world.status(address(wave, 7), "Tour") for wave in WAVES} == {"completed", "pending"}

    # Paused and changed: a step is rewritten, one removed, and one added at the end. Nobody gets anything meanwhile.
    assert "Tour is paused" in ana.types("/sequence pause sequence Tour")
    opened(ana, "edit sequence Tour")
    pressed(ana, "fermata:field:step_4", "remove 4")
    pressed(ana, "Add an email")
    changes = email(2, "New nudge") | email(6, "Extra") | {"delay_6": "2 days"}
    assert "The steps of Tour are saved; it is paused" in submitted(ana, changes)
    clock.advance(hours=12)
    assert mails(world) == 5 * DONE + 3 * FOURTH + SECOND + STOPPED

    # Published again, after a look at whom it affects.
    asked = ana.types("/sequence publish sequence Tour")
    assert (
        "Step 2 “New nudge for {{ first_name }}” is rewritten: 700 leads get the new one; 300 leads are past it."
        in asked
    )
    assert "Step 4 “Offer for {{ first_name }}” is removed: 200 leads were waiting for it" in asked
    assert "and go on with step 4 “Close for {{ first_name }}”." in asked
    assert "Step 5 “Extra for {{ first_name }}” is new: 900 leads get it." in asked
    assert "100 leads had finished before step 5 “Extra for {{ first_name }}” was added" in asked
    assert "Tour is published" in ana.clicks("Publish", on="Publish Tour as it was edited?")
    team.sees(
        "100 leads had finished Tour before step 5 was added", "[Send it to them]", "[Leave them finished]"
    )
    clock.settle()
    assert {world.status(address("done", n), "Tour") for n in range(DONE)} == {"paused"}

    # Those who had finished are sent on, and everybody goes on from where they stood.
    assert "Step 5 is planned for 100 leads (100 enrollments)." in ana.clicks("Send it to them")
    ana.types("/sequence stop @late.test")
    assert "Stopped 500 leads (500 enrollments)" in ana.clicks("Stop for good 500 leads")
    clock.advance(days=4)
    assert mails(world) == 6 * DONE + 5 * FOURTH + 3 * SECOND + STOPPED

    # Archived: all that is scheduled waits. Restored, it is paused; resumed, it goes on; and archived for good.
    ana.types("/sequence archive sequence Tour")
    assert "Tour is archived" in ana.clicks("Archive Tour")
    clock.advance(hours=6)
    assert "Bring it back first" in ana.types("/sequence start done1@done.test in Tour")
    assert "Tour is paused" in ana.types("/sequence restore sequence Tour")
    assert "Tour is published" in ana.types("/sequence resume sequence Tour")
    clock.advance(days=1)
    ana.types("/sequence archive sequence Tour")
    assert "Tour is archived" in ana.clicks("Archive Tour")
    clock.advance(days=30)

    check_ledger(world)


def check_ledger(world):
    """What SMTP accepted is what the ledger says, step by step; nothing is open, lost or made up (G2, G3)."""
    accepted = Counter((mail["to"], mail["subject"]) for mail in world.made.mail.messages())
    with world.made.desk.db.read() as session:
        lines = list(ledger(session))
        rows = session.exec(select(Enrollment)).all()
    assert accepted == Counter((line["lead"], line["subject"]) for line in lines if line["state"] == "sent")
    assert accepted == Counter(
        (address(wave, n), f"{step} for {wave.title()}{n}")
        for wave, steps in GOT.items() for n in range(WAVES[wave]) for step in steps
    )  # fmt: skip
    assert Counter(line["state"] for line in lines) == {"sent": 6 * DONE + 5 * FOURTH + 4 * SECOND + STOPPED}
    assert len({line["message_id"] for line in lines}) == len(lines)
    # Planned = sent + what a live lead still waits for: of the thousand, one wave still waits, for one step.
    assert Counter(row.status for row in rows) == {
        "completed": DONE + FOURTH, "pending": SECOND, "stopped": STOPPED,
    }  # fmt: skip
    assert {row.position for row in rows if row.status == "pending"} == {4}

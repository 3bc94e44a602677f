"""Editing a lead in its form: each field as it was shown, refused at the field, and nothing of anybody else's lost."""

import json
from datetime import timedelta

import pytest
from sqlmodel import select

from core.lifecycle import Status
from core.models import Enrollment, Hold, Journal, Lead, LeadTag
from tests.bot.samples import NOW

ADA = "ada@engines.example"


@pytest.fixture
def form(world):
    return opened(world)


def opened(world):
    world.ana.type("#outbound", f"/sequence edit {ADA}")
    return world.until(lambda: world.ana.modal)


def lead(world, email=ADA):
    with world.database.read() as session:
        return session.exec(select(Lead).where(Lead.email == email)).one()


def tags(world):
    with world.database.read() as session:
        return sorted(session.exec(select(LeadTag.tag).where(LeadTag.lead_id == lead(world).id)))


def change(world, **values):
    with world.database.write() as session:
        row = session.exec(select(Lead).where(Lead.email == ADA)).one()
        for name, value in values.items():
            setattr(row, name, value)
        session.add(row)


def saved(world, **fields):
    before = len(world.ana.ephemerals())
    assert world.ana.submit(fields).ok
    world.until(lambda: len(world.ana.ephemerals()) > before)
    answer = world.ana.ephemerals()[-1]
    assert f"Saved {ADA}" in answer.all_text()
    return answer


def test_form_shows_what_is_known_and_that_the_address_stays(world, form):
    text = form.all_text() + json.dumps(form.payload["blocks"])
    for words in (ADA, "The address cannot be changed", "First name", "Ada", "Analytical Engines", "Owner"):
        assert words in text


def posted(world):
    """Ada's card in the channel, as it stands now."""
    return [m for m in world.slack.messages("#outbound") if m.text.startswith("Ada Lovelace")]


def test_each_field_is_saved_journaled_and_drawn(world):
    world.ana.type("#outbound", f"/sequence status {ADA}")
    world.ana.wait_for_text(f"{ADA} is")
    world.until(lambda: world.draw() or posted(world))
    opened(world)
    answer = saved(
        world,
        **{"Company": "Difference Ltd", "Time zone": "Asia/Kolkata", "Stage": "demo", "Tags": "hot; eu", "Owner": "U0BEN"},
    )  # fmt: skip
    assert "Company: Analytical Engines → Difference Ltd." in answer.all_text()
    now_is = lead(world)
    assert (now_is.company, now_is.zone, now_is.stage, now_is.owner) == (
        "Difference Ltd", "Asia/Kolkata", "demo", "U0BEN",
    )  # fmt: skip
    assert tags(world) == ["eu", "hot"]
    lines = {(line.reason, line.was, line.became) for line in world.journal("edit lead")}
    assert lines == {
        ("company", "Analytical Engines", "Difference Ltd"),
        ("time zone", "", "Asia/Kolkata"),
        ("stage", "", "demo"),
        ("tags", "", "eu; hot"),
    }
    assert [(line.actor, line.became) for line in world.journal("owner")] == [("U0ANA", "U0BEN")]
    world.clock.now += timedelta(minutes=1)
    world.until(lambda: world.draw() or "Difference Ltd" in posted(world)[0].all_text())
    world.ana.type("#outbound", f"/sequence history {ADA}")
    assert (
        "changed the company (“Analytical Engines” → “Difference Ltd”)"
        in world.ana.wait_for_text("What happened").all_text()
    )


def everything(world):
    return lead(world).model_dump(), tags(world), [world.enrollment().send_at, world.enrollment().wake_at]


def test_an_edit_is_taken_back_whole(world):
    change(world, name="", custom={"plan": "gold", "notes": "old"})
    with world.database.write() as session:
        session.add(LeadTag(lead_id=lead(world).id, tag="old"))
    opened(world)
    before = everything(world)
    answer = saved(
        world,
        **{"Company": "", "First name": "Augusta", "Time zone": "Asia/Kolkata", "Stage": "demo", "Tags": "hot; eu",
           "Owner": "U0BEN", "plan": "", "notes": "new"},
    )  # fmt: skip
    after = everything(world)
    assert after != before
    world.ana.click(answer, "↩️ Undo")
    undone = world.ana.wait_for_text("Undid the change of the lead's data.")
    for words in (f"The company of {ADA} is Analytical Engines again.", "went back to who had them before"):
        assert words in undone.all_text()
    assert everything(world) == before
    world.ana.click(answer, "↩️ Undo")
    world.ana.wait_for_text("undid this at")
    world.ana.click(undone, "↩️ Undo")
    world.until(lambda: everything(world) == after)


def test_an_edit_whose_value_was_changed_again_is_not_taken_back(world, form):
    answer = saved(world, Company="Difference Ltd", Stage="demo")
    change(world, company="Third Ltd")
    world.ana.click(answer, "↩️ Undo")
    world.ana.wait_for_text(f"The company of {ADA} was changed again since; nothing was changed.")
    assert (lead(world).company, lead(world).stage) == ("Third Ltd", "demo")


def test_names_make_the_name_anew(world, form):
    saved(world, **{"First name": "Augusta", "Last name": "King"})
    assert lead(world).name == "Ada Lovelace"  # was not made of the two: the file named the person so
    change(world, name="Augusta King")
    opened(world)
    saved(world, **{"First name": "Ada"})
    assert lead(world).name == "Ada King"


def test_a_field_can_be_emptied_and_the_rest_stays(world, form):
    saved(world, Company="")
    assert (lead(world).company, lead(world).first_name) == ("", "Ada")


def test_another_zone_moves_what_is_planned_into_its_hours(database, world):
    with database.write() as session:
        for row in session.exec(select(Enrollment)):
            row.due_at = row.send_at = row.wake_at = NOW + timedelta(days=2)
            session.add(row)
    before = world.enrollment().send_at
    opened(world)
    saved(world, **{"Time zone": "Pacific/Auckland"})
    after = world.enrollment()
    assert after.due_at == before
    assert after.send_at == after.wake_at > before


@pytest.mark.row(56)
@pytest.mark.parametrize(
    ("field", "block", "value", "words"),
    [
        ("Time zone", "zone", "Berlin", "There is no time zone"),
        ("Stage", "stage", "x" * 3_001, "3,001 characters"),
        ("First name", "first_name", "x" * 3_001, "3,001 characters"),
        ("Company", "company", "Acme\r\nBcc: v@x", "control characters"),
        ("Tags", "tags", "a; " + "b" * 201, "is too long"),
        ("Owner", "owner", "U0GUS", "full members"),
    ],
)
def test_what_cannot_be_saved_is_said_at_its_field(world, form, field, block, value, words):
    assert not world.ana.submit({field: value}).ok
    assert words in world.ana.modal.errors[block]
    assert world.journal("edit lead") == []


def test_every_wrong_field_is_said_at_once(world, form):
    world.ana.submit({"Time zone": "Berlin", "Stage": "x" * 300})
    assert set(world.ana.modal.errors) == {"zone", "stage"}


def test_what_changed_meanwhile_is_refused_at_its_field_and_nothing_is_lost(world, form):
    change(world, company="Babbage & Co", stage="won")
    assert not world.ana.submit({"Company": "Difference Ltd", "First name": "Augusta"}).ok
    assert list(world.ana.modal.errors) == ["company"]
    assert "Babbage & Co" in world.ana.modal.errors["company"]
    saved(world, Company="Babbage & Co")
    now_is = lead(world)
    # What was typed elsewhere in the form is still saved, and what others changed elsewhere stays.
    assert (now_is.company, now_is.first_name, now_is.stage) == ("Babbage & Co", "Augusta", "won")


def test_nothing_changed_says_so(world, form):
    world.ana.submit()
    world.ana.wait_for_text(f"Nothing was changed about {ADA}")
    assert world.journal("edit lead") == []


def test_missing_value_is_filled_in_and_resumed(world):
    row = world.enrollment()
    change(world, first_name="", custom={})
    with world.database.write() as session:
        held = session.merge(row)
        held.status, held.remaining, held.version = Status.PAUSED, timedelta(0), row.version + 1
        held.position = 0
        session.add(Hold(enrollment_id=row.id, source="missing_value", author="system", placed_at=NOW,
                         reason="first_name is empty for this lead"))  # fmt: skip
    opened(world)
    answer = saved(world, Company="Difference Ltd")
    assert "first_name is still empty" in answer.all_text()
    opened(world)
    answer = saved(world, **{"First name": "Ada"})
    assert "still empty" not in answer.all_text()
    world.ana.click(answer, "Resume in Spring")
    world.ana.wait_for_text(f"Resumed {ADA}")
    assert world.enrollment().status == Status.PENDING


def test_custom_fields_are_shown_and_what_does_not_fit_is_named(world):
    change(world, custom={**{f"key_{n:02}": f"value {n}" for n in range(12)}, "notes": "x" * 4_000})
    form = opened(world)
    assert "key_09" in form.all_text()
    assert "Not shown here: key_10, key_11 and notes." in form.all_text()
    saved(world, key_00="another", key_01="")
    custom = lead(world).custom
    assert (custom["key_00"], custom.get("key_01"), len(custom["notes"])) == ("another", None, 4_000)


def test_form_of_another_version_is_refused_in_the_form(world, form):
    world.slack.state.modals["U0ANA"][-1].payload["private_metadata"] = form.payload[
        "private_metadata"
    ].replace("first_name", 'x"')
    world.ana.submit({"Company": "Difference Ltd"})
    assert "another version" in world.ana.modal.all_text()
    assert lead(world).company == "Analytical Engines"


def test_lead_that_is_gone_is_no_longer_here(world, form):
    metadata = form.payload["private_metadata"]
    world.slack.state.modals["U0ANA"][-1].payload["private_metadata"] = metadata.replace(
        f'"enrollment_id":{lead(world).id},', '"enrollment_id":99999999999,'
    )
    world.ana.submit({"Company": "Difference Ltd"})
    assert "no longer here" in world.ana.modal.all_text()


def test_card_opens_the_form(world):
    world.ana.type("#outbound", f"/sequence status {ADA}")
    world.ana.wait_for_text(f"{ADA} is")
    world.until(lambda: world.draw() or posted(world))
    world.ana.click(posted(world)[0], "Edit lead…")
    assert ADA in world.until(lambda: world.ana.modal).all_text()


def test_guest_may_not_edit(world):
    world.gus.type("#outbound", f"/sequence edit {ADA}")
    world.gus.wait_for_text("Only full members")
    assert world.gus.modal is None


def test_outside_slack_the_answer_says_how(world):
    from core import commands
    from tests.bot.world import SOMEBODY

    answer = commands.run(world.desk, f"edit {ADA}", actor=SOMEBODY, now=NOW)
    assert "fermata leads import" in answer.title
    refused = commands.run(world.desk, "edit eve@engines.example", actor=SOMEBODY, now=NOW)
    assert refused.is_refusal
    assert refused.title == "There is no lead eve@engines.example; nothing was changed."


def test_two_edits_at_once_are_settled_under_the_lock(world):
    """The second saves only what nobody else changed since it was shown."""
    from core import commands
    from core.verbs import editing
    from tests.bot.world import SOMEBODY

    with world.database.read() as session:
        shown = editing.sheet(session, lead(world).id)

    def save(company):
        return commands.edit_lead(
            world.desk, lead(world).id, {"company": company}, shown.marks, actor=SOMEBODY, now=NOW
        )

    assert not save("First").is_refusal
    second = save("Second")
    assert second.is_refusal
    assert "changed to “First” meanwhile" in second.title
    assert lead(world).company == "First"
    with world.database.read() as session:
        assert len(session.exec(select(Journal).where(Journal.verb == "edit lead")).all()) == 1

"""Commands typed in Slack, over Socket Mode, against real databases: what the person sees and what is true then."""

from datetime import timedelta

from core.lifecycle import Status
from sandbox.slack.state import User
from tests.bot.samples import NOW
from tests.bot.test_cards import objects

PAUSE = "/sequence pause ada@engines.example until June 15"


def test_pause_is_answered_to_the_person_alone_with_undo(world):
    world.ana.type("#outbound", PAUSE)
    answer = world.ana.wait_for_text("Paused ada@engines.example in Spring")
    assert answer.ephemeral_to == "U0ANA"
    assert "Tuesday 15 June 2027 (Europe/Berlin)" in answer.all_text()
    assert "Undo" in answer.all_text()
    assert world.enrollment().status == Status.PAUSED
    assert world.journal("pause")[0].actor == "U0ANA"
    assert world.ben.ephemerals() == []


def test_undo_is_clicked_in_the_answer_and_replaces_it(world):
    world.ana.type("#outbound", PAUSE)
    answer = world.ana.wait_for_text("Paused ada@engines.example")
    world.ana.click(answer, "↩️ Undo")
    world.until(lambda: world.enrollment().status == Status.PENDING)
    world.until(lambda: [m for m in world.ana.ephemerals() if "Paused" not in m.all_text()])
    assert len(world.ana.ephemerals()) == 1


def test_undo_and_undo_again_leave_one_card_of_the_lead(world):
    world.ana.type("#outbound", PAUSE)
    world.ana.click(world.ana.wait_for_text("Paused ada@engines.example"), "↩️ Undo")
    world.until(lambda: world.enrollment().status == Status.PENDING)
    world.ana.click(world.until(lambda: next(iter(world.ana.ephemerals()), None)), "↩️ Undo")
    world.until(lambda: len(world.ana.ephemerals()) == 1 and world.pool.submit(lambda: True).result())
    while world.draw():
        pass
    assert len([m for m in world.slack.messages("#outbound") if m.text.startswith("Ada Lovelace")]) == 1


def test_command_is_acknowledged_at_once(world, monkeypatch):
    world.slack.hub.ack_seconds = 0.5
    assert world.ana.type("#outbound", "/sequence help").ok
    world.ana.wait_for_text("What you can say")


def test_refusal_is_a_sentence(world):
    world.ana.type("#outbound", "/sequence puase ada@engines.example")
    assert "nearest is" in world.ana.wait_for_text("puase").all_text()


def test_channel_is_named_by_slack_and_by_nobody_else(world):
    world.ana.type("#outbound", "/sequence digest weekly for #general")
    answer = world.ana.wait_for_text("every Monday at 09:00")
    assert objects({"blocks": answer.blocks}, "channel") == [{"type": "channel", "channel_id": "C0GENERAL"}]
    assert "C0GENERAL" not in answer.all_text()
    world.ana.type("#outbound", "/sequence pause ada@engines.example because of #general")
    said = world.ana.wait_for_text("Paused ada@engines.example")
    assert not objects({"blocks": said.blocks}, "channel")


def test_channel_that_slack_does_not_know_is_refused(world):
    world.ana.type("#outbound", "/sequence digest at 8:30 for #nosuch")
    assert "pick it from what Slack offers" in world.ana.wait_for_text("#nosuch").all_text()


def test_echo_of_markup_is_plain(world):
    world.ana.type("#outbound", "/sequence <!channel> @ben *bold*")
    answer = world.ana.wait_for_text("is no command")
    assert "<!channel>" not in answer.text
    assert "<@" not in answer.text


def test_guest_is_refused_politely_and_journalled(world):
    world.gus.type("#outbound", PAUSE)
    answer = world.gus.wait_for_text("Only full members")
    assert answer.ephemeral_to == "U0GUS"
    assert world.enrollment().status == Status.PENDING
    assert [line.actor for line in world.journal("refused")] == ["U0GUS"]


def test_stranger_of_a_shared_channel_is_refused(world):
    world.slack.add_user(User("U0FAR", "far", "Far Away", team_id="T0OTHER"))
    world.slack.type("far", "#outbound", PAUSE)
    world.slack.person("far").wait_for_text("Only full members")
    assert world.enrollment().status == Status.PENDING


def test_command_replayed_acts_once_and_answers_the_same(world):
    world.ana.type("#outbound", PAUSE)
    first = world.ana.wait_for_text("Paused ada@engines.example")
    version = world.enrollment().version
    world.slack.replay()
    world.until(lambda: len(world.ana.ephemerals()) == 2)
    again = world.ana.ephemerals()[-1]
    assert world.enrollment().version == version
    assert first.text.splitlines()[0] in again.all_text()


def test_silent_slack_lets_a_known_member_pause_but_not_resume(world):
    world.ana.type("#outbound", "/sequence help")
    world.ana.wait_for_text("What you can say")
    world.clock.now = NOW + timedelta(hours=2)
    world.slack.fail_next("users.info", times=99)
    world.ana.type("#outbound", PAUSE)
    world.ana.wait_for_text("Paused ada@engines.example")
    world.ana.type("#outbound", "/sequence resume ada@engines.example")
    world.ana.wait_for_text("could not confirm who you are")
    assert world.enrollment().status == Status.PAUSED


def test_answer_comes_directly_where_response_url_and_channel_fail(world):
    world.slack.response_urls.seconds = -1
    world.slack.fail_next("chat.postEphemeral", times=9)
    world.ana.type("#outbound", "/sequence help")
    found = world.until(
        lambda: [
            m for m in world.slack.state.messages if "What you can say" in m.text and m.ephemeral_to is None
        ]
    )
    assert world.slack.state.channels[found[0].channel].im_user == "U0ANA"


def test_fault_is_answered_with_a_number_and_no_trace(world, monkeypatch, caplog):
    from bot.listeners import actions

    monkeypatch.setattr(actions.commands, "run", lambda *_, **__: 1 / 0)
    world.ana.type("#outbound", "/sequence help")
    answer = world.ana.wait_for_text("Something went wrong in Fermata (fault ")
    number = answer.all_text().partition("(fault ")[2][:8]
    assert "ZeroDivision" not in answer.all_text()
    assert any(number in record.getMessage() and record.exc_info for record in caplog.records)


def test_dm_and_other_channels_work_alike(world):
    world.ana.type("#general", "/sequence status ada@engines.example")
    world.ana.wait_for_text("ada@engines.example is pending in Spring", channel="#general")


def test_member_who_becomes_a_guest_is_refused_at_once(world):
    world.ana.type("#outbound", "/sequence help")
    world.ana.wait_for_text("What you can say")
    world.slack.state.users["U0ANA"].is_restricted = True
    world.slack.send_event({"type": "user_change", "user": world.slack.state.users["U0ANA"].as_json(NOW)})
    world.ana.type("#outbound", PAUSE)
    world.ana.wait_for_text("Only full members")
    assert world.enrollment().status == Status.PENDING

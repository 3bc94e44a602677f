"""The figures of sequences are those of a plain recount: from the ledger, the journal, the messages and the visits."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest
from sqlmodel import select

from core import funnel, ledger, sequences
from core.facts import CALLED_OFF
from core.figures import Weeks
from core.funnel import FATES, WHOLE, Asked, By, Figure
from core.handover import Fate
from core.inbound import Kind
from core.meetings import MeetingNews, State, note
from core.models import (
    Card,
    Delivery,
    Enrollment,
    Lead,
    Link,
    Mailbox,
    Meeting,
    Message,
    Sequence,
    Step,
    Visit,
)
from core.schedule import local
from core.worklist import Scope
from tests.world import ANA, BEN, DAY, PLAIN, World, make

BERLIN = "Europe/Berlin"
OTHER = PLAIN.replace("sequence: Spring", "sequence: Autumn").replace(
    "  - id: nudge", "  - id: call\n    kind: task\n    title: Call them\n    delay: 1 day\n  - id: nudge"
)
SHORT = PLAIN[: PLAIN.index("  - id: nudge")].replace("sequence: Spring", "sequence: Short")
PEOPLE = ("ada@x.test", "eve@x.test", "ida@y.test", "kim@y.test", "lou@z.test", "max@z.test")
ENDS = {3: Fate.REFUSED, 5: Fate.UNKNOWN, 7: Fate.RETRY}  # by the number of the delivery


def lived(url: str, seed: int) -> World:
    """Six weeks of two sequences, two mailboxes and two owners in which everything happens, as chance has it."""
    chance, world = Random(seed), make(url, PLAIN)
    world.add(OTHER)
    world.add(SHORT)
    with world.db.write() as session:
        session.add(Mailbox(address="ben@sales.example", smtp_host="127.0.0.1", smtp_port=25, smtp_security="none",
                            cap_per_day=9, created_at=world.now))  # fmt: skip
    for email in PEOPLE:
        world.enrol(
            email, sequence=chance.choice(("Spring", "Autumn")), owner=chance.choice((ANA.id, BEN.id))
        )
    world.enrol(
        "one@x.test", "two@x.test", sequence="Short", owner=ANA.id
    )  # of two in a row at least one ends well
    world.enrol(PEOPLE[0], sequence="Autumn")
    world.enrol(PEOPLE[0])
    acts: tuple[Callable[[], object], ...] = (
        lambda: world.say(f"pause {chance.choice(PEOPLE)} everywhere"),
        lambda: world.say(f"resume {chance.choice(PEOPLE)} everywhere", BEN),
        lambda: world.say(f"stop {chance.choice(PEOPLE)}"),
        lambda: world.say(f"start {chance.choice(PEOPLE)} in {chance.choice(('Spring', 'Autumn'))}"),
        lambda: world.say(f"restart {chance.choice(PEOPLE)} in Spring"),
        lambda: world.say(f"cancel step {chance.choice(PEOPLE)} everywhere"),
        lambda: world.say(f"resend step {chance.choice(PEOPLE)} everywhere"),
        *[lambda: _visited(world, chance)] * 4,
        *[lambda: _came(world, chance)] * 2,
        lambda: _met(world, chance),
        lambda: _done(world),
    )
    for _ in range(60):
        world.later(hours=chance.randint(1, 26))
        chance.choice(acts)()
        _send(world)
    world.enrol("new@x.test", "out@x.test", owner=ANA.id)
    world.say("skip out@x.test in Spring")
    world.say("cancel step new@x.test in Spring")
    world.enrol("last@x.test", owner=ANA.id)
    world.claims()  # under way when the figures are asked for
    return world


def _send(world: World) -> None:
    for claim in world.claims():
        if claim.delivery_id in world.begin([claim]):
            world.report(claim, ENDS.get(claim.delivery_id % 9, Fate.SENT), "5.1.1 no")


def _visited(world: World, chance: Random) -> None:
    with world.db.write() as session:
        sent = session.exec(
            select(Delivery.id).where(Delivery.state == "sent", Delivery.kind == "email")
        ).all()
        if not sent:
            return
        delivery_id = chance.choice(sent) or 0
        link = Link(
            token=f"t{chance.random()}", delivery_id=delivery_id, url="https://x.test", made_at=world.now
        )
        session.add(link)
        session.flush()
        session.add(Visit(link_id=link.id or 0, delivery_id=delivery_id, kind=chance.choice(("open", "click")), at=world.now,
                          suspect=chance.choice(("", "", "", "HEAD")),
                          settled_at=chance.choice((world.now, world.now, None))))  # fmt: skip


def _came(world: World, chance: Random) -> None:
    with world.db.write() as session:
        run = chance.choice(session.exec(select(Enrollment)).all())
        kind = chance.choice((Kind.REPLY, Kind.REPLY, Kind.OUT_OF_OFFICE)).value
        enrollment_id = chance.choice((run.id, run.id, None))
        session.add(Message(key=f"{chance.random()}", lead_id=run.lead_id, enrollment_id=enrollment_id, came_at=world.now,
                            matched_by="thread", sender="x", kind=kind, judged_kind=kind))  # fmt: skip


def _met(world: World, chance: Random) -> None:
    with world.db.write() as session:
        run = chance.choice(session.exec(select(Enrollment)).all())
        news = MeetingNews(f"cal:{chance.random()}", "cal", chance.choice((State.BOOKED, State.CANCELLED)), 0, world.now,
                           None, world.now + DAY)  # fmt: skip
        note(session, run.lead_id, run.id, news, now=world.now)


def _done(world: World) -> None:
    for email in PEOPLE:
        if any(one.kind == "task" and one.state == "open" for one in _deliveries(world, email)):
            world.click("task_done", email, "Autumn")
            return


def _deliveries(world: World, email: str) -> list[Delivery]:
    return world.deliveries(email, "Autumn") if world.enrollment(email, "Autumn") else []


class Recount:
    """The same figures by the plainest means: every row, one by one, in Python."""

    def __init__(self, session, asked: Asked, weeks: Weeks) -> None:
        self.session, self.asked, self.weeks = session, asked, weeks
        leads = {lead.id: lead for lead in session.exec(select(Lead))}
        names = {one.id: one.name for one in session.exec(select(Sequence))}
        boxes = {one.id: one.address for one in session.exec(select(Mailbox))}
        self.runs = {}
        for run in session.exec(select(Enrollment)):
            lead = leads[run.lead_id]
            if asked.sequence_id not in (None, run.sequence_id) or asked.leads.owner not in (
                None,
                lead.owner,
            ):
                continue
            self.runs[lead.email, names[run.sequence_id], run.run] = run
        self.of_run = {run.id: run for run in self.runs.values()}
        self.lines = [one for one in ledger.ledger(session) if self.run_of(one) is not None]
        self.box_ids = {address: box_id for box_id, address in boxes.items()}
        self.happened: dict[Figure, list[tuple[int, datetime, int | None]]] = defaultdict(list)
        self._collect()

    def run_of(self, line) -> Enrollment | None:
        return self.runs.get((line["lead"], line["sequence"], line["run"]))

    def _collect(self) -> None:
        mails = {
            line["id"]: line for line in self.lines if line["kind"] == "email" and line["state"] == "sent"
        }
        by_id = {line["id"]: line for line in self.lines}
        for line in mails.values():
            self._add(Figure.CONTACTED, self.run_of(line).id, at(line["settled_at"]), line["id"])
        for visit in self.session.exec(select(Visit)):
            if visit.suspect or visit.settled_at is None or visit.delivery_id not in by_id:
                continue
            run_id = self.run_of(by_id[visit.delivery_id]).id
            self._add(Figure.OPENED, run_id, visit.at, visit.delivery_id)
            if visit.kind == "click":
                self._add(Figure.CLICKED, run_id, visit.at, visit.delivery_id)
                self._add(Figure.INTERACTIONS, run_id, visit.at, None)
        for message in self.session.exec(select(Message)):
            if message.kind == "reply" and message.enrollment_id in self.of_run:
                before = [mail["id"] for mail in mails.values() if self.run_of(mail).id == message.enrollment_id
                          and at(mail["settled_at"]) <= message.came_at]  # fmt: skip
                self._add(Figure.ANSWERED, message.enrollment_id, message.came_at, max(before, default=None))
                self._add(Figure.INTERACTIONS, message.enrollment_id, message.came_at, None)
        told = [
            (card.about_id, card.created_at)
            for card in self.session.exec(select(Card))
            if card.kind == "meeting"
        ]
        for meeting in self.session.exec(select(Meeting)):
            first = min((moment for about, moment in told if about == meeting.id), default=None)
            if first and meeting.state not in CALLED_OFF and meeting.enrollment_id in self.of_run:
                self._add(Figure.INTERACTIONS, meeting.enrollment_id, first, None)

    def _add(self, figure: Figure, run_id: int, moment: datetime, delivery_id: int | None) -> None:
        if self.holds(moment):
            self.happened[figure].append((run_id, moment, delivery_id))

    def holds(self, moment: datetime | None) -> bool:
        since, until = self.asked.since, self.asked.until
        return moment is not None and (since is None or moment >= since) and (until is None or moment < until)

    def week(self, moment: datetime) -> int:
        days = (self.weeks.end - local(moment, self.weeks.zone).date()).days
        return max(self.weeks.number - 1 - (days - 1) // 7, 0)

    def count(self, by: By) -> dict:
        found: defaultdict = defaultdict(Counter)
        steps = {(step.sequence_id, step.key): step.id for step in self.session.exec(select(Step))}
        rows = {one.id: one for one in self.session.exec(select(Delivery))}
        for line in self.lines:
            run, dated = self.run_of(line), at(line["settled_at"] or line["created_at"])
            is_step = by in (By.STEP, By.VARIANT)
            if not self.holds(dated) or not (by is By.CHANNEL or line["kind"] == "email" or is_step):
                continue
            key = {
                By.NOTHING: 0, By.SEQUENCE: run.sequence_id, By.SENDER: self.box_ids.get(line["mailbox"]),
                By.CHANNEL: line["kind"], By.WEEK: self.week(dated), By.STEP: steps.get((run.sequence_id, line["step"])),
            }  # fmt: skip
            key[By.VARIANT] = key[By.STEP]
            if is_step and line["step"] is None:
                continue
            part = rows[line["id"]].variant if by is By.VARIANT else None
            fate = line["state"] if line["state"] in ("sent", "failed", "uncertain", "skipped") else "open"
            found[key[by], part][Figure(fate)] += 1
            found[key[by], part][Figure.PLANNED] += 1
        if by is By.CHANNEL:
            return dict(found)
        for figure, events in self.happened.items():
            first: dict[int, tuple[datetime, int | None]] = {}
            for run_id, moment, delivery_id in events:
                if run_id not in first or moment < first[run_id][0]:
                    first[run_id] = moment, delivery_id
            if by in (By.STEP, By.VARIANT):
                if figure is Figure.ANSWERED:
                    pairs = [(run_id, delivery_id) for run_id, (_, delivery_id) in first.items()]
                elif figure in (Figure.OPENED, Figure.CLICKED):
                    pairs = sorted({(run_id, delivery_id) for run_id, _, delivery_id in events})
                else:
                    continue
                of_step = set()
                for run_id, delivery_id in pairs:
                    row = rows.get(delivery_id)
                    part = row.variant if row and by is By.VARIANT else None
                    of_step.add((row.step_id if row else None, part, run_id))
                for step_id, part, _ in of_step:
                    found[step_id, part][figure] += 1
                continue
            for run_id, (moment, _) in first.items():
                found[self._key(by, self.of_run[run_id], moment), None][figure] += 1
        if by in (By.STEP, By.VARIANT):
            return dict(found)
        for run in self.of_run.values():
            if self.holds(run.enrolled_at):
                found[self._key(by, run, run.enrolled_at), None][Figure.ENROLLED] += 1
            figure = {"stopped": Figure.INTERRUPTED, "completed": Figure.COMPLETED, "paused": Figure.PAUSED,
                      "skipped": Figure.LEFT_OUT}.get(run.status, Figure.ACTIVE)  # fmt: skip
            has_ended = run.status in ("stopped", "completed")
            if has_ended and self.holds(run.ended_at):
                found[self._key(by, run, run.ended_at), None][figure] += 1
            elif not has_ended and by is not By.WEEK:
                found[self._key(by, run, None), None][figure] += 1
        return dict(found)

    def _key(self, by: By, run: Enrollment, moment: datetime | None):
        if by is By.WEEK:
            return self.week(moment)
        return {By.NOTHING: 0, By.SEQUENCE: run.sequence_id, By.SENDER: run.mailbox_id}[by]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def ranges(world: World) -> list[Asked]:
    """Everything, one sequence, one owner's, and ranges with a beginning, an end, and both."""
    with world.read() as session:
        spring = sequences.find(session, "Spring").id
    middle = world.now - timedelta(days=14)
    return [
        Asked(),
        Asked(spring),
        Asked(leads=Scope(owner=ANA.id)),
        Asked(since=middle),
        Asked(until=middle),
        Asked(spring, since=middle, until=middle + 9 * DAY),
    ]


@pytest.mark.parametrize("seed", [1, 2])
def test_every_figure_is_that_of_a_plain_recount(database_url, seed):
    world = lived(database_url, seed)
    weeks = Weeks((world.now + DAY).date(), BERLIN, 4)
    used: set[Figure] = set()
    with world.read() as session:
        for asked in ranges(world):
            recount = Recount(session, asked, weeks)
            for by in By:
                counted = funnel.count(session, asked, by, weeks=weeks)
                plain = {key: counts for key, counts in recount.count(by).items() if any(counts.values())}
                assert {key: counts for key, counts in counted.items() if counts} == plain, (asked, by)
                used |= {figure for counts in counted.values() for figure in counts}
    assert used == set(Figure)


def test_parts_add_up_to_the_whole(database_url):
    world = lived(database_url, 4)
    weeks = Weeks((world.now + DAY).date(), BERLIN, 4)
    with world.read() as session:
        for asked in ranges(world):
            whole = funnel.count(session, asked)[WHOLE]
            assert whole[Figure.PLANNED] == sum(whole[fate] for fate in FATES)
            for by in (By.SEQUENCE, By.SENDER, By.WEEK):
                parts: Counter = sum(funnel.count(session, asked, by, weeks=weeks).values(), Counter())
                left = {Figure.ACTIVE, Figure.PAUSED, Figure.LEFT_OUT} if by is By.WEEK else set()
                assert parts == Counter({key: n for key, n in whole.items() if key not in left}), (asked, by)
            by_step = sum(funnel.count(session, asked, By.STEP).values(), Counter())
            assert by_step[Figure.ANSWERED] == whole[Figure.ANSWERED]
            mails = funnel.count(session, asked, By.CHANNEL).get(("email", None), Counter())
            assert mails == Counter(
                {fate: n for fate, n in whole.items() if fate in (*FATES, Figure.PLANNED)}
            )
            assert sum(number for _, number in funnel.reasons(session, asked)) == whole[Figure.INTERRUPTED]


def test_the_figures_of_one_sender_are_its_line_by_sender(database_url):
    world = lived(database_url, 4)
    with world.read() as session:
        for asked in ranges(world):
            senders = funnel.count(session, asked, By.SENDER)
            for mailbox_id in {key[0] for key in senders} - {None}:  # None: has no mailbox yet
                one, line = replace(asked, mailbox_id=mailbox_id), senders[mailbox_id, None]
                assert funnel.count(session, one)[WHOLE] == line, one
                assert sum(number for _, number in funnel.reasons(session, one)) == line[Figure.INTERRUPTED]
                by_step = sum(funnel.count(session, one, By.STEP).values(), Counter())
                assert by_step[Figure.ANSWERED] == line[Figure.ANSWERED]
        assert len(senders) > 1, "the run must have several senders"


def test_whole_of_every_channel_is_the_ledger(database_url):
    world = lived(database_url, 5)
    with world.read() as session:
        channels = funnel.count(session, Asked(), By.CHANNEL)
        assert sum(counts[Figure.PLANNED] for counts in channels.values()) == len(
            list(ledger.ledger(session))
        )
        whole = funnel.count(session, Asked())[WHOLE]
        runs = len(session.exec(select(Enrollment)).all())
    kinds = (Figure.ACTIVE, Figure.PAUSED, Figure.LEFT_OUT, Figure.INTERRUPTED, Figure.COMPLETED)
    assert sum(whole[kind] for kind in kinds) == whole[Figure.ENROLLED] == runs

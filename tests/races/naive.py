"""A sender as it is often written: it looks at the statuses once per batch, sends, and writes down what it sent."""

import asyncio

from sqlalchemy import update
from sqlmodel import col, select

from core import handover, letters, postbox
from core.acts import DELIVERIES, ENROLLMENTS
from core.mime import Sender
from core.models import Enrollment
from jobs.smtp import Fate, Line, Outgoing, Server
from tests.mailroom import OFFICE, real_now


class NaivePost:
    """The same claims and the same SMTP; only the point of no return is missing."""

    def __init__(self, db) -> None:
        self.db = db
        self.stopping = False

    def stop(self) -> None:
        self.stopping = True

    async def drain(self, mailbox_id: int) -> int:
        mailbox = await asyncio.to_thread(postbox.get, self.db, mailbox_id)
        sender = Sender(mailbox.address, mailbox.name)
        waiting = await asyncio.to_thread(self.still_pending, mailbox_id)
        written = {one.delivery_id: letters.write(one, sender, OFFICE, now=real_now()) for one in waiting}
        line = Line(Server(mailbox.smtp_host, mailbox.smtp_port, "none", None, None, 10))
        count = 0

        async def source():
            if not waiting or self.stopping:
                return None
            one = waiting.pop(0)
            return Outgoing(
                one.delivery_id, mailbox.address, one.lead.email, written[one.delivery_id].content
            )

        async def gate(_):
            return True

        def note(message, result):
            nonlocal count
            count += result.fate is Fate.SENT

        await line.run(source, gate, note)
        await line.close()
        await asyncio.to_thread(self.write_down, [letter.claimed for letter in written.values()])
        return count

    def still_pending(self, mailbox_id: int):
        claims = handover.claim(self.db, mailbox_id, now=real_now())
        with self.db.read() as session:
            query = select(Enrollment.id).where(col(Enrollment.status) == "pending")
            pending = set(session.exec(query))
        return [one for one in claims if one.enrollment_id in pending]

    def write_down(self, claims) -> None:
        with self.db.write() as session:
            session.execute(
                update(DELIVERIES)
                .where(DELIVERIES.c.id.in_([one.delivery_id for one in claims]))
                .values(state="sent")
            )
            session.execute(
                update(ENROLLMENTS)
                .where(ENROLLMENTS.c.id.in_([one.enrollment_id for one in claims]))
                .values(status="completed")
            )

"""The mail sink, spoken to over a bare socket: what it keeps, what it says, and how it fails on request."""

import asyncio
import json
import signal
import smtplib
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from sandbox.faults import TROUBLED, Fault, Faults, Moment, Phase
from sandbox.sink import Offer, Sink

ENVELOPE = b"MAIL FROM:<us@a.test>\r\nRCPT TO:<lead@b.test>\r\n"
NOON = datetime(2027, 6, 15, 12, tzinfo=UTC)


class Client:
    """A bare client: writes bytes, reads whole replies."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def greeted(cls, sink):
        client = cls(*await asyncio.open_connection(sink.host, sink.port))
        await client.reply()
        await client.say(b"EHLO me")
        return client

    async def reply(self):
        lines = []
        while True:
            line = await asyncio.wait_for(self.reader.readline(), 2)
            lines.append(line.decode().rstrip("\r\n"))
            if line[3:4] != b"-":
                return "\n".join(lines)

    async def say(self, *lines, replies=1):
        self.writer.write(b"".join(line + b"\r\n" for line in lines))
        answers = [await self.reply() for _ in range(replies)]
        return answers[0] if replies == 1 else answers

    async def mail(self, content=b"Message-ID: <1@a.test>\r\n\r\nHello\r\n", recipient=b"lead@b.test"):
        codes = [await self.say(b"MAIL FROM:<us@a.test>"), await self.say(b"RCPT TO:<" + recipient + b">")]
        codes.append(await self.say(b"DATA"))
        codes.append(await self.say(content + b"."))
        return [code[:3] for code in codes]


def with_sink(story, **settings):
    """Run a story with a sink and a greeted client."""

    async def whole():
        async with Sink(**settings) as sink:
            client = await Client.greeted(sink)
            try:
                return await story(sink, client)
            finally:
                client.writer.close()

    return asyncio.run(whole())


def test_a_message_is_kept_with_envelope_times_and_message_id():
    async def story(sink, client):
        before = time.monotonic()
        assert await client.mail() == ["250", "250", "354", "250"]
        (kept,) = sink.accepted
        assert before <= kept.monotonic <= time.monotonic()
        return kept

    kept = with_sink(story, clock=lambda: NOON)
    assert (kept.sender, kept.recipients, kept.message_id) == ("us@a.test", ("lead@b.test",), "<1@a.test>")
    assert kept.message == b"Message-ID: <1@a.test>\r\n\r\nHello\r\n"
    assert kept.at == NOON


@pytest.mark.parametrize(
    ("head", "message_id"),
    [
        (b"Subject: x\r\nMESSAGE-ID:\r\n <a@b>\r\n\r\n", "<a@b>"),
        (b"Subject: x\r\n\r\nMessage-ID: <in@body>\r\n", ""),
        (b"X-Message-ID: <no@b>\r\n\r\n", ""),
    ],
)
def test_the_message_id_is_read_from_the_head_alone(head, message_id):
    async def story(sink, client):
        await client.mail(head)
        return sink.accepted[0].message_id

    assert with_sink(story) == message_id


def test_dots_are_taken_off_and_only_a_dot_alone_between_line_ends_ends_a_message():
    async def story(sink, client):
        await client.mail(b"..\r\n.stuffed\r\na\n.\nb\r.\rc\r\n")
        await client.mail(b"")
        return [kept.message for kept in sink.accepted]

    assert with_sink(story) == [b".\r\nstuffed\r\na\n.\nb\r.\rc\r\n", b""]


def test_a_pipelined_group_is_answered_in_one_packet():
    async def story(sink, client):
        client.writer.write(ENVELOPE + b"DATA\r\n")
        first = await client.reader.read(4096)
        client.writer.write(b"Hello\r\n.\r\n" + ENVELOPE)
        second = await client.reader.read(4096)
        return first, second, len(sink.accepted)

    first, second, kept = with_sink(story)
    assert [line[:3] for line in first.split(b"\r\n")] == [b"250", b"250", b"354", b""]
    assert [line[:3] for line in second.split(b"\r\n")] == [b"250", b"250", b"250", b""]
    assert kept == 1


def test_who_pipelines_uninvited_is_complained_about():
    async def story(sink, client):
        await client.say(*ENVELOPE.splitlines(), replies=2)
        return sink.complaints

    assert len(with_sink(story, offer=Offer(pipelining=False))) == 1


def test_commands_out_of_order_are_refused():
    async def story(sink, client):
        answers = [await client.say(b"RCPT TO:<a@b.test>"), await client.say(b"DATA")]
        answers += [await client.say(b"MAIL FROM:a@b.test"), await client.say(b"WHAT")]
        answers += [await client.say(b"MAIL FROM:<a@b.test>"), await client.say(b"MAIL FROM:<a@b.test>")]
        answers += [await client.say(b"RSET"), await client.say(b"NOOP"), await client.say(b"QUIT")]
        return [answer[:3] for answer in answers], await client.reader.read()

    codes, rest = with_sink(story)
    assert codes == ["503", "503", "501", "500", "250", "503", "250", "250", "221"]
    assert rest == b""


@pytest.mark.parametrize(
    ("offer", "words"),
    [
        (Offer(), {"PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES"}),
        (Offer(pipelining=False, eightbit=False), {"ENHANCEDSTATUSCODES"}),
        (
            Offer(size=10, smtputf8=True, users={}),
            {"PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "SIZE 10", "AUTH PLAIN LOGIN"},
        ),
    ],
)
def test_ehlo_says_what_is_offered(offer, words):
    async def story(sink, client):
        return await client.say(b"EHLO me")

    assert {line[4:] for line in with_sink(story, offer=offer).split("\n")} == {"sink.test", *words}


def test_a_message_above_the_size_is_not_kept():
    async def story(sink, client):
        return await client.mail(b"0123456789\r\n"), sink.accepted

    assert with_sink(story, offer=Offer(size=5)) == (["250", "250", "354", "552"], [])


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([b"AUTH PLAIN AHVzAHNlY3JldA=="], "235"),
        ([b"AUTH PLAIN", b"AHVzAHNlY3JldA=="], "235"),
        ([b"AUTH LOGIN", b"dXM=", b"c2VjcmV0"], "235"),
        ([b"AUTH LOGIN dXM=", b"d3Jvbmc="], "535"),
        ([b"AUTH PLAIN !!!"], "535"),
        ([b"AUTH GSSAPI"], "504"),
    ],
)
def test_login_by_plain_and_login(lines, code):
    async def story(sink, client):
        assert (await client.say(b"MAIL FROM:<a@b.test>"))[:3] == "530"
        answers = [await client.say(line) for line in lines]
        assert all(answer.startswith("334") for answer in answers[:-1])
        return answers[-1][:3]

    assert with_sink(story, offer=Offer(users={"us": "secret"})) == code


def test_latency_is_one_round_trip_for_a_group_not_one_for_each_command():
    async def story(sink, client):
        began = time.monotonic()
        await client.say(*ENVELOPE.splitlines(), b"DATA", replies=3)
        group = time.monotonic() - began
        await client.say(b"Hello", b".")
        began = time.monotonic()
        await client.mail()
        return group, time.monotonic() - began

    group, single = with_sink(story, offer=Offer(latency=0.05))
    assert 0.05 <= group < 0.1
    assert single >= 0.2


# Faults


@pytest.mark.parametrize(
    ("fault", "kept"),
    [("after:drop", 1), ("after:cut", 1), ("dot:drop", 0), ("body:drop", 0), ("data:drop", 0)],
)
def test_only_what_was_accepted_is_kept_however_the_connection_ends(fault, kept):
    async def story(sink, client):
        client.writer.write(ENVELOPE + b"DATA\r\nHello\r\n.\r\n")
        answers = await client.reader.read()
        return answers.count(b"250 2.0.0 Kept\r\n"), len(sink.accepted)

    assert with_sink(story, script=Faults(fault)) == (0, kept)


@pytest.mark.parametrize(
    ("recipient", "codes"),
    [
        (b"lead@b.test", ["250", "250", "354", "250"]),
        (b"no-such-user@b.test", ["250", "550", "503"]),
        (b"temp-fail@b.test", ["250", "451", "503"]),
        (b"spam@b.test", ["250", "250", "354", "554"]),
        (b"greylisted@b.test", ["250", "250", "354", "451"]),
    ],
)
def test_troubled_recipients_get_into_their_trouble(recipient, codes):
    async def story(sink, client):
        said = [b"MAIL FROM:<us@a.test>", b"RCPT TO:<" + recipient + b">", b"DATA", b"Hello\r\n."]
        answers = [await client.say(line) for line in said[: len(codes)]]
        return [answer[:3] for answer in answers], len(sink.accepted)

    assert with_sink(story, script=Faults(*TROUBLED)) == (codes, int(codes[-1] == "250"))


def test_a_split_answer_comes_in_many_packets_and_whole():
    async def story(sink, client):
        client.writer.write(b"NOOP\r\n")
        packets = []
        while not b"".join(packets).endswith(b"\r\n"):
            packets.append(await client.reader.read(100))
        return packets, await client.say(b"NOOP")

    packets, after = with_sink(story, script=Faults("noop#1:split"))
    assert len(packets) > 3
    assert b"".join(packets) == b"250 2.0.0 Still here\r\n"
    assert after.startswith("250")


def test_a_421_closes_the_connection():
    async def story(sink, client):
        return await client.say(b"NOOP"), await client.reader.read()

    assert with_sink(story, script=Faults("noop:421 4.3.2 closing")) == ("421 4.3.2 closing", b"")


def moment(phase, recipient=""):
    return Moment(Phase(phase), 1, "us@a.test", recipient)


def test_a_numbered_fault_acts_at_that_moment_only():
    faults = Faults("mail#2:451 later")
    found = [faults(moment("mail")) for _ in range(3)]
    assert found == [None, Fault(reply="451 later"), None]


def test_a_fault_for_a_recipient_counts_that_recipient_alone():
    faults = Faults("rcpt#2@ann:drop")
    people = ["ann@b.test", "bob@b.test", "ann@b.test", "ann@b.test"]
    assert [faults(moment("rcpt", person)) for person in people] == [None, None, Fault(drop=True), None]


@pytest.mark.parametrize("spec", ["", "mail", "nowhere:drop", "mail#x:drop", "mail:"])
def test_what_is_no_fault_is_refused(spec):
    with pytest.raises(ValueError, match="is no fault"):
        Faults(spec)


# The log, and the sink as its own process


@contextmanager
def process(*arguments):
    with subprocess.Popen(
        [sys.executable, "-m", "sandbox.sink", *arguments], stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            yield child, int(child.stdout.readline().rpartition(":")[2])
        finally:
            child.kill()


def note():
    message = EmailMessage()
    message["From"], message["To"], message["Message-ID"] = "us@a.test", "lead@b.test", "<1@a.test>"
    message.set_content("Hëllo\n.\n")
    return message


def test_the_standard_library_can_hand_over_to_it(tmp_path):
    log = tmp_path / "mail.jsonl"
    with process("--log", str(log)) as (_, port), smtplib.SMTP("127.0.0.1", port, "me", timeout=5) as client:
        client.send_message(note())
        line = json.loads(log.read_text())
    assert line["message_id"] == "<1@a.test>"
    assert line["recipients"] == ["lead@b.test"]
    assert datetime.fromisoformat(line["at"]).tzinfo is not None
    assert line["message"].encode("latin-1").startswith(b"From: us@a.test\r\n")


def test_killed_before_it_answers_the_log_tells_what_it_accepted(tmp_path):
    log = tmp_path / "mail.jsonl"
    with process("--log", str(log), "--fault", "after:hang") as (child, port):
        client = smtplib.SMTP("127.0.0.1", port, "me", timeout=0.5)
        with pytest.raises((TimeoutError, smtplib.SMTPException)):
            client.send_message(note())
        child.send_signal(signal.SIGKILL)
        child.wait()
        client.close()
    assert [json.loads(line)["message_id"] for line in log.read_text().splitlines()] == ["<1@a.test>"]


class Flood(asyncio.Protocol):
    """A trivial pipelining client: one group of commands for each message, the next when it is answered."""

    # Real mail cannot put the content into the group, since the answer to DATA decides on it.
    GROUP = ENVELOPE + b"DATA\r\nHello" + b" and hello again" * 100 + b"\r\n.\r\n"

    def __init__(self, count):
        self.left, self.owed = count, 2  # the greeting and the answer to HELO
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        transport.write(b"HELO me\r\n")

    def data_received(self, data):
        self.owed -= data.count(b"\n")
        if self.owed:
            return
        if self.left == 0:
            self.transport.close()
            self.done.set_result(None)
            return
        self.left, self.owed = self.left - 1, 4
        self.transport.write(self.GROUP)


def test_throughput_is_printed(capsys):
    count, lines = 20_000, 8

    async def flood(port):
        loop = asyncio.get_running_loop()
        clients = [
            await loop.create_connection(lambda: Flood(count // lines), "127.0.0.1", port)
            for _ in range(lines)
        ]
        began = time.perf_counter()
        await asyncio.gather(*(client.done for _, client in clients))
        return count / (time.perf_counter() - began)

    with process() as (_, port):
        rate = asyncio.run(flood(port))
    with capsys.disabled():
        print(f"\nsink in its own process, {lines} trivial pipelining clients: {rate:,.0f} messages/s")

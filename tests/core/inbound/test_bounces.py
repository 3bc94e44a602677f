"""Delivery reports and complaints: standard, flattened and home-made ones; hard, soft, delayed and successful."""

from __future__ import annotations

import pytest

from core.inbound import Kind, judge
from tests.core.inbound.mail import RECEIVED, letter


def report(status="5.1.1", action="failed", diagnostic="550 5.1.1 user unknown", returned=True):
    """Give an RFC 3464 report about <step-9@fermata.example> to lead@lumen.example."""
    copy = (
        "--x\r\nContent-Type: message/rfc822\r\n\r\nFrom: sam@fermata.example\r\nTo: lead@lumen.example\r\n"
        "Message-ID: <step-9@fermata.example>\r\nSubject: Depots\r\n\r\nHi, I am out of office.\r\n"
    )
    return (
        "From: Mail Delivery System <MAILER-DAEMON@mx.lumen.example>\r\nTo: sam@fermata.example\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="x"\r\n\r\n'
        "--x\r\n\r\nYour mail could not be delivered.\r\n"
        "--x\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.lumen.example\r\n\r\n"
        f"Final-Recipient: rfc822; lead@lumen.example\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; {diagnostic}\r\n\r\n{copy if returned else ''}--x--\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("status", "diagnostic", "is_hard"),
    [
        ("5.1.1", "550 5.1.1 user unknown", True),
        ("5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found", True),
        ("5.1.2", "Host or domain name not found", True),
        ("5.0.0", "550 no such user here", True),
        ("5.2.1", "550 5.2.1 no such mailbox", True),
        ("5.2.2", "552 5.2.2 mailbox full", False),
        (
            "5.2.1",
            "550 5.2.1 The user you are trying to contact is receiving mail too quickly, try again later",
            False,
        ),
        ("5.7.1", "550 5.7.1 message rejected as spam", False),
        ("5.7.26", "550 5.7.26 DMARC policy of the sender", False),
        ("5.3.4", "552 5.3.4 message size exceeds limit", False),
        ("4.4.1", "connection timed out", False),
        ("4.2.2", "452 4.2.2 over quota", False),
    ],
)
def test_report_is_hard_only_where_nobody_is_there(status, diagnostic, is_hard):
    bounce = judge(report(status, "failed", diagnostic), received=RECEIVED).bounce

    assert (bounce.is_hard, bounce.is_delay, bounce.status) == (is_hard, False, status)


def test_report_names_recipient_and_mail():
    found = judge(report(), received=RECEIVED)

    assert found.kind is Kind.BOUNCE
    assert found.bounce.recipient == "lead@lumen.example"
    assert found.bounce.message_id == "<step-9@fermata.example>"
    assert found.about == ("<step-9@fermata.example>",)
    assert found.evidence[0].text == "Action: failed"


def test_report_without_a_copy_names_no_mail():
    assert judge(report(returned=False), received=RECEIVED).bounce.message_id is None


def test_delayed_mail_has_not_bounced():
    found = judge(report("4.4.1", "delayed", "connection timed out"), received=RECEIVED)

    assert found.kind is Kind.BOUNCE
    assert (found.bounce.is_delay, found.bounce.is_hard) == (True, False)


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded"])
def test_report_of_a_success_is_no_bounce(action):
    found = judge(report("2.0.0", action, "250 ok"), received=RECEIVED)

    assert (found.kind, found.bounce) == (Kind.AUTOMATIC, None)


HOME_MADE = {
    "qmail": (
        (
            "Hi. This is the qmail-send program at mx.lumen.example.\nI'm afraid I wasn't able to deliver your message "
            "to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n"
            "<lead@lumen.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"
            "--- Below this line is a copy of the message.\n\nMessage-ID: <step-9@fermata.example>\nSubject: Depots\n"
        ),
        True,
    ),
    "exim": (
        (
            "This message was created automatically by mail delivery software.\n\nA message that you sent could not be "
            "delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n"
            "  lead@lumen.example\n    SMTP error from remote mail server after RCPT TO:<lead@lumen.example>:\n"
            "    550 Unknown user\n\n------ This is a copy of the message, including all the headers. ------\n\n"
            "Message-ID: <step-9@fermata.example>\nSubject: Depots\n"
        ),
        True,
    ),
    "full": (
        (
            "The message you sent to lead@lumen.example was not delivered: the recipient's mailbox is full.\n"
            "552 5.2.2 over quota\n\n----- Original message -----\nMessage-ID: <step-9@fermata.example>\n"
        ),
        False,
    ),
    "flattened": (
        (
            "Delivery has failed.\n\nFinal-Recipient: rfc822; lead@lumen.example\nAction: failed\nStatus: 5.1.1\n"
            "Diagnostic-Code: smtp; 550 no such user\n\nMessage-ID: <step-9@fermata.example>\n"
        ),
        True,
    ),
    "german": (
        (
            "Ihre Nachricht an <lead@lumen.example> konnte nicht zugestellt werden: 550 Empfänger unbekannt\n\n"
            "Message-ID: <step-9@fermata.example>\n"
        ),
        True,
    ),
}


@pytest.mark.parametrize("name", HOME_MADE)
def test_home_made_report_is_read(name):
    body, is_hard = HOME_MADE[name]
    sender = "Mail Delivery System <mailer-daemon@mx.lumen.example>"
    found = judge(letter(body, subject="failure notice", sender=sender), received=RECEIVED)

    assert found.kind is Kind.BOUNCE
    assert found.bounce.is_hard is is_hard
    assert found.bounce.recipient == "lead@lumen.example"
    assert found.bounce.message_id == "<step-9@fermata.example>"


def test_report_about_a_forwarded_away_message_is_still_a_bounce():
    assert judge(report(), received=RECEIVED).kind is Kind.BOUNCE


def test_person_who_writes_about_a_bounce_is_a_person():
    body = "Your mail to Tove bounced with 550 5.1.1 user unknown, she left. Write to me instead, please."

    assert judge(letter(body, subject="Undeliverable: depots"), received=RECEIVED).kind is Kind.REPLY


def feedback(kind):
    return (
        "From: feedback@provider.example\r\nTo: sam@fermata.example\r\nSubject: FW: Depots\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="x"\r\n\r\n'
        "--x\r\nContent-Type: text/plain\r\n\r\nThis is an abuse report.\r\n"
        f"--x\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: {kind}\r\nVersion: 1\r\n\r\n"
        "--x\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <step-9@fermata.example>\r\n\r\nHi\r\n--x--\r\n"
    ).encode()


def test_complaint_names_the_mail_it_is_about():
    found = judge(feedback("abuse"), received=RECEIVED)

    assert (found.kind, found.about) == (Kind.COMPLAINT, ("<step-9@fermata.example>",))


def test_authentication_failure_is_no_complaint():
    assert judge(feedback("auth-failure"), received=RECEIVED).kind is Kind.AUTOMATIC


def test_junk_report_of_microsoft_is_a_complaint():
    raw = (
        b"From: staff@hotmail.com\r\nTo: abuse@fermata.example\r\nSubject: complaint about message from 192.0.2.7\r\n"
        b"Content-Type: message/rfc822\r\n\r\nX-HmXmrOriginalRecipient: lead@lumen.example\r\n"
        b"Message-ID: <step-9@fermata.example>\r\n\r\nHi\r\n"
    )
    found = judge(raw, received=RECEIVED)

    assert (found.kind, found.about) == (Kind.COMPLAINT, ("<step-9@fermata.example>",))


@pytest.mark.parametrize(
    "diagnostic",
    [
        "552 5.2.2 Das Postfach des Empfängers ist überfüllt",
        "552 La boîte aux lettres du destinataire est pleine",
        "552 El buzón del destinatario está lleno",
        "552 A caixa de correio do destinatário está cheia",
        "552 La casella di posta del destinatario è piena",
        "552 Skrzynka odbiorcy jest pełna",
        "552 Mottagarens brevlåda är full",
        "552 Почтовый ящик получателя переполнен",
    ],
)
def test_full_mailbox_is_soft_in_the_servers_own_language(diagnostic):
    found = judge(report(status="5.0.0", diagnostic=diagnostic), received=RECEIVED).bounce
    assert not found.is_hard


@pytest.mark.parametrize(
    "subject", ["Échec de la remise : Depots", "A mensagem não entregue", "Nie można dostarczyć"]
)
def test_subject_is_read_with_its_marks(subject):
    raw = letter(
        "550 5.1.1 user unknown\n\n--- Below this line is a copy of the message.\n\nMessage-ID: <step-9@fermata.example>",
        subject=subject,
        sender="Mail System <postmaster@mx.lumen.example>",
    )
    assert judge(raw, received=RECEIVED).kind is Kind.BOUNCE


def test_warning_of_a_server_that_still_tries_is_a_delay():
    raw = letter(
        "This message was created automatically by mail delivery software.\n"
        "A message that you sent has not yet been delivered to one or more of its recipients after more than 24 hours "
        "on the queue on mx.lumen.example.\n\nThe address to which the message has not yet been delivered is:\n\n"
        "  lead@lumen.example\n    Delay reason: connection timed out\n\n"
        "No action is required on your part. Delivery attempts will continue for some time.\n",
        subject="Warning: message 1xYz-000 delayed 24 hours",
        sender="Mail Delivery System <Mailer-Daemon@mx.lumen.example>",
    )
    found = judge(raw, received=RECEIVED)
    assert (found.kind, found.bounce.is_delay, found.bounce.is_hard) == (Kind.BOUNCE, True, False)


def test_read_receipt_is_nobodys_answer():
    raw = (
        b"From: lead@lumen.example\r\nTo: sam@fermata.example\r\nSubject: Read: Depots\r\n"
        b'Content-Type: multipart/report; report-type=disposition-notification; boundary="x"\r\n\r\n'
        b"--x\r\n\r\nYour message was read on Tuesday.\r\n--x\r\nContent-Type: message/disposition-notification\r\n\r\n"
        b"Final-Recipient: rfc822; lead@lumen.example\r\nOriginal-Message-ID: <step-9@fermata.example>\r\n"
        b"Disposition: manual-action/MDN-sent-manually; displayed\r\n\r\n--x--\r\n"
    )
    assert judge(raw, received=RECEIVED).kind is Kind.AUTOMATIC

"""Delivery reports and spam complaints: what came back, for whom, and whether for good.

A report is looked for from the surest sign to the weakest: the parts of RFC 3464, the same fields in plain
text (gateways flatten them), the makers flufl.bounce knows, and then who sent it and what it says.

Hard: 5.1.x, 5.0.0 and unknown codes whose words say that nobody is there. Soft: 4.x, a full mailbox (5.2.2), a
mailbox that is switched off for now (5.2.1), size (5.3.4), and 5.7.x, where a policy refused this mail and
not the person. The server's words win over its code where they name the reason.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Final

from flufl.bounce import all_failures

from core.inbound import message
from core.inbound.envelope import ADDRESS_IN_TEXT, MESSAGE_ID, ids, spelling
from core.inbound.words import Bounce, Complaint, Envelope, Evidence

# Where one of its readers stumbles over a message, flufl logs a traceback and tries the next one.
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)

MOST_TEXT_CHARS: Final = 20_000
LONGEST_DIAGNOSTIC_CHARS: Final = 300
MOST_ABOUT: Final = 10
NO_FAILURE: Final = frozenset({"delivered", "relayed", "expanded"})

SENDER = re.compile(
    r"mailer-?daemon|(?<![\w-])post_?master|mail delivery (?:sub)?system|mail delivery service|mdaemon|mail administrator"
    r"|mailadmin|delivery subsystem|delivery system|double-bounce|mmdf|microsoftexchange[0-9a-f]+@|mail router"
    r"|smtp gateway|(?<![\w-])mail\+?daemon|system administrator|systemadministrator|administrador del sistema|mailsystem"
    r"|mail-?system|(?<![\w-])noreply-?bounce|(?<![\w-])bounces?@|eximadmin|mmta|notification-dsn"
)
SUBJECT = re.compile(
    r"undeliver(?:ed|able)|delivery (?:status notification|failure|failed|has failed|delayed|problem|error|report|notification"
    r"|unsuccessful)|returned? (?:mail|e-?mail|to sender)|failure (?:notice|notification|delivery)|mail (?:delivery )?(?:failed|failure|system error|status"
    r"|delivery)|non[- ]?deliver(?:y|able)|(?:message|mail|e-?mail) (?:not delivered|delivery|could not be|undeliverable|was not|is not"
    r"|bounced|delayed|blocked|rejected)|could not be (?:delivered|sent)|not be delivered|delivery of .{0,80} failed|bounced mail"
    r"|rejected(?: mail| message)?:|unable to deliver|warning: (?:could not|message|mail)|failed mail|email error"
    r"|unzustellbar|nicht zugestellt|zustellung|nicht zustellbar|fehlgeschlagen|non remis|non distribu|echec de (?:la )?remise"
    r"|non recapitabil|mancata consegna|non consegnat|no se (?:pudo|puede|ha podido) entregar|no entregad|error de entrega|devuelto"
    r"|devolvid|nao entregue|falha na entrega|onbestelbaar|niet afgeleverd|niet bezorgd|niedostarczon|nie mozna dostarczyc|zwrot"
    r"|olevererbar|kunde inte levereras|kunne ikke leveres|kan ikke leveres|uleverlig|ei voitu toimittaa|toimittamaton"
    r"|nedoruc|недостав|не доставлено|невозможно доставить|配信不能|配送失敗|配信できません|送信できません|エラーメール|届けられません|未达|退信|退回|无法投递|系统退信|kezbesitetlen|teslim edilemedi"
)
NO_REPLY = re.compile(r"no-?reply|do-?not-?reply")
REPLY = re.compile(r"\s*(?:re|aw|sv|fwd?|wg|tr|rv|antw)\s*:", re.IGNORECASE)
# Said of one mail to one address, so that it is enough from a sender that takes no answers.
UNSENT = re.compile(
    r"could not be delivered to[: ]|(?:送信|配信|配達)できません|メールボックスが一杯|was not delivered to|undeliverable to|nicht zugestellt werden"
)
# Words of a server that says so in the body; each is enough only together with a sender or subject as above.
BODY = re.compile(
    r"created automatically by mail delivery|not a valid (?:user|mailbox|recipient)|(?:could|can|was|were|has|have) ?not be(?:en)? deliver|not delivered|unable to deliver|delivery (?:to the following|failed|has failed|attempt"
    r"|of (?:the|your|this) (?:message|mail))|undeliverable|permanent(?:ly)? (?:error|fail|reject)|user unknown|unknown user|no such (?:user|recipient|address|mailbox|account)"
    r"|mailbox (?:is )?(?:full|unavailable|not found|disabled|does not exist)|recipient(?:'s)? (?:address )?(?:rejected|unknown|not found)|over ?quota|quota exceeded|address(?:es)? (?:had|failed|not found|rejected|unknown)"
    r"|does not exist|(?<!\d)[45]\d\d[ -]#?[45]\.\d+\.\d+|(?<!\d)5[0-57]\d (?:[a-z<]|.{0,30}(?:rejected|unknown|denied))|smtp error|returned (?:to sender|mail|message)|host (?:not found|unknown|unreachable)"
    r"|delivery (?:is|was) delayed|will continue trying|will be retried|still trying|blocked|rejected|nicht zugestellt|unzustellbar|n'a pas pu|konnte nicht"
    r"|no (?:ha sido|pudo|se pudo|se ha podido)|non (?:e stato|puo essere) (?:possibile|consegnat)|nie (?:mozna|zostal|istnieje)|bounce|エラー|配信|届き|見つかり|あて先|宛先|退信|не (?:может|удалось|сущест|найден)|недоступ"
)
# Whether for good, by the server's words; the first that is found decides, its code only after them.
FULL = re.compile(
    r"(?:mail ?box|mail ?folder|inbox|account|user|storage|disk|message store|quota).{0,40}(?:full|exceed|over|quota|limit|insufficient|too much)|over ?quota|quota|out of (?:disk )?space|insufficient (?:system )?(?:storage|space)|not enough space|容量|いっぱい"
    r"|postfach.{0,30}(?:voll|uberfullt|uberschritten)|boite.{0,40}(?:pleine|saturee)|buzon.{0,40}(?:lleno|excedid)|caixa.{0,40}(?:cheia|excedid)"
    r"|casella.{0,40}(?:piena|esaurit)|postvak.{0,30}vol|mailbox (?:zit |is )?vol\b|skrzynk.{0,40}(?:pelna|przepelnion)|brevladan?.{0,30}full|postkasse.{0,30}full?"
    r"|(?:postilaatikko|sahkopostilaatikko).{0,30}taynna|schrank.{0,40}plna|kvot[ae]|переполнен|заполнен|已满|가득"
)
TRANSIENT = re.compile(
    r"temporar|locked|aborted after|hop count|routing loop|did not accept our requests|could not find a gateway|socket error|not delivered within|try (?:again )?later|timed? ?out|time-?out|connection (?:refused|reset|lost|timed|died|dropped|closed)|too many (?:connections|hops|messages|recipients|emails|errors)|greylist|grey-list|deferred|unreachable|no route|retry|expired|delayed|undelivered for|still not|rate limit|throttl|resources|suspended|inactive|disabled|deactivated|not accepting|on hold|frozen|loops? back|mail loop|name server|dns (?:lookup|error|fail)|host not responding|unable to (?:connect|reach)|queued? (?:for )?too long|could not connect|been in the queue|can't connect|system (?:error|problem|not)|server (?:error|busy|is down|not responding)|long time"
)
NOBODY = re.compile(
    r"(?:user|userid|recipient|mailbox|address|account|alias|addressee|destinat\w+|login|name|person|inbox|e-?mail|local ?part|rcpt|customer).{0,60}(?:unknown|not exist|n't exist|no longer exist|not found|non.?exist|invalid|not known|no longer|unavailable|not (?:listed|valid|local|recognized|a known|available|our|one of)|undeliverable|unrouteable|does not exist|no such|not have)|(?:unknown|no such|invalid(?: final delivery)?|bad|nonexistent|not a known|unrouteable|unrouted|unroutable|non-existent|wrong|illegal) (?:virtual |local |destination |mail )?(?:user|userid|recipient|mailbox|address|account|alias|person|addressee|rcpt|name|login|mail|e-?mail|local|destination|host|domain)|user \S* ?(?:is )?unknown|doesn't have a|not have an account|no mailbox|addresses? (?:failed|unknown)|couldn't be found|could not be found|wasn't found|host (?:not found|unknown)|domain (?:not found|unknown|does not exist|not exist)|name or service not known|nullmx|null mx|no mx|no valid hosts|nobody here|has (?:left|retired)|existiert nicht|unbekannt|inconnu|desconocid|non esiste|sconosciut|nie istnieje|不明|存在しま|見つかり|не (?:существ|найден)"
)
POLICY = re.compile(
    r"spam|block|blacklist|black list|blocklist|listed (?:at|by|in|on)|rbl|reputation|policy|denied|not allowed|not permitted|prohibited|dmarc|spf|dkim|authenticat|refused|content|virus|malware|too (?:large|big)|size|reverse dns|ptr|rejected for|filter|relay|banned|suspicious|unauthori[sz]ed|sender"
)

STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
REPLY_CODE = re.compile(r"(?<![\d.:])([45]\d\d)(?=[ -](?:[a-z#<]|[45]\.))")
# A line by which servers begin the copy of what was sent.
COPY_BEGINS = re.compile(
    r"^[ \t>-]*(?:-+ ?(?:this is a copy|original message|the header|returned message|message header|unsent message|your message|below|enclosed|original|transcript of (?:session|message) follows|body of message|included is)"
    r"|(?:--- )?below (?:this line|the line) is|the (?:original|following) message|returned message follows|message text follows|copy of (?:the|your) (?:original )?message)",
    re.IGNORECASE | re.MULTILINE,
)
FIELD = re.compile(
    r"^[ \t>]*(final-recipient|original-recipient|action|status|diagnostic-code|x-failed-recipients)[ \t]*:[ \t]*(.{1,400})",
    re.IGNORECASE | re.MULTILINE,
)
COMPLAINTS: Final = frozenset(
    {"abuse", "fraud", "virus", "other", "opt-out", "opt-out-list", "not-spam", "miscategorized", "complaint"}
)
JMRP: Final = "X-HmXmrOriginalRecipient"  # Microsoft's Junk Mail Reporting Program
HEADERS: Final = frozenset({"text/rfc822-headers", "text/rfc822-header"})
FROM_LINE = re.compile(r"(?im)^from[ \t]*:[ \t]*(.{1,400})")
COMPLAINT_SUBJECT = re.compile(
    r"complaint about message from|e-?mail feedback report|spam complaint|abuse report|complaint (?:from|about)|fbl report|feedback loop"
)


@dataclass(frozen=True)
class Report:
    """A delivery report or a complaint, with the sign it was told by. `bounce` None: of a success, or a complaint."""

    evidence: Evidence
    bounce: Bounce | None
    about: tuple[str, ...]
    complaint: Complaint | None = None


def complaint(root: Message, envelope: Envelope) -> Report | None:
    """Give a spam complaint: RFC 5965 of a kind a person caused, or Microsoft's JMRP; None for anything else."""
    for part in message.parts(root):
        if part.get_content_type() == "message/feedback-report":
            fields = _fields_of(part)
            kind = _first(fields, "feedback-type").lower()
            if kind in COMPLAINTS or not kind:
                evidence = Evidence("part", f"Feedback-Type: {kind or 'missing'}")
                return Report(evidence, None, about(root), _complained(root, fields))
            return None
    is_jmrp = any(JMRP in part for part in message.parts(root, inside_returned=True))
    is_titled = COMPLAINT_SUBJECT.search(envelope.subject.lower()) and _has_returned(root)
    if is_jmrp or is_titled:
        return Report(Evidence("subject", envelope.subject[:200]), None, about(root), _complained(root, []))
    return None


def _complained(root: Message, fields: list[tuple[str, str]]) -> Complaint:
    """Give what RFC 5965's fields name, and the sender of the mail that came back."""
    copies = [part for part in message.parts(root, inside_returned=True) if part is not root]
    named = [
        _first(fields, "original-mail-from"),
        *(message.readable(str(part["From"])) for part in copies if part["From"]),
        *(line for part in copies if part.get_content_type() in HEADERS for line in _from_lines(part)),
    ]
    whom = (
        _first(fields, "original-rcpt-to")
        or _first(fields, "removal-recipient")
        or next((str(part[JMRP]) for part in copies if part[JMRP]), "")
    )
    senders = dict.fromkeys(address for value in named if (address := _recipient(value)))
    return Complaint(tuple(senders), _recipient(whom))


def _from_lines(part: Message) -> list[str]:
    return FROM_LINE.findall(message.text_of(part)[:MOST_TEXT_CHARS])[:1]


def is_authentication_report(root: Message) -> bool:
    """Say whether this is a feedback report that no person caused, as DMARC failures are (RFC 6591)."""
    return any(part.get_content_type() == "message/feedback-report" for part in message.parts(root))


def find(root: Message, envelope: Envelope, text: str, *, brief: Message) -> Report | None:
    """Give a delivery report, of success too (bounce None); None where the message is none.

    brief: the beginning of the message, for flufl.bounce, which reads every line twenty times.
    """
    told = text[:MOST_TEXT_CHARS]
    status = next(
        (part for part in message.parts(root) if part.get_content_type() == "message/delivery-status"), None
    )
    if status is not None:
        return _of_fields(_fields_of(status), root, told, "part")
    if not (envelope.may_be_report or _is_machines(root, envelope)):
        return None
    flat = [(match[1].lower(), match[2].strip()) for match in FIELD.finditer(told)]
    if len({name for name, _ in flat} & {"final-recipient", "action", "status"}) >= 2:
        return _of_fields(flat, root, told, "text")
    return _of_makers(root, brief, envelope, told) or _of_words(root, envelope, told)


def about(root: Message) -> tuple[str, ...]:
    """Give the Message-IDs of returned copies, from their parts and from headers quoted in the text."""
    found: list[str] = []
    for part in message.parts(root, inside_returned=True):
        if part is not root:
            found += ids(message.raw_values(part, "Message-ID")[:2])
        if part.get_content_type() in {*HEADERS, "text/plain"}:
            body = message.text_of(part)[:MOST_TEXT_CHARS]
            found += re.findall(r"(?im)^[ \t>]*message-id[ \t]*:\s*(" + MESSAGE_ID.pattern + ")", body)
    return tuple(dict.fromkeys(found))[:MOST_ABOUT]


def _of_fields(fields: list[tuple[str, str]], root: Message, told: str, where: str) -> Report:
    """Give the report that RFC 3464's fields state; the worst of several recipients counts."""
    actions = [
        value.split()[0].lower().rstrip(";,") for name, value in fields if name == "action" and value.split()
    ]
    sign = f"Action: {actions[0]}" if actions else "a delivery status"
    status = next(
        (found[1] for name, value in fields if name == "status" and (found := STATUS.search(value))), None
    )
    is_fine = bool(actions) and all(action in NO_FAILURE for action in actions)
    if is_fine or (not actions and status and status.startswith("2")):
        return Report(Evidence(where, sign), None, about(root))
    diagnostic = _first(fields, "diagnostic-code")
    recipient = _recipient(_first(fields, "final-recipient") or _first(fields, "original-recipient"))
    is_delay = bool(actions) and all(action.startswith("delay") or action in NO_FAILURE for action in actions)
    return _report(Evidence(where, sign), root, told, recipient, status, diagnostic, is_delay=is_delay)


def _of_makers(root: Message, brief: Message, envelope: Envelope, told: str) -> Report | None:
    """Give the report where flufl.bounce knows its form."""
    try:
        temporary, permanent = all_failures(brief)
    except Exception:  # noqa: BLE001 - twenty parsers of foreign formats; one that fails finds nothing
        return None
    failed = sorted(permanent or temporary)
    recipients = [address for raw in failed if (address := spelling(raw.decode("ascii", "replace")))]
    if not recipients or not (_is_machines(root, envelope) or BODY.search(_fold(told))):
        return None
    evidence = Evidence("text", _telling(told) or envelope.subject[:200])
    is_delay = not permanent or _is_still_trying(envelope, told)
    return _report(evidence, root, told, recipients[0], None, "", is_delay=is_delay)


def _of_words(root: Message, envelope: Envelope, told: str) -> Report | None:
    """Give the report where a mail server wrote it and says that a mail failed."""
    subject = _fold(envelope.subject)
    is_sender, is_titled = _is_daemon(root), bool(SUBJECT.search(subject))
    failed = str(root.get("X-Failed-Recipients", ""))
    own = _above_copy(told)
    said = bool(BODY.search(_fold(own)))
    is_copied = bool(COPY_BEGINS.search(told)) or _has_returned(root) or bool(about(root))
    is_plain = is_titled and said and is_copied and not REPLY.match(envelope.subject)
    is_null = is_titled and said and _is_null(root) and bool(_named(own, envelope) or STATUS.search(own))
    if not (failed or is_plain or is_null or (is_sender and (is_titled or said))):
        is_mute = any(NO_REPLY.search(value.lower()) for value in message.raw_values(root, "From")[:2])
        if not (is_mute and UNSENT.search(_fold(own))):
            return None
    recipient = _recipient(failed) or _named(own, envelope)
    is_delay = _is_still_trying(envelope, own)
    return _report(
        Evidence("subject", envelope.subject[:200]), root, told, recipient, None, "", is_delay=is_delay
    )


TRYING = re.compile(r"delay|warning|still (?:trying|not)|will (?:continue|keep|be retried)")
GAVE_UP = re.compile(r"giv(?:en|ing) up|fail|permanent|undeliver|bounced")


def _is_still_trying(envelope: Envelope, own: str) -> bool:
    """Say whether the server only warns that it takes long."""
    words = f"{_fold(envelope.subject)} {_fold(own[:1_500])}"
    return bool(TRYING.search(words)) and not GAVE_UP.search(words)


def _report(
    evidence: Evidence,
    root: Message,
    told: str,
    recipient: str | None,
    status: str | None,
    diagnostic: str,
    *,
    is_delay: bool,
) -> Report:
    own = _above_copy(told)
    diagnostic = diagnostic or _telling(own)
    if status is None or status.endswith(".0.0"):
        status = next((found[1] for text in (diagnostic, own) if (found := STATUS.search(text))), status)
    copies = about(root)
    is_hard = not is_delay and is_gone(status, diagnostic, own)
    bounce = Bounce(
        is_hard,
        is_delay,
        status,
        diagnostic[:LONGEST_DIAGNOSTIC_CHARS],
        recipient,
        copies[0] if copies else None,
    )
    return Report(evidence, bounce, copies)


def is_gone(status: str | None, diagnostic: str, own: str = "") -> bool:
    """Say whether nobody will ever read mail there: by the words of the server, then by its code."""
    for text in (_fold(diagnostic), _fold(own)):
        if FULL.search(text):
            return False
        code = REPLY_CODE.search(text)
        is_temporary = (status or "").startswith("4") or (
            code is not None and code[1].startswith("4") and not status
        )
        is_known = (status or "").startswith("5.1.")
        if NOBODY.search(text) and not is_temporary and (is_known or not TRANSIENT.search(text)):
            return True
        if is_temporary or TRANSIENT.search(text) or POLICY.search(text):
            return False
    if status is None:
        return True
    return status.startswith("5") and not status.startswith(
        ("5.2.1", "5.2.2", "5.2.3", "5.3.", "5.4.7", "5.6.", "5.7.")
    )


def _is_machines(root: Message, envelope: Envelope) -> bool:
    return _is_daemon(root) or (_is_null(root) and bool(SUBJECT.search(_fold(envelope.subject))))


def _is_daemon(root: Message) -> bool:
    """Say whether a mail server's own address or name is the sender."""
    senders = [*message.raw_values(root, "From")[:2], *message.raw_values(root, "Sender")[:1]]
    return any(SENDER.search(message.readable(value).lower()) for value in senders)


def _is_null(root: Message) -> bool:
    return any(value.strip() in {"<>", "< >"} for value in message.raw_values(root, "Return-Path")[:3])


def _has_returned(root: Message) -> bool:
    return any(
        part.get_content_maintype() == "message" or part.get_content_type() == "text/rfc822-headers"
        for part in message.parts(root)
    )


def _fields_of(part: Message) -> list[tuple[str, str]]:
    payload = part.get_payload()
    blocks = [block for block in payload if isinstance(block, Message)] if isinstance(payload, list) else []
    return [
        (name.lower(), message.readable(str(value))) for block in blocks for name, value in block.raw_items()
    ]


def _first(fields: list[tuple[str, str]], name: str) -> str:
    return next((value for found, value in fields if found == name), "")


def _recipient(value: str) -> str | None:
    """Give the address in `rfc822; <lead@example.com>`."""
    found = ADDRESS_IN_TEXT.search(value[:500])
    return spelling(found[0]) or None if found else None


def _named(own: str, envelope: Envelope) -> str | None:
    """Give the first address a report names that is neither its sender's nor ours."""
    known = {*envelope.senders, *envelope.recipients}
    named: Iterator[str] = (spelling(match[0]) for match in ADDRESS_IN_TEXT.finditer(own[:4_000]))
    return next((address for address in named if address and address not in known), None)


def _above_copy(told: str) -> str:
    cut = COPY_BEGINS.search(told)
    return told[: cut.start()] if cut and cut.start() > 40 else told[:4_000]


def _telling(own: str) -> str:
    """Give the line in which the server says why."""
    lines = [line.strip() for line in own.splitlines()[:120] if line.strip()]
    for pattern in (STATUS, REPLY_CODE, NOBODY, FULL, BODY):
        found = next((at for at, line in enumerate(lines) if pattern.search(_fold(line))), None)
        if found is not None:
            return " ".join(lines[found : found + 2])[:200]
    return ""


# Only Latin letters lose their marks: in Russian and Japanese the marked ones are letters of their own.
_UNMARKED: Final = {
    code: plain
    for code in range(0xC0, 0x250)
    if (plain := unicodedata.normalize("NFD", chr(code))[0]).isascii()
} | {ord("ł"): "l", ord("ø"): "o", ord("ı"): "i"}


def _fold(text: str) -> str:
    return re.sub(r"\s+", " ", text.lower().translate(_UNMARKED))

"""The table of examples that is the slash grammar, and the promise that every command survives as text."""

import time as stopwatch
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import Refused
from core.filters import Term
from core.grammar import (
    COMMANDS,
    EVERYWHERE,
    Away,
    Back,
    Digest,
    Edit,
    Enrol,
    Erase,
    Forecast,
    Goals,
    GoalVerb,
    Halt,
    Help,
    Hooks,
    List,
    Log,
    Mailboxes,
    New,
    Note,
    Owner,
    Pause,
    Paused,
    Press,
    Qualify,
    Remind,
    Reminders,
    Restart,
    Resume,
    Sequences,
    SequenceVerb,
    Settle,
    Show,
    Skip,
    Start,
    Stats,
    StepVerb,
    Stop,
    Tag,
    Tasks,
    Token,
    Undo,
    Unhalt,
    Unskip,
    Who,
    help,  # noqa: A004 - the public name
    parse,
    to_text,
)
from core.grammar.readers import LOGGED, PARTS, STATUSES
from core.grammar.words import LONGEST_TEXT_CHARS, RESERVED
from core.lifecycle import Status
from core.plain import is_forbidden, plain

A = Who(addresses=("a@x.com",))
AB = Who(addresses=("a@x.com", "b@x.com"))
ACME = Who(company="acme.com")
MINE = Who(mine=True)
ALL = Who(everyone=True)
DEMO_EU = (Term("stage", "demo"), Term("tag", "eu"), Term("in", "Spring", is_not=True))

EXAMPLES = [
    # Goals and notes.
    ("note a@x.com wants 40 seats because of June", Note(A, "wants 40 seats because of June")),
    ('note <mailto:a@x.com|a@x.com> "on hold: in Q3"', Note(A, "on hold: in Q3")),
    ("note tag:hot call them now", Note(Who(tag="hot"), "call them now")),
    ("goals", Goals()),
    ("goal off Demo booked", GoalVerb("off", "Demo booked")),
    ("goal Demo booked on", GoalVerb("on", "Demo booked")),
    ('goal on "Switch off"', GoalVerb("on", "Switch off")),
    # A lead or a sequence.
    ("edit a@x.com", Edit(A)),
    ("erase <mailto:a@x.com|a@x.com>", Erase(A)),
    ("edit lead <mailto:a@x.com|a@x.com>", Edit(A)),
    ("edit Summer", SequenceVerb("edit", "Summer")),
    ('edit "P@Q"', SequenceVerb("edit", "P@Q")),
    # How a pause ends.
    ("pause a@x.com until June 15 then keep", Pause(A, until="June 15", then="keep")),
    ("pause a@x.com for 2 weeks THEN Freeze", Pause(A, span="2 weeks", then="freeze")),
    (
        'pause a@x.com in "then keep" until Friday then now because she asked',
        Pause(A, "then keep", "Friday", because="she asked", then="now"),
    ),
    ("pause a@x.com then keep until June 15", Pause(A, until="June 15", then="keep")),
    # Who.
    ("pause a@x.com", Pause(A)),
    ("PAUSE A@X.com", Pause(A)),
    ("  pause   a@x.com  ", Pause(A)),
    ("/sequence pause a@x.com", Pause(A)),
    ("pause <mailto:a@x.com|a@x.com>", Pause(A)),
    ("pause <mailto:A@X.COM|A@X.COM>", Pause(A)),
    ("pause <mailto:a@x.com>", Pause(A)),
    ("pause a@x.com.", Pause(A)),
    ("pause lead a@x.com", Pause(A)),
    ("pause contact a@x.com", Pause(A)),
    ('pause "a@x.com"', Pause(A)),
    ("pause A.B+News@X.com", Pause(Who(addresses=("a.b+news@x.com",)))),
    ("pause a@x.com b@x.com", Pause(AB)),
    ("pause a@x.com,b@x.com", Pause(AB)),
    ("pause a@x.com, b@x.com", Pause(AB)),
    ("pause a@x.com; b@x.com", Pause(AB)),
    ("pause a@x.com and b@x.com", Pause(AB)),
    ("pause a@x.com , b@x.com", Pause(AB)),
    ("pause a@x.com A@X.com b@x.com", Pause(AB)),
    ("pause <mailto:a@x.com|a@x.com>, <mailto:b@x.com|b@x.com>", Pause(AB)),
    ("pause a@münchen.de", Pause(Who(addresses=("a@xn--mnchen-3ya.de",)))),
    ("pause @acme.com", Pause(ACME)),
    ("pause @ACME.com", Pause(ACME)),
    ("pause @<http://acme.com|acme.com>", Pause(ACME)),
    ("pause tag:hot", Pause(Who(tag="hot"))),
    ("pause tag: hot", Pause(Who(tag="hot"))),
    ('pause tag:"big deals"', Pause(Who(tag="big deals"))),
    ("pause Tag:“big deals”", Pause(Who(tag="big deals"))),
    ("pause stage:demo", Pause(Who(stage="demo"))),
    ('pause stage:"in trial"', Pause(Who(stage="in trial"))),
    ("pause mine", Pause(MINE)),
    ("pause my leads", Pause(MINE)),
    ("pause everyone", Pause(ALL)),
    ("pause all", Pause(ALL)),
    ("pause all prospects", Pause(ALL)),
    # What is invisible.
    ("pause\u00a0a@x.com", Pause(A)),
    ("pause a@x.com\u200b", Pause(A)),
    ("pause \u202ea@x.com\u202c", Pause(A)),
    ("pause\ta@x.com\n", Pause(A)),
    ("\ufeffpause a@x.com", Pause(A)),
    # Pause.
    ("pause a@x.com until June 15", Pause(A, until="June 15")),
    ("pause a@x.com until 15.06.", Pause(A, until="15.06.")),
    ('pause a@x.com until "June 15"', Pause(A, until="June 15")),
    ("pause a@x.com until next Monday at 9am", Pause(A, until="next Monday at 9am")),
    ("pause a@x.com until in 3 days", Pause(A, until="in 3 days")),
    ("pause a@x.com UNTIL tomorrow", Pause(A, until="tomorrow")),
    ("pause a@x.com for 3 business days", Pause(A, span="3 business days")),
    ("pause a@x.com for a week", Pause(A, span="a week")),
    ("pause a@x.com in Spring", Pause(A, "Spring")),
    ("pause a@x.com in Spring Launch 2027", Pause(A, "Spring Launch 2027")),
    ('pause a@x.com in "Keep in touch"', Pause(A, "Keep in touch")),
    ("pause a@x.com in “Keep in touch”", Pause(A, "Keep in touch")),
    ("pause a@x.com in «Keep in touch»", Pause(A, "Keep in touch")),
    (r'pause a@x.com in "12\" pipes"', Pause(A, '12" pipes')),
    ("pause a@x.com in Spring until June 15", Pause(A, "Spring", until="June 15")),
    ("pause a@x.com until June 15 in Spring", Pause(A, "Spring", until="June 15")),
    ("pause a@x.com everywhere", Pause(A, EVERYWHERE)),
    ("pause a@x.com in everywhere", Pause(A, EVERYWHERE)),
    ("pause a@x.com everywhere until June 15", Pause(A, EVERYWHERE, until="June 15")),
    ("pause a@x.com because on holiday", Pause(A, because="on holiday")),
    ('pause a@x.com because she said "later"', Pause(A, because='she said "later"')),
    ("pause a@x.com because I don't know until June", Pause(A, because="I don't know until June")),
    ('pause a@x.com because the 12" pipe', Pause(A, because='the 12" pipe')),
    ("pause a@x.com because AT&amp;T asked", Pause(A, because="AT&T asked")),
    ("pause a@x.com because <!channel> <@U12|kim> said", Pause(A, because="@channel @U12 said")),
    ("pause a@x.com because see <#C12|deals>", Pause(A, because="see #deals")),
    (
        "pause tag:hot in Spring for 2 weeks because fair",
        Pause(Who(tag="hot"), "Spring", span="2 weeks", because="fair"),
    ),
    # Resume.
    ("resume a@x.com", Resume(A)),
    ("unpause a@x.com", Resume(A)),
    ("reschedule a@x.com on June 15", Resume(A, on="June 15")),
    ("resume a@x.com now", Resume(A, policy="now")),
    ("resume a@x.com keep", Resume(A, policy="keep")),
    ("resume a@x.com freeze", Resume(A, policy="freeze")),
    ("resume a@x.com in Spring keep", Resume(A, "Spring", "keep")),
    ("resume a@x.com now in Spring", Resume(A, "Spring", "now")),
    ("resume a@x.com on next Monday", Resume(A, on="next Monday")),
    ("resume a@x.com in Spring on 15.06.", Resume(A, "Spring", on="15.06.")),
    ("resume a@x.com on 15 June in Spring", Resume(A, "Spring", on="15 June")),
    ("resume a@x.com in 3 days", Resume(A, on="in 3 days")),
    ("resume a@x.com in two weeks", Resume(A, on="in two weeks")),
    ('resume a@x.com in "3 days"', Resume(A, "3 days")),
    ("resume all in Spring", Resume(ALL, "Spring")),
    # Stop, skip, start.
    ("stop a@x.com", Stop(A)),
    ("remove a@x.com", Stop(A)),
    ("stop a@x.com everywhere", Stop(A)),
    ("stop a@x.com in Spring because won", Stop(A, "Spring", "won")),
    ("stop @acme.com because they bought", Stop(ACME, because="they bought")),
    ("skip a@x.com in Spring", Skip(A, "Spring")),
    ("unskip a@x.com in Spring", Unskip(A, "Spring")),
    ("start a@x.com in Spring", Start(A, "Spring")),
    ("enroll a@x.com in Spring", Enrol(A, "Spring")),
    ("enrol", Enrol()),
    ("enrol in Spring", Enrol(None, "Spring")),
    ("enrol stage:demo", Enrol(Who(stage="demo"))),
    ("enrol stage:demo tag:eu -in:Spring in Autumn", Enrol(Who(filter=DEMO_EU), "Autumn")),
    # Conditions.
    ("start stage:demo tag:eu -in:Spring in Autumn", Start(Who(filter=DEMO_EU), "Autumn")),
    ("start STAGE:demo Tag: eu \u2013in:\u201cSpring\u201d in Autumn", Start(Who(filter=DEMO_EU), "Autumn")),
    ("pause tag:eu stage:demo", Pause(Who(filter=(Term("tag", "eu"), Term("stage", "demo"))))),
    ("pause tag:eu tag:eu", Pause(Who(tag="eu"))),
    ("pause owner:me", Pause(Who(filter=(Term("owner", "me"),)))),
    (
        "pause owner:<@U0ANA|ana> -tag:vip",
        Pause(Who(filter=(Term("owner", "U0ANA"), Term("tag", "vip", True)))),
    ),
    ("pause company:<http://acme.com|acme.com>", Pause(Who(filter=(Term("company", "acme.com"),)))),
    ('pause company:"Acme Inc" in Spring', Pause(Who(filter=(Term("company", "Acme Inc"),)), "Spring")),
    ("tag stage:demo tag:eu hot", Tag("tag", Who(filter=(Term("stage", "demo"), Term("tag", "eu"))), "hot")),
    ("restart a@x.com in Spring Launch", Restart(A, "Spring Launch")),
    # Looking.
    ("status a@x.com", Show("status", A)),
    ("why a@x.com", Show("why", A)),
    ("history a@x.com", Show("history", A)),
    ("why a@x.com in Spring", Show("why", A, "Spring")),
    ("status mine everywhere", Show("status", MINE)),
    ("status mine", Show("status", MINE)),
    ("paused", Paused()),
    ("paused in Spring", Paused("Spring")),
    ("paused older than 2 weeks", Paused(older_than="2 weeks")),
    ("paused older 3 days", Paused(older_than="3 days")),
    ("paused in Spring older than 2 weeks", Paused("Spring", "2 weeks")),
    ("paused mine", Paused(who=MINE)),
    ("paused my leads in Spring", Paused("Spring", who=MINE)),
    ("paused @acme.com older than 2 weeks", Paused(older_than="2 weeks", who=ACME)),
    ("paused mine after 1623741660000000:17", Paused(who=MINE, after="1623741660000000:17")),
    ("list", List()),
    ("list paused", List(status="paused")),
    ("list in progress", List(status="in_progress")),
    ("list in_progress", List(status="in_progress")),
    ("list in-progress", List(status="in_progress")),
    ("list in Spring", List("Spring")),
    ("list in Spring stopped", List("Spring", "stopped")),
    ("list stopped in Spring Launch", List("Spring Launch", "stopped")),
    ('list in "Spring paused"', List("Spring paused")),
    ('list in "progress"', List("progress")),
    ("list in Progress Q3", List("Progress Q3")),
    ("list in progress in Spring", List("Spring", "in_progress")),
    ("list in Spring in progress", List("Spring", "in_progress")),
    ("list tag:hot", List(who=Who(tag="hot"))),
    ("list stage:demo in Spring paused", List("Spring", "paused", Who(stage="demo"))),
    ("list paused @acme.com", List(status="paused", who=Who(company="acme.com"))),
    ("list mine in progress", List(status="in_progress", who=Who(mine=True))),
    ("list tag:paused", List(who=Who(tag="paused"))),
    ("list lead@x.com stopped", List(status="stopped", who=Who(addresses=("lead@x.com",)))),
    ("list paused in Spring after 4711", List("Spring", "paused", after="4711")),
    ("sequences", Sequences()),
    ("log", Log()),
    ("log failed", Log(what="failed")),
    ("log a@x.com", Log(A)),
    ("log a@x.com failed", Log(A, what="failed")),
    ("log uncertain mine", Log(MINE, what="uncertain")),
    ("log @acme.com skipped", Log(ACME, what="skipped")),
    ("log Spring", Log(sequence="Spring")),
    ("log Spring Launch answers", Log(sequence="Spring Launch", what="answers")),
    ("log opened in Spring since Monday", Log(sequence="Spring", what="opened", since="Monday")),
    ("log Spring sent last 4 weeks", Log(sequence="Spring", what="sent", since="last 4 weeks")),
    ("log since last Monday", Log(since="last Monday")),
    ("log held in Spring before 1798:812", Log(sequence="Spring", what="held", before="1798:812")),
    ("log acts", Log(what="acts")),
    ("log failed csv", Log(what="failed", csv=True)),
    ('log "failed"', Log(sequence="failed")),
    ("forecast", Forecast()),
    ("forecast Spring Launch", Forecast("Spring Launch")),
    ("forecast in Spring", Forecast("Spring")),
    ("forecast sequence Spring", Forecast("Spring")),
    ("stats", Stats()),
    ("stats Spring Launch", Stats("Spring Launch")),
    ("stats in Spring", Stats("Spring")),
    ("stats campaign Spring", Stats("Spring")),
    ("stats by sender", Stats(by="sender")),
    ("stats Spring by steps", Stats("Spring", "step")),
    ("stats in Spring by mailboxes since June 1", Stats("Spring", "sender", "June 1")),
    ("stats Spring last 4 weeks", Stats("Spring", since="last 4 weeks")),
    ("stats last month by week", Stats(by="week", since="last month")),
    ("stats since June 1 until June 15 csv", Stats(since="June 1", until="June 15", csv=True)),
    ("stats Last Call by variant", Stats("Last Call", "variant")),
    (
        "stats Spring by step from Ana@Sales.example since June 1",
        Stats("Spring", "step", "June 1", sender="Ana@Sales.example"),
    ),
    ("stats from <mailto:ana@sales.example|ana@sales.example>", Stats(sender="ana@sales.example")),
    ('stats "Stand by me" by channel', Stats("Stand by me", "channel")),
    # Sequences.
    ("pause sequence Spring", SequenceVerb("pause", "Spring")),
    ("pause Sequence Spring Launch", SequenceVerb("pause", "Spring Launch")),
    ('pause sequence "Spring in Rome"', SequenceVerb("pause", "Spring in Rome")),
    ("pause campaign Spring", SequenceVerb("pause", "Spring")),
    ("disable sequence Spring", SequenceVerb("pause", "Spring")),
    ("resume sequence Spring", SequenceVerb("resume", "Spring")),
    ("unpause sequence Spring", SequenceVerb("resume", "Spring")),
    ("archive sequence Spring", SequenceVerb("archive", "Spring")),
    ("archive Spring", SequenceVerb("archive", "Spring")),
    ("publish sequence Spring", SequenceVerb("publish", "Spring")),
    ("restore sequence Spring", SequenceVerb("restore", "Spring")),
    ("restore Spring outreach", SequenceVerb("restore", "Spring outreach")),
    ("delete sequence Spring", SequenceVerb("delete", "Spring")),
    ("new", New()),
    ("new Spring", New("Spring")),
    ("new sequence Spring tour", New("Spring tour")),
    ('new "sequence"', New("sequence")),
    ('card publish 3 "go seen 17"', Press("publish", "3", "go seen 17")),
    ("card new_step 3 send", Press("new_step", "3", "send")),
    ("edit sequence Spring", SequenceVerb("edit", "Spring")),
    ("preview Spring", SequenceVerb("preview", "Spring")),
    ("preview a@x.com in Spring", SequenceVerb("preview", "Spring for a@x.com")),
    (
        "preview <mailto:a@x.com|a@x.com> in Back in Business step 2",
        SequenceVerb("preview", "Back in Business for a@x.com step 2"),
    ),
    ('preview a@x.com in "Spring Launch"', SequenceVerb("preview", "Spring Launch for a@x.com")),
    ("preview sequence Spring for a@x.com", SequenceVerb("preview", "Spring for a@x.com")),
    ("halt", Halt()),
    ("halt because wrong prices", Halt("wrong prices")),
    ("unhalt", Unhalt()),
    # Steps and people.
    ("resend step a@x.com", StepVerb("resend", A)),
    ("resend a@x.com in Spring", StepVerb("resend", A, "Spring")),
    ("cancel step a@x.com in Spring", StepVerb("cancel", A, "Spring")),
    ("skip step a@x.com", StepVerb("cancel", A)),
    ("remind a@x.com on June 15", Remind(A, "June 15")),
    ("remind a@x.com tomorrow", Remind(A, "tomorrow")),
    ("remind a@x.com", Remind(A)),
    ("remind a@x.com on June 15 because ask for the logo", Remind(A, "June 15", "ask for the logo")),
    ("remind a@x.com tomorrow because of his trip", Remind(A, "tomorrow", "of his trip")),
    ("reminders", Reminders()),
    ("tasks", Tasks()),
    ("card task 12 snooze until June 15", Press("task", "12", "snooze", "June 15")),
    ("owner a@x.com <@U12|kim>", Owner(A, "@U12")),
    ("owner a@x.com, b@x.com to @kim", Owner(AB, "@kim")),
    ("owner @acme.com @kim", Owner(ACME, "@kim")),
    ("assign mine NOBODY", Owner(MINE, "nobody")),
    ("owner a@x.com me", Owner(A, "me")),
    ("remind a@x.com in 3 days", Remind(A, "in 3 days")),
    ("qualify a@x.com", Qualify("qualify", A)),
    ("qualify a@x.com company", Qualify("qualify", A, whole_company=True)),
    ("unqualify a@x.com", Qualify("unqualify", A)),
    ("tag a@x.com hot", Tag("tag", A, "hot")),
    ('tag a@x.com "very hot"', Tag("tag", A, "very hot")),
    ("tag a@x.com b@x.com hot", Tag("tag", AB, "hot")),
    ('tag a@x.com "b@x.com"', Tag("tag", A, "b@x.com")),
    ("tag tag:old new", Tag("tag", Who(tag="old"), "new")),
    ("untag mine hot", Tag("untag", MINE, "hot")),
    ("away until Friday", Away("Friday")),
    ("away until June 15 cover <@U12|kim>", Away("June 15", "U12")),
    ("away cover @kim until June 15", Away("June 15", "kim")),
    ("away for 3 days", Away("3 days")),
    ("away off", Back()),
    ("away back", Back()),
    ("back", Back()),
    ("digest", Digest()),
    ("digest now", Digest("now")),
    ("digest at 9am", Digest("at 9am")),
    ("digest OFF", Digest("off")),
    ("digest on", Digest("on")),
    ("digest at 8:30 for <#C0SALES|sales>", Digest("at 8:30", "C0SALES")),
    ("/sequence digest off for #sales", Digest("off", "sales")),
    ("digest for #sales", Digest("on", "sales")),
    ("digest weekly", Digest("on", is_weekly=True)),
    ("digest weekly on Monday", Digest("on monday", is_weekly=True)),
    ("digest weekly on Mon. at 9:00", Digest("on monday at 9:00", is_weekly=True)),
    ("digest weekly every friday at 4pm for #sales", Digest("on friday at 4pm", "sales", is_weekly=True)),
    ("digest weekly at 9:00", Digest("at 9:00", is_weekly=True)),
    ("digest weekly now", Digest("now", is_weekly=True)),
    ("digest weekly OFF for #sales", Digest("off", "sales", is_weekly=True)),
    ("digest weekly for #sales", Digest("on", "sales", is_weekly=True)),
    ("mailboxes", Mailboxes()),
    ("token", Token("list")),
    ("token list", Token("list")),
    ("token add CRM read, act", Token("add", "crm", ("read", "act"))),
    ("token add crm read,act", Token("add", "crm", ("read", "act"))),
    ("token revoke crm", Token("revoke", "crm")),
    ("hooks", Hooks()),
    ("settle 4711 left", Settle("left", "4711")),
    ("settle 4711 again", Settle("again", "4711")),
    ("settle 4711 DROP", Settle("drop", "4711")),
    ("undo", Undo()),
    ("undo 12", Undo("12")),
    ("", Help()),
    (" \u00a0\u200b ", Help()),
    ("/sequence", Help()),
    ("help", Help()),
    ("help pause", Help("pause")),
    ("help pause sequence", Help("pause sequence")),
    ("help unpause", Help("resume")),
]


@pytest.mark.parametrize(("text", "command"), EXAMPLES)
def test_text_is_read_as_command(text, command):
    assert parse(text) == command


@pytest.mark.parametrize("command", [row[1] for row in EXAMPLES])
def test_command_survives_as_text(command):
    assert parse(to_text(command)) == command


REFUSED = [
    # Verbs.
    ("puase a@x.com", "nearest is `pause`. For example: `pause lead@x.com until June 15`"),
    ("unpuase a@x.com", "nearest is `resume`"),
    ("resmue a@x.com", "nearest is `resume`"),
    ("release", "`mailboxes` lists them"),
    ("relase ana@x.com", "`mailboxes` lists them"),
    ("release mailbox ana@x.com", "`mailboxes` lists them"),
    ("phrase a@x.com", "nearest is `pause`"),  # not `erase`
    (chr(34) * 2, "is no command"),
    ("eraze a@x.com", "nearest is `erase`"),
    ("stp a@x.com", "nearest is `stop`"),
    ("top a@x.com", "“top” is no command"),  # not `stop`
    ("xyzzy", "`help` lists them. For example: `pause lead@x.com"),
    ("<!channel>", "Begin with what to do"),
    ("a@x.com", "Begin with what to do"),
    ('"pause" a@x.com', "is no command"),
    ("help puase", "nearest is `pause`"),
    ("sequences now", "not understood in `sequences`"),
    # Who.
    ("pause", "Which lead is `pause` about? For example: `pause lead@x.com until June 15`"),
    ("pause until June 15", "Which lead"),
    ("stop because won", "Which lead"),
    ("resend step", "Which lead is `resend step` about"),
    ("pause foo", "names no lead"),
    ("pause a@x.com then keep", "name the day with “until”"),
    ("pause a@x.com until Friday then", "Something is missing after “then”"),
    ("pause a@x.com until Friday then at once", "one of freeze, keep, now"),
    ("edit a@x.com b@x.com", "One lead is changed at a time"),
    ("edit", "Which sequence?"),
    ("pause acme.com", "write @acme.com"),
    ("pause <@U123|kim>", "is a Slack name"),
    ("pause <!channel>", "is a Slack name"),
    ("pause @kim", "is a Slack name"),
    ("pause @a.com @b.com", "not understood"),
    ("pause mine tag:hot", "not understood"),
    ("pause a@x.com @acme.com", "not understood"),
    ("pause a@x.com until_friday", "not understood"),
    ("pause a@x", "is no domain"),
    ("pause a..b@x.com", "no plain address"),
    ("pause a@x.com)b@y.com", "not one address"),
    ("pause tag:", "name of the tag is missing"),
    ('pause tag:""', "name of the tag is missing"),
    # Sequences.
    ("skip a@x.com", "In which sequence? For example: `skip lead@x.com in Spring`"),
    ("start a@x.com everywhere", "In which sequence?"),
    ("pause sequence", "Which sequence?"),
    ("pause sequence Spring until Monday", "without a date"),
    ("pause a@x.com in", "name of the sequence is missing"),
    ('pause a@x.com in ""', "name of the sequence is missing"),
    ("pause a@x.com in Spring in Summer", "stands there twice"),
    ("resume a@x.com in Keep in touch", "stands there twice"),
    ("pause a@x.com in Spring everywhere", "not both"),
    ("pause a@x.com in *", "cannot be the name"),
    (f"pause a@x.com in {'x' * 201}", "cannot be the name"),
    ('pause a@x.com in "Spring', "opened but not closed"),
    # Conditions.
    ("pause -tag:vip", "Say also who is meant"),
    ("pause stage:a stage:b", "A lead is in one stage"),
    ("pause tag:a -tag:a", "both is and is not"),
    ("pause company:gmail.com", "shared by strangers"),
    ("pause " + " ".join(f"tag:t{n}" for n in range(21)), "Those are 21 conditions"),
    # Dates.
    ("pause a@x.com until", "missing after “until”"),
    ("pause a@x.com until June 15 for 3 days", "not both"),
    ("pause a@x.com in 3 days", "write “for 3 days”"),
    ("resume a@x.com on Monday keep", "only one of"),
    ("resume a@x.com now freeze", "only one of"),
    ("remind a@x.com tomorrow on June 15", "When should I remind you"),
    ("digest for C0NOSUCH1", "is no name of a channel"),
    ("digest weekly on Monday for C0NOSUCH1", "is no name of a channel"),
    ("owner a@x.com", "Whose should they be"),
    ("owner a@x.com kim", "Whose should they be"),
    ("owner a@x.com me you", "Whose should they be"),
    ("reminders a@x.com", "is not understood in `reminders`"),
    ("away off until Friday", "is not understood in `away`"),
    ("back on Friday", "is not understood in `back`"),
    ("away", "Until when are you away"),
    ("away until Friday cover the desk", "is no person here"),
    ("paused older than", "missing after “older”"),
    ("paused mine please", "“please” is not understood in `paused`"),
    ("paused mine after Monday", "“Monday” is no place on the list"),
    ("digest daily", "A digest comes"),
    ("digest weekly on Someday", "is no day of the week"),
    ("digest weekly tomorrow", "is no day of the week"),
    ("digest now for the boss", "is no channel"),
    ("digest for", "missing after “for”"),
    # The rest.
    ("pause a@x.com because", "reason after “because” is missing"),
    ("status a@x.com because x", "takes no reason"),
    ("list foo", "is no status"),
    ("list tag:hot after Monday", "“Monday” is no place on the list"),
    ("list tag:hot foo", "not understood"),
    ("stats Spring by colour", "is nothing to break figures down by"),
    ("stats by", "missing after"),
    ("stats Spring since", "missing after"),
    ("log before yesterday", "is no place in the log"),
    ("list paused stopped", "not understood"),
    ("tag a@x.com", "Give one tag"),
    ("tag a@x.com very hot", "Give one tag"),
    ("token add crm", "which token"),
    ("token show", "which token"),
    ("settle 4711", "what became of the delivery"),
    ("settle 4711 maybe", "what became of the delivery"),
    ("undo a b", "not understood"),
    ("undo ???", "is no batch"),
    ("pause a@x.com\x00", "control characters"),
    ("pause \ud800", "control characters"),
    ("x" * 4_000, "4,000 characters long; a command may have 3,000"),
]


@pytest.mark.parametrize(("text", "sentence"), REFUSED)
def test_text_that_is_no_command_is_refused(text, sentence):
    with pytest.raises(Refused) as refused:
        parse(text)
    assert sentence in str(refused.value)
    assert len(str(refused.value)) < 400


@pytest.mark.row(8)
@pytest.mark.parametrize(
    "text",
    ["x" * 4_000, "pause " + "a@x.com " * 370, '"' * 2_999, "<" * 2_999, "in " * 990, "pause tag:" * 290],
)
def test_long_text_is_answered_at_once(text):
    began = stopwatch.perf_counter()
    with suppress(Refused):
        parse(text)
    assert stopwatch.perf_counter() - began < 1


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: " ".join(entry.words))
def test_every_entry_has_an_example_that_works_and_a_line_of_help(entry):
    command = parse(entry.example)
    assert parse(to_text(command)) == command
    assert f"`{entry.usage}`: {entry.does}" in help().splitlines()
    assert help(" ".join(entry.words))


def test_help_explains_the_words_that_its_commands_leave_open():
    explained = {line.partition(":")[0] for line in help("pause").splitlines()}
    assert {"WHO", "WHEN", "SPAN", "SEQ", "freeze", "keep"} <= explained
    assert not {line for line in help("halt").splitlines() if line.startswith("WHO")}


def test_statuses_are_those_of_an_enrollment():
    assert set(Status) == STATUSES


WORDS = sorted({word for entry in COMMANDS for word in entry.words} | RESERVED | {
    "than", "a@x.com", "b@y.org,", "@acme.com", "tag:hot", 'tag:"b c"', "stage:", "mine", "all", "Spring", "“in”",
    '"', '"x y"', "\\", "June", "15", "3 days", "<@U12|kim>", "<!here>", "<mailto:c@x.com|c@x.com>", "&lt;", "@kim",
    "left", "progress", "paused", "12", "\u202e", "/", ",",
})  # fmt: skip
TEXTS = st.one_of(
    st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join),
    st.builds(lambda verb, rest: f"{verb} {rest}", st.sampled_from(WORDS), st.text(max_size=60)),
    st.text(max_size=120),
)


@given(text=TEXTS)
@example('preview Spring " x y"')
@example('new , "" older')
def test_any_text_is_read_or_refused_and_survives_as_text(text):
    try:
        command = parse(text)
    except Refused:
        return
    assert parse(to_text(command)) == command


def _is_clean(text):
    return bool(text) and text == plain(text) and not is_forbidden(text) and not set(text) & set("“”„‟«»″＂")


ADDRESSES = st.from_regex(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,8}@[a-z]{2,8}\.(com|org|co\.uk)", fullmatch=True
).filter(
    lambda address: (
        address.partition("@")[0].partition("+")[0] not in {"root", "noc", "spam", "abuse", "nobody"}
    )
)
NAMES = st.one_of(
    st.lists(st.sampled_from([*WORDS, "Kéep", "&amp;", "*x", 'a"b', "\\"]), min_size=1, max_size=4).map(
        " ".join
    ),
    st.text(min_size=1, max_size=20),
).filter(lambda name: _is_clean(name) and name != EVERYWHERE)
PHRASES = st.lists(
    st.sampled_from(
        ["June", "15", "15.06.", "in", "3", "days", "on", "now", "until", "than", "9:30", "'til", "half"]
    ),
    min_size=1,
    max_size=5,
).map(" ".join)
WHOS = st.one_of(
    st.lists(ADDRESSES, min_size=1, max_size=4, unique=True).map(lambda some: Who(addresses=tuple(some))),
    st.builds(lambda tag: Who(tag=tag), NAMES),
    st.builds(lambda stage: Who(stage=stage), NAMES),
    st.sampled_from([ACME, MINE, ALL, Who(filter=DEMO_EU)]),
    st.builds(
        lambda tag, place: Who(filter=(Term("tag", tag), Term("in", place, is_not=True))), NAMES, NAMES
    ),
)
PLACES = st.one_of(st.none(), NAMES)
ANYWHERE = st.one_of(PLACES, st.just(EVERYWHERE))
MAYBE = st.one_of(st.none(), PHRASES)
REASONS = st.one_of(st.none(), NAMES)
ENDS = st.one_of(
    st.just({}),
    st.builds(lambda until: {"until": until}, PHRASES),
    st.builds(lambda span: {"span": span}, PHRASES),
    st.builds(
        lambda until, then: {"until": until, "then": then},
        PHRASES,
        st.sampled_from(["freeze", "keep", "now"]),
    ),
)
COMMANDS_MADE = st.one_of(
    st.builds(
        lambda who, where, ends, why: Pause(who, where, **ends, because=why), WHOS, ANYWHERE, ENDS, REASONS
    ),
    st.builds(Resume, WHOS, ANYWHERE, st.sampled_from([None, "freeze", "keep", "now"])),
    st.builds(lambda who, where, on: Resume(who, where, on=on), WHOS, ANYWHERE, MAYBE),
    st.builds(Stop, WHOS, PLACES, REASONS),
    *(st.builds(kind, WHOS, NAMES) for kind in (Skip, Unskip, Start, Restart)),
    st.builds(Enrol, st.one_of(st.none(), WHOS), PLACES),
    st.builds(Show, st.sampled_from(["status", "why", "history"]), WHOS, PLACES),
    st.builds(
        Paused, PLACES, MAYBE, st.one_of(st.none(), WHOS), st.sampled_from([None, "1623741660000000:17"])
    ),
    st.builds(
        List,
        PLACES,
        st.one_of(st.none(), st.sampled_from(sorted(STATUSES))),
        st.one_of(st.none(), WHOS),
        st.sampled_from([None, "4711"]),
    ),
    st.builds(Stats, PLACES, st.sampled_from([None, *PARTS]), MAYBE, MAYBE, st.booleans()),
    st.builds(
        Log,
        st.one_of(st.none(), WHOS),
        PLACES,
        st.sampled_from([None, *sorted(LOGGED)]),
        MAYBE,
        st.sampled_from([None, "1798:12"]),
        st.booleans(),
    ),
    st.builds(Edit, st.just(A)),
    st.builds(
        SequenceVerb,
        st.sampled_from(["pause", "resume", "archive", "restore", "publish", "edit", "preview"]),
        NAMES,
    ),
    st.builds(Halt, REASONS),
    st.builds(StepVerb, st.sampled_from(["resend", "cancel"]), WHOS, ANYWHERE),
    st.builds(Remind, WHOS, st.none() | PHRASES),
    st.builds(Qualify, st.sampled_from(["qualify", "unqualify"]), WHOS, st.booleans()),
    st.builds(Tag, st.sampled_from(["tag", "untag"]), WHOS, NAMES),
    st.builds(Note, WHOS, NAMES),
    st.builds(GoalVerb, st.sampled_from(["on", "off"]), NAMES),
    st.builds(Away, PHRASES, st.sampled_from([None, "U12", "kim"])),
    st.builds(
        Settle, st.sampled_from(["left", "again", "drop"]), st.from_regex(r"[a-z0-9-]{1,9}", fullmatch=True)
    ),
    st.builds(Undo, st.one_of(st.none(), st.from_regex(r"[0-9]{1,9}", fullmatch=True))),
)


@given(command=COMMANDS_MADE)
def test_any_command_survives_as_text(command):
    text = to_text(command)
    if len(text) <= LONGEST_TEXT_CHARS:
        assert parse(text) == command

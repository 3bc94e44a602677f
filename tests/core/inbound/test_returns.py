"""The day somebody is back, as people write it: own sentences by language and form, received on Wednesday 10 June 2026."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from core.inbound.returns import find

RECEIVED = datetime(2026, 6, 10, 9, 30, tzinfo=UTC)  # a Wednesday, in ISO week 24


def back(text, language, *, subject="", headers=None, hint=None, received=RECEIVED, zone="UTC"):
    return find(
        text,
        subject=subject,
        headers=headers or {},
        language=language,
        received=received,
        zone=zone,
        order_hint=hint,
    )


def june(day):
    return date(2026, 6, day)


ENGLISH = [
    ("I am out of the office and will be back on Monday, 22 June.", june(22)),
    ("I'm on vacation until June 22nd.", june(22)),
    ("I am away through Friday, June 19.", june(20)),
    ("I will be out of the office up to and including 19 June 2026.", june(20)),
    ("I'm on leave until 19 June inclusive.", june(20)),
    ("I'll be out from June 8 to June 19.", june(20)),
    ("OOO 8-19 June, see you after.", june(20)),
    ("I am on annual leave June 8–19.", june(20)),
    ("I'm away between 8 June and 19 June.", june(20)),
    ("Thanks for your mail. I am out and return next Monday.", june(15)),
    ("I'm out of the office today and will be back tomorrow.", june(11)),
    ("I am out of the office until Thursday.", june(11)),
    ("Away until Wednesday.", june(17)),
    ("I'm travelling and will return in 5 days.", june(15)),
    ("I am on holiday for two weeks.", june(24)),
    ("I will be away for the next ten days with no access to email.", june(20)),
    ("I will be out of the office starting 8 June and will not return until 22 June.", june(22)),
    ("On June 22 I will be back at my desk.", june(22)),
    ("My first day back is Tuesday 23 June.", june(23)),
    ("I'm out through 19 June, returning on 22 June.", june(22)),
    ("Our office is closed from 11 June to 14 June and reopens on 15 June.", june(15)),
    ("I am out of the office until the 22nd.", june(22)),
    ("Out of office until 2026-06-22.", june(22)),
    ("I'm away until 22/06/2026.", june(22)),
    ("I am on leave until 22-Jun-2026.", june(22)),
    ("I'm out of office until 22.06.", june(22)),
    ("I will be out of the office until Monday the 22nd of June at 9:00 am.", june(22)),
    (
        "I am currently out of the office with limited access to email.\nI will return on June 22, 2026.",
        june(22),
    ),
    ("I am on parental leave since 3 May. I will be back in the office on 1 July.", date(2026, 7, 1)),
    ("I'll be back Monday next week.", june(15)),
    ("I am out of the office, back week 26.", june(22)),
    ("I have no access to email until 5pm on Friday 12 June.", june(12)),
    ("I am away and shall resume work on the 22nd of June.", june(22)),
    ("I'm off until after 19 June.", june(20)),
    ("I am out of office until Mon. June 22. Please call Ada Fern for anything urgent.", june(22)),
]
GERMAN = [
    ("Ich bin bis zum 22.06.2026 nicht im Büro.", june(22)),
    ("Ich bin bis einschließlich 19. Juni im Urlaub.", june(20)),
    ("Ich bin bis einschl. 19.6. abwesend.", june(20)),
    ("Ich bin vom 8.6. bis 19.6. im Urlaub.", june(20)),
    ("Vom 8. bis 19. Juni bin ich nicht erreichbar.", june(20)),
    ("Urlaub vom 08.06.-19.06.2026", june(20)),
    ("Ich bin ab dem 22. Juni wieder für Sie da.", june(22)),
    ("Am Montag, den 22. Juni, bin ich wieder erreichbar.", june(22)),
    ("Ich bin abwesend und ab Montag wieder im Büro.", june(15)),
    ("Ich kehre am 22.6. zurueck.", june(22)),
    ("Bin bis KW 26 weg, ab 26.6. wieder da.", june(26)),
    ("Ich bin im Urlaub und in KW 26 wieder zurück.", june(22)),
    ("Ich bin für zwei Wochen im Urlaub.", june(24)),
    ("Ich bin heute nicht im Haus und morgen wieder erreichbar.", june(11)),
    ("Unser Büro ist bis 14. Juni geschlossen. Ab 15. Juni sind wir wieder für Sie da.", june(15)),
    ("Ich bin bis zum 22. nicht erreichbar.", june(22)),
    ("Ich befinde mich bis 19.06. inkl. auf Dienstreise.", june(20)),
    (
        "Vielen Dank für Ihre Nachricht. Ich bin bis 21.06.26 nicht im Haus. Bitte wenden Sie sich an Jan Ufer.",
        june(21),
    ),
    ("Ich bin erst am kommenden Montag wieder am Platz.", june(15)),
    ("Ab übermorgen bin ich wieder zurück.", june(12)),
]
FRENCH = [
    ("Je suis absente jusqu'au 22 juin.", june(22)),
    ("Je suis en congés jusqu'au 19 juin inclus.", june(20)),
    ("Je suis absent du 8 au 19 juin.", june(20)),
    ("Absent du 08/06/2026 au 12/06/2026", june(13)),
    ("Je serai de retour le lundi 22 juin.", june(22)),
    ("De retour au bureau lundi prochain.", june(15)),
    ("Je serai à nouveau joignable à partir du 22 juin.", june(22)),
    ("Je suis en vacances et je reviens le 1er juillet.", date(2026, 7, 1)),
    ("Actuellement en déplacement, je reprendrai mes fonctions le 22/06.", june(22)),
    ("Je suis absent pour deux semaines.", june(24)),
    ("Je suis absent aujourd'hui, de retour demain.", june(11)),
    ("Nos bureaux sont fermés jusqu'au 14 juin et rouvriront le 15 juin.", june(15)),
    ("Je suis absent jusqu’au jeudi 18 juin compris.", june(19)),
    ("Je serai absente du lundi 8 juin au vendredi 19 juin.", june(20)),
]
SPANISH = [
    ("Estoy fuera de la oficina hasta el 22 de junio.", june(22)),
    ("Estaré de vacaciones hasta el 19 de junio inclusive.", june(20)),
    ("Estaré ausente del 8 al 19 de junio.", june(20)),
    ("Estoy de vacaciones desde el 8 de junio hasta el 19 de junio.", june(20)),
    ("Volveré el lunes 22 de junio.", june(22)),
    ("Me reincorporo el próximo lunes.", june(15)),
    ("No estaré disponible; regreso el 22/06/2026.", june(22)),
    ("Estoy de viaje y vuelvo mañana.", june(11)),
    ("Estaré fuera durante dos semanas.", june(24)),
    ("A partir del 22 de junio estaré de nuevo en la oficina.", june(22)),
    ("Estaré fuera de la oficina hasta el día 22.", june(22)),
]
ITALIAN = [
    ("Sono fuori ufficio fino al 22 giugno.", june(22)),
    ("Sono in ferie fino al 19 giugno compreso.", june(20)),
    ("Sarò assente dall'8 al 19 giugno.", june(20)),
    ("Sarò in ferie dal 8/6 al 12/6.", june(13)),
    ("Rientrerò lunedì 22 giugno.", june(22)),
    ("Sono in ferie, torno lunedì prossimo.", june(15)),
    ("Sarò di nuovo in ufficio dal 22 giugno.", june(22)),
    ("L'ufficio è chiuso fino al 14/06 e riaprirà il 15/06.", june(15)),
    ("Oggi sono assente, rientro domani.", june(11)),
    ("Sarò assente per due settimane.", june(24)),
    ("Il rientro è previsto per il 22.06.2026.", june(22)),
]
DUTCH = [
    ("Ik ben afwezig tot 22 juni.", june(22)),
    ("Ik ben met vakantie t/m 19 juni.", june(20)),
    ("Ik ben tot en met vrijdag 19 juni niet op kantoor.", june(20)),
    ("Ik ben van 8 juni t/m 19 juni afwezig.", june(20)),
    ("Van 8 t/m 19 juni ben ik op vakantie.", june(20)),
    ("Op maandag 22 juni ben ik weer aanwezig.", june(22)),
    ("Vanaf 22-06-2026 ben ik weer bereikbaar.", june(22)),
    ("Ik ben afwezig en a.s. maandag weer terug.", june(15)),
    ("Vandaag ben ik er niet, morgen ben ik weer bereikbaar.", june(11)),
    ("Ik ben de komende twee weken op vakantie.", june(24)),
    ("Ik ben er weer in week 26, tot die tijd met verlof.", june(22)),
]
PORTUGUESE = [
    ("Estou fora do escritório até 22 de junho.", june(22)),
    ("Estarei de férias até 19 de junho inclusive.", june(20)),
    ("Estarei ausente de 8 a 19 de junho.", june(20)),
    ("Estou de férias entre 8 e 19 de junho.", june(20)),
    ("Estou de férias de 08/06 a 12/06.", june(13)),
    ("Retornarei na segunda-feira, 22 de junho.", june(22)),
    ("Regresso ao escritório no dia 22/06/2026.", june(22)),
    ("Volto na próxima segunda-feira.", june(15)),
    ("Hoje estou ausente, volto amanhã.", june(11)),
    ("Estarei de férias durante duas semanas.", june(24)),
    ("A partir de 22 de junho estarei de volta.", june(22)),
]
POLISH = [
    ("Jestem poza biurem do 22 czerwca.", june(22)),
    ("Przebywam na urlopie do 19 czerwca włącznie.", june(20)),
    ("Od 8 do 19 czerwca jestem na urlopie.", june(20)),
    ("Jestem na urlopie w dniach 8-19 czerwca.", june(20)),
    ("Jestem na urlopie od 08.06.2026 do 19.06.2026 r.", june(20)),
    ("Wracam w poniedziałek 22 czerwca.", june(22)),
    ("Będę dostępna od 22.06.2026 r.", june(22)),
    ("Nie ma mnie dzisiaj w biurze, wracam jutro.", june(11)),
    ("Będę nieobecny przez dwa tygodnie.", june(24)),
    ("Jestem nieobecna, wrócę w najbliższy poniedziałek.", june(15)),
]
SWEDISH = [
    ("Jag är på semester till den 22 juni.", june(22)),
    ("Jag har semester till och med den 19 juni.", june(20)),
    ("Jag är ledig t.o.m. 19/6.", june(20)),
    ("Jag är på semester 8-19 juni.", june(20)),
    ("Jag är frånvarande från 8 juni till 19 juni.", june(20)),
    ("Jag är åter på kontoret måndagen den 22 juni.", june(22)),
    ("Jag är tillbaka på måndag.", june(15)),
    ("Jag är borta idag men tillbaka imorgon.", june(11)),
    ("Jag är ledig och åter vecka 26.", june(22)),
    ("Jag är ledig i två veckor.", june(24)),
    ("Den 22 juni är jag tillbaka igen.", june(22)),
]
DANISH = [
    ("Jeg er på ferie til den 22. juni.", june(22)),
    ("Jeg holder ferie til og med den 19. juni.", june(20)),
    ("Jeg har ferie fra den 8. juni til den 19. juni.", june(20)),
    ("Jeg er tilbage på kontoret mandag den 22. juni.", june(22)),
    ("Jeg er ikke på kontoret og vender tilbage d. 22/6.", june(22)),
    ("Jeg er tilbage igen på mandag.", june(15)),
    ("Jeg har fri i dag og er tilbage i morgen.", june(11)),
    ("Jeg er på ferie og tilbage i uge 26.", june(22)),
    ("Jeg har ferie de næste to uger.", june(24)),
]
NORWEGIAN = [
    ("Jeg er på ferie til 22. juni.", june(22)),
    ("Jeg har ferie til og med 19. juni.", june(20)),
    ("Jeg er bortreist fra 8. juni til 19. juni.", june(20)),
    ("Jeg er tilbake på kontoret mandag 22. juni.", june(22)),
    ("Jeg er ikke på jobb og kommer tilbake den 22.06.", june(22)),
    ("Jeg er tilbake på mandag.", june(15)),
    ("Jeg har fri i dag og er tilbake i morgen.", june(11)),
    ("Jeg er på ferie og er tilbake i uke 26.", june(22)),
    ("Jeg har ferie de neste to ukene, altså i to uker.", june(24)),
]
FINNISH = [
    ("Olen lomalla 22.6. asti.", june(22)),
    ("Olen vuosilomalla 22.6.2026 saakka.", june(22)),
    ("Olen lomalla 8.6.–19.6.2026.", june(20)),
    ("Olen lomalla 8.-19.6.", june(20)),
    ("Palaan töihin maanantaina 22.6.", june(22)),
    ("Olen poissa toimistolta ja palaan 22. kesäkuuta.", june(22)),
    ("Olen lomalla ja tavoitettavissa jälleen maanantaina.", june(15)),
    ("En ole tänään toimistolla, palaan huomenna.", june(11)),
]
CZECH = [
    ("Jsem mimo kancelář do 22. června.", june(22)),
    ("Mám dovolenou do 19. 6. 2026 včetně.", june(20)),
    ("Od 8. do 19. června jsem na dovolené.", june(20)),
    ("Jsem na dovolené od 8.6. do 19.6.", june(20)),
    ("Vrátím se v pondělí 22. června.", june(22)),
    ("Zpět v kanceláři budu 22. 6. 2026.", june(22)),
    ("Jsem nepřítomen, vracím se příští pondělí.", june(15)),
    ("Dnes nejsem v práci, zpět budu zítra.", june(11)),
    ("Budu na dovolené po dobu dvou týdnů, zpět jsem 24.6.", june(24)),
]
JAPANESE = [
    ("6月22日まで休暇をいただいております。", june(22)),
    ("6月8日から6月19日まで不在にしております。", june(20)),
    ("6月8日(月)~6月19日(金)は休業いたします。", june(20)),
    ("不在にしております。6月22日より出社いたします。", june(22)),
    ("休暇中です。6月22日に戻ります。", june(22)),
    ("出張のため不在です。2026年6月22日(月)に復帰いたします。", june(22)),
    ("本日は休みをいただいております。明日出社いたします。", june(11)),
    ("休暇中のため、6/22(月)に出社いたします。", june(22)),
]
OTHERS = [
    ("ru", "Я в отпуске до 22 июня.", june(22)),
    ("ru", "Я в отпуске с 8 по 19 июня.", june(20)),
    ("ru", "Меня не будет в офисе до 19 июня включительно.", june(20)),
    ("ru", "Вернусь в понедельник, 22 июня.", june(22)),
    ("hu", "Szabadságon vagyok június 22-ig.", june(22)),
    ("hu", "Szabadságon vagyok 2026. június 8. és június 19. között.", june(20)),
    ("hu", "Irodán kívül vagyok, hétfőn leszek vissza.", june(15)),
    ("tr", "22 Haziran'a kadar izindeyim.", june(22)),
    ("tr", "8 Haziran - 19 Haziran tarihleri arasında izinliyim.", june(20)),
    ("tr", "Ofis dışındayım, 22 Haziran'da döneceğim.", june(22)),
    ("zh", "我将于6月8日至6月19日休假。", june(20)),
    ("zh", "我正在休假,6月22日回来上班。", june(22)),
    ("ko", "6월 22일까지 휴가입니다.", june(22)),
    ("ko", "6월 8일부터 6월 19일까지 휴가입니다.", june(20)),
    ("ko", "현재 부재중이며 6월 22일에 복귀합니다.", june(22)),
]
BY_LANGUAGE = {
    "en": ENGLISH, "de": GERMAN, "fr": FRENCH, "es": SPANISH, "it": ITALIAN, "nl": DUTCH, "pt": PORTUGUESE,
    "pl": POLISH, "sv": SWEDISH, "da": DANISH, "no": NORWEGIAN, "fi": FINNISH, "cs": CZECH, "ja": JAPANESE,
}  # fmt: skip
STATED = [(language, text, day) for language, rows in BY_LANGUAGE.items() for text, day in rows] + OTHERS


@pytest.mark.parametrize(("language", "text", "day"), STATED)
def test_a_stated_return_is_read_in_its_language(language, text, day):
    found = back(text, language)
    assert (found.on, found.question, found.options) == (day, "", ())
    assert found.evidence
    assert found.evidence in " ".join(text.split())


@pytest.mark.parametrize(("language", "text", "day"), STATED)
def test_a_stated_return_is_read_when_nobody_names_the_language(language, text, day):
    assert back(text, None).on == day


NOT_STATED = [
    ("en", "I am out of the office with limited access to email."),
    ("en", "I will be back in June."),
    ("en", "I'm on vacation until the end of June."),
    ("en", "I am away until next week."),
    ("en", "I have been on maternity leave since 3 May."),
    ("en", "I'm out of the office.\n\nIda Moss\nTel. 030-12.34.56 / 06-12\nOffice hours Monday to Friday 9:00-17:00"),
    ("en", "I'm on leave. Meet us at the fair in Lyon on 24 June 2026, booth 5/6."),
    ("en", "I am out of the office. For support call our team, available 24/7."),
    ("en", "I'm away, but will return your call as soon as I can."),
    ("en", "I'm on holiday soaking up the sun. I'll get back to you soon."),
    ("en", "I'm off every Friday."),
    ("en", "I will answer within 2 working days."),
    ("en", "I'm out of office.\n\nOn 22 June 2026 at 10:00, Pia Ross wrote:\n> I will be back on 3 July."),
    ("de", "Ich bin derzeit nicht im Büro. Bürozeiten: Mo-Do 9-17 Uhr, Fr 9-12 Uhr."),
    ("de", "Ich bin seit dem 3. Mai in Elternzeit."),
    ("de", "Ich bin im Urlaub und ab nächster Woche wieder da."),
    ("de", "Ich bin bis Ende Juni im Urlaub."),
    ("de", "Ich bin nicht da. Unsere Hausmesse findet am 24.06.2026 statt."),
    ("fr", "Je suis absent jusqu'à la fin du mois de juin."),
    ("fr", "Je suis en congés et de retour la semaine prochaine."),
    ("es", "Estoy de vacaciones hasta finales de junio."),
    ("it", "Sono in ferie, torno a settembre."),
    ("nl", "Ik ben afwezig. Op woensdag werk ik niet."),
    ("sv", "Jag är på semester och åter i augusti."),
    ("ja", "ただいま休暇をいただいております。"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "text"), NOT_STATED)
def test_no_day_is_invented(language, text):
    found = back(text, language)
    assert (found.on, found.question, found.options) == (None, "", ())


def test_two_days_are_asked_about():
    found = back("I will be back on 22 June.\n\nI am travelling and will return on 29 June.", "en")
    assert found.on is None
    assert found.question == "Two dates are named: 22 June and 29 June."
    assert found.options == (june(22), june(29))


def test_a_stale_sentence_below_the_machines_line_is_asked_about():
    found = back(
        "I'm in Oslo, back on Jan 3.",
        "en",
        subject="AUTO: Ida Moss is out of the office (returning 22/06/2026)",
    )
    assert found.on is None
    assert found.question == "Two dates are named: 3 January and 22 June."
    assert found.options == (june(22),)


def test_the_subject_of_notes_names_the_day():
    assert back("", "en", subject="AUTO: Ida Moss is out of the office (returning 22/06/2026)").on == june(22)
    assert back("", None, subject="Abwesend bis 22.6.").on == june(22)


SLASHED = "I will be back on 7/6."
JULY, SIXTH = date(2026, 7, 6), date(2026, 6, 7)


def test_a_slash_date_of_two_days_is_asked_about():
    found = back("I will be back on 6/7 or so.", "en", received=datetime(2026, 6, 1, 12, tzinfo=UTC))
    assert found.on is None
    assert found.options == (SIXTH, JULY)
    assert found.question == "The date can be read as 7 June or 6 July."


@pytest.mark.parametrize(
    ("text", "hint", "day"),
    [
        (SLASHED, "mdy", JULY),
        (SLASHED, "dmy", SIXTH),
        ("I'm away from 28/5 and will be back on 7/6.", None, SIXTH),
        ("I'm away from 5/28 and will be back on 7/6.", None, JULY),
        ("I'm out from 06/01/2026 and return on 07/06/2026.", None, JULY),
        ("I will be back on Monday 7/6.", None, JULY),
        ("I will be back on 7/6 (July 6).", None, JULY),
        ("I will be back on 12/6.", None, date(2026, 6, 12)),  # 6 December is too far off to be meant
        ("I am out until 8/6.\n\nIch bin bis 8/6 nicht im Büro.", None, date(2026, 6, 8)),
    ],
)
def test_other_words_settle_the_order_of_a_slash_date(text, hint, day):
    assert back(text, "en", hint=hint, received=datetime(2026, 6, 1, 12, tzinfo=UTC)).on == day


def test_a_past_day_is_asked_about():
    found = back("I am out of the office until 5 June 2026.", "en")
    assert found.on is None
    assert found.question == "The day named, 5 June 2026, is past: choose when to go on."
    assert found.options == (june(5),)
    assert back("I am out of the office until 5 June.", "en").on is None


def test_a_far_day_is_asked_about():
    found = back("I am on parental leave and will be back on 1 December.", "en")
    assert found.on is None
    assert found.question == "The day named, 1 December 2026, is more than 100 days off: is it right?"
    assert found.options == (date(2026, 12, 1),)


def test_years_roll_forward():
    december = datetime(2026, 12, 21, 9, tzinfo=UTC)
    assert back("Back on January 4.", "en", received=december).on == date(2027, 1, 4)
    assert back("Ich bin vom 21.12. bis 3.1. im Urlaub.", "de", received=december).on == date(2027, 1, 4)
    assert back("Wieder da in KW 2.", "de", received=december).on == date(2027, 1, 11)
    assert back("I'm out 28 December - 3 January.", "en", received=december).on == date(2027, 1, 4)


def test_the_return_wins_over_the_end_of_the_absence():
    assert back("I'm out until 19 June and back on 22 June.", "en").on == june(22)
    assert back("Ich bin bis 19.6. im Urlaub.\n\nAb Montag, 22.6., bin ich wieder da.", "de").on == june(22)


def test_of_several_absences_the_running_one_counts():
    assert back("I'm out 8-12 June and 6-10 July.", "en").on == june(13)


def test_the_same_day_in_two_languages_is_one_day():
    text = "Ich bin bis zum 22. Juni nicht im Büro.\n\nI am out of the office until June 22."
    assert back(text, "de").on == june(22)
    text = "Ich bin vom 8. bis 19. Juni nicht im Büro.\n\nI am out of the office until June 19."
    assert back(text, "de").on == june(20)


def test_apples_criteria_name_the_day_after_their_end():
    criteria = "{kind=VACATION,startDate=2026-06-07T22:00:00Z,endDate=2026-06-19T21:59:59Z}"
    assert back("I am away.", "en", headers={"X-Apple-Criteria": criteria}).on == june(20)
    assert back("I am away.", "en", headers={"X-Apple-Criteria": "{endDate=9999-99-99T00:00:00Z}"}).on is None


def test_days_are_counted_in_the_zone_of_the_mailbox():
    late = datetime(2026, 6, 10, 23, 30, tzinfo=UTC)
    assert back("I'm back tomorrow.", "en", received=late, zone="Europe/Berlin").on == june(12)
    assert back("I'm back tomorrow.", "en", received=late, zone="America/New_York").on == june(11)


@pytest.mark.parametrize(
    ("language", "text"),
    [("de", "Ich bin bis zum 24.07. nicht im Büro."), ("en", "I am out of the office, back on 24/07.")],
)
def test_the_24th_of_july_is_a_day_and_around_the_clock_is_none(language, text):
    assert back(text, language, hint="dmy").on == date(2026, 7, 24)
    assert back("I am away. Our hotline helps you 24/7.", "en", hint="dmy").on is None

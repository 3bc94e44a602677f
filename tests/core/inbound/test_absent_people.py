"""People who write while they are away, offices that are closed: told apart without a header's help, in many languages."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from core.inbound import Kind, judge
from tests.core.inbound.mail import letter

RECEIVED = datetime(2026, 9, 8, 9, 0, tzinfo=UTC)  # a Tuesday
AWAY, OTHER, REPLY, STOP = Kind.OUT_OF_OFFICE, Kind.AUTOMATIC, Kind.REPLY, Kind.UNSUBSCRIBE

PEOPLE = {
    "en": [
        "I'm on vacation this week, but ring me on Thursday next week.",
        "Out of the office today - happy to chat tomorrow morning.",
        "I am on leave until Monday, please remind me then.",
        "Hi Sam, we have to reschedule our meeting, I'm out of the office on Friday.",
        "Her out of office says she is on leave until 12 October, so ask me instead.",
        "I am out of the office until Monday. This is me typing, not an autoresponder, so go ahead.",
    ],
    "de": [
        "Ich bin bis Freitag im Urlaub, aber rufen Sie mich am Montag an.",
        "Bin gerade im Urlaub, klingt aber gut, ruf nächste Woche durch!",
        "Wir müssen unseren Termin verschieben, ich bin am Donnerstag nicht im Büro.",
        "Ich bin diese Woche im Urlaub, ich rufe Sie nächste Woche an.",
        "Die Abwesenheitsnotiz meiner Kollegin sagt, sie ist bis 12. Oktober im Urlaub, deshalb antworte ich.",
    ],
    "fr": [
        "Je suis en congés cette semaine mais appelez-moi lundi.",
        "Je suis en déplacement, ça me convient, on se parle mardi prochain.",
        "Je suis absent jeudi, il faut décaler notre rendez-vous.",
        "Je suis en vacances mais volontiers la semaine prochaine.",
        "Le message d'absence de ma collègue dit qu'elle est en congés jusqu'au 12 octobre, je vous réponds donc.",
    ],
    "es": [
        "Estoy de vacaciones, pero llámeme el lunes.",
        "Hoy estoy fuera de la oficina, te llamo yo el jueves.",
        "Estoy de viaje pero me parece bien, hablamos la semana que viene.",
        "Tenemos que mover nuestra reunión, el viernes estoy fuera de la oficina.",
    ],
    "it": [
        "Sono in ferie ma mi chiami pure lunedì.",
        "Questa settimana sono fuori ufficio, la chiamo io martedì.",
        "Sono in vacanza ma mi sembra interessante, sentiamoci la prossima settimana.",
        "Dobbiamo spostare il nostro incontro, giovedì sono fuori sede.",
    ],
    "pt": [
        "Estou de férias, mas ligue-me na segunda-feira.",
        "Esta semana estou fora, ligo eu na próxima.",
        "Estou de licença mas parece-me bem, falamos para a semana.",
        "Temos de remarcar a nossa reunião, quinta estou fora do escritório.",
    ],
    "nl": [
        "Ik ben met vakantie maar bel me volgende week even.",
        "Ik ben vandaag niet op kantoor, ik bel u maandag.",
        "Ik ben op vakantie, maar klinkt goed, laten we dinsdag bellen.",
        "We moeten onze afspraak verzetten, donderdag ben ik niet op kantoor.",
    ],
    "sv": [
        "Jag är ledig den här veckan, men ring mig på måndag.",
        "Jag är på semester, jag ringer dig nästa vecka.",
        "Jag är bortrest men det låter intressant, vi hörs på torsdag.",
        "Vi behöver flytta vårt möte, jag är inte på kontoret på fredag.",
    ],
    "da": [
        "Jeg er på ferie, men ring til mig på mandag.",
        "Jeg er på ferie i denne uge, jeg ringer til dig i næste uge.",
        "Jeg er på ferie men det lyder godt, ring i næste uge!",
        "Vi bliver nødt til at flytte vores møde, jeg er ikke på kontoret på torsdag.",
    ],
    "no": [
        "Jeg er på ferie, men ring meg på mandag.",
        "Jeg har fri i dag, jeg ringer deg i morgen.",
        "Jeg er på ferie men det høres bra ut, ring neste uke!",
        "Vi må flytte møtet vårt, jeg er ikke på kontoret torsdag.",
    ],
    "fi": [
        "Olen vuosilomalla, mutta soittakaa minulle maanantaina.",
        "Olen tällä viikolla lomalla, soitan sinulle ensi viikolla.",
        "Olen poissa toimistolta, mutta kuulostaa hyvältä, jutellaan torstaina.",
        "Meidän pitää siirtää tapaamistamme, olen perjantaina lomalla.",
    ],
    "pl": [
        "Jestem na urlopie, ale proszę zadzwonić do mnie we wtorek.",
        "W tym tygodniu jestem na urlopie, zadzwonię do Pana w przyszłym.",
        "Jestem w delegacji, ale brzmi dobrze, zdzwońmy się w czwartek.",
        "Musimy przełożyć nasze spotkanie, w piątek jestem poza biurem.",
    ],
    "cs": [
        "Jsem na dovolené, ale zavolejte mi v úterý.",
        "Tento týden jsem na dovolené, příští týden Vám zavolám.",
        "Jsem mimo kancelář, ale zní to dobře, ozvěte se ve čtvrtek.",
        "Musíme přesunout naši schůzku, v pátek jsem mimo kancelář.",
    ],
    "mixed": [
        "Jsem na služební cestě, ale nabídka se mi líbí, pošlete smlouvu.",
        "Er bortreist denne uka, men tilbudet ser bra ut. Send kontrakten.",
        "Ben vrij vandaag, maar ja, stuur maar door!",
    ],
    "hu": [
        "Szabadságon vagyok, de hívjon fel hétfőn.",
        "Ezen a héten szabadságon vagyok, jövő héten felhívom.",
    ],
    "tr": [
        "Bu hafta izindeyim ama pazartesi beni arayın.",
        "Tatildeyim ama kulağa hoş geliyor, haftaya görüşelim.",
    ],
    "ru": [
        "Я в отпуске, но позвоните мне в понедельник.",
        "На этой неделе я в отпуске, на следующей сам вам позвоню.",
        "Я в командировке, но звучит интересно, давайте созвонимся в четверг.",
    ],
    "uk": ["Я у відпустці, але зателефонуйте мені в понеділок."],
    "ro": ["Sunt în concediu, dar sunați-mă luni."],
    "el": ["Είμαι σε άδεια, αλλά πάρτε με τηλέφωνο τη Δευτέρα."],
    "ja": ["今週は休暇中ですが、来週お電話いただけますか。", "休暇中ですが、来週ならお話しできます。"],
    "ko": ["휴가 중이지만 다음 주에 전화 주세요."],
    "zh": ["我在休假,不过下周可以给我打电话。"],
}
CLOSED = [
    ("en", "Our shop is closed for the holidays. We reopen on 21 September.", date(2026, 9, 21)),
    ("en", "Closed for our summer break until 21 September.", date(2026, 9, 21)),
    ("de", "Wir haben Betriebsferien vom 7. bis 18. September. Ab dem 21. September sind wir wieder da.", date(2026, 9, 21)),
    ("de", "Unser Büro ist wegen Betriebsurlaub geschlossen. Wieder geöffnet ab 21. September.", date(2026, 9, 21)),
    ("fr", "Nos bureaux sont fermés pour les vacances. Nous rouvrons le 21 septembre.", date(2026, 9, 21)),
    ("fr", "Fermeture annuelle du 7 au 18 septembre inclus.", date(2026, 9, 19)),
    ("es", "Nuestra oficina permanece cerrada por vacaciones. Reabrimos el 21 de septiembre.", date(2026, 9, 21)),
    ("es", "Cerramos por vacaciones del 7 al 18 de septiembre, ambos inclusive.", date(2026, 9, 19)),
    ("it", "L'ufficio resterà chiuso per ferie. Riapriamo il 21 settembre.", date(2026, 9, 21)),
    ("it", "Siamo chiusi per ferie dal 7 al 18 settembre compreso.", date(2026, 9, 19)),
    ("pt", "O escritório está encerrado para férias. Reabrimos no dia 21 de setembro.", date(2026, 9, 21)),
    ("nl", "Ons kantoor is gesloten wegens vakantie. Vanaf 21 september zijn we weer open.", date(2026, 9, 21)),
    ("sv", "Vi har semesterstängt till och med 18 september. Vi öppnar igen den 21 september.", date(2026, 9, 21)),
    ("da", "Vi holder ferielukket. Vi åbner igen den 21. september.", date(2026, 9, 21)),
    ("no", "Vi har feriestengt. Kontoret åpner igjen 21. september.", date(2026, 9, 21)),
    ("fi", "Toimistomme on suljettu loman vuoksi. Avaamme jälleen 21.9.", date(2026, 9, 21)),
    ("pl", "Nasze biuro jest nieczynne z powodu urlopu. Otwieramy ponownie 21 września.", date(2026, 9, 21)),
    ("cs", "Naše kancelář je zavřená, máme celozávodní dovolenou. Otevíráme opět 21. září.", date(2026, 9, 21)),
    ("hu", "Irodánk szabadság miatt zárva tart. Szeptember 21-én nyitunk újra.", date(2026, 9, 21)),
    ("de", "Wegen Umzug ist unser Büro bis einschließlich 13.09. nicht besetzt.", date(2026, 9, 14)),
    ("fr", "Notre agence ferme ses portes du 7 au 20 septembre. Reprise le 21 septembre.", date(2026, 9, 21)),
    ("es", "Estamos cerrados por vacaciones. Volvemos el lunes 21 de septiembre.", date(2026, 9, 21)),
    ("cs", "Máme zavřeno do 13. září včetně. Od pondělí jsme tu zase pro vás.", date(2026, 9, 14)),
    ("tr", "Ofisimiz tatil nedeniyle kapalıdır. 21 Eylül'de yeniden açılacak.", date(2026, 9, 21)),
    ("ru", "Наш офис закрыт на каникулы. Мы откроемся 21 сентября.", date(2026, 9, 21)),
]  # fmt: skip
RECEIPTS = {
    "de": "Vielen Dank, Ihre Anfrage ist unter der Nummer 55120 bei uns eingegangen.",
    "fr": "Merci, votre demande a bien été enregistrée sous le numéro 55120.",
    "es": "Gracias, hemos recibido su consulta con el número 55120.",
    "it": "Grazie, la sua richiesta è stata registrata con il numero 55120.",
    "pt": "Obrigado, a sua mensagem foi registada com o número 55120.",
    "nl": "Bedankt, uw vraag is bij ons geregistreerd onder nummer 55120.",
    "sv": "Tack, ditt ärende har registrerats med nummer 55120.",
    "da": "Tak, din henvendelse er registreret under sagsnummer 55120.",
    "no": "Takk, din henvendelse er registrert med saksnummer 55120.",
    "fi": "Kiitos, viestisi on vastaanotettu numerolla 55120.",
    "pl": "Dziękujemy, Państwa zgłoszenie zostało zarejestrowane pod numerem 55120.",
    "cs": "Děkujeme, Vaši zprávu jsme obdrželi pod číslem 55120.",
    "hu": "Köszönjük, megkeresését 55120 számon rögzítettük.",
    "tr": "Teşekkürler, talebiniz 55120 numarayla kaydedilmiştir.",
    "ru": "Спасибо, ваше обращение зарегистрировано под номером 55120.",
}
NO_WISH = [
    "Bitte schicken Sie mir keine Kataloge mehr per Post, sondern nur noch als PDF.",
    "Ich bin heute nicht mehr am Platz, sende Ihnen die Zahlen aber morgen zu.",
    "Ne m'envoyez plus de brochures par courrier mais plutôt par mail.",
    "No me envíe más catálogos por correo postal, sino por email.",
    "Non mandatemi più cataloghi per posta, ma via mail.",
    "Stuur mij geen brochures meer per post, maar per mail.",
    "Please don't send me any more brochures by post, email them instead.",
]
WISH = [
    "Bitte senden Sie mir keine Angebote mehr, ich bin nicht mehr zuständig.",
    "Senden Sie mir bitte keine E-Mails mehr.",
    "Ne m'envoyez plus de mails, merci.",
    "Stuur mij geen mails meer.",
]
DAYS = [
    ("Estou de férias até 13 de setembro inclusive, mas a minha colega Rita pode ajudar.", date(2026, 9, 14)),
    ("Ik ben tot en met 13 september met vakantie, maar mijn collega Tom helpt u graag verder.", date(2026, 9, 14)),
    ("Jag är på semester till och med 13 september men läser mejl ibland.", date(2026, 9, 14)),
    ("Olen lomalla 13.9. asti mukaan lukien, mutta kollegani Matti auttaa.", date(2026, 9, 14)),
    ("Dziękuję za wiadomość. Do 18.09 jestem na urlopie.", date(2026, 9, 18)),
    ("Olen lomalla 7.9.–18.9., vastaan viesteihin sen jälkeen.", date(2026, 9, 19)),
    ("Olen hiihtolomalla 7.9.–18.9.", date(2026, 9, 19)),
    ("Je suis en formation et lirai mes messages à partir du 21/09.", date(2026, 9, 21)),
    ("Jag är inte på kontoret t.o.m. 18 september.", date(2026, 9, 19)),
    ("Estoy de baja y me incorporo el 21 de septiembre. Mientras tanto le atenderá mi compañero Iker.", date(2026, 9, 21)),
    ("We are observing a public holiday on Thursday, September 10. We will respond on Friday, September 11.", date(2026, 9, 11)),
]  # fmt: skip


def found(text, **rest):
    return judge(letter(text, **rest), received=RECEIVED)


@pytest.mark.parametrize("text", [text for texts in PEOPLE.values() for text in texts])
def test_person_who_mentions_an_absence_is_a_person(text):
    assert found(text).kind is REPLY


@pytest.mark.parametrize(("text", "day"), [row[1:] for row in CLOSED] + DAYS)
def test_closure_or_absence_without_headers_has_its_day(text, day):
    judged = found(text)

    assert (judged.kind, judged.back.on) == (AWAY, day)


@pytest.mark.parametrize("text", RECEIPTS.values(), ids=RECEIPTS)
def test_receipt_with_a_number_is_automatic(text):
    assert found(text).kind is OTHER


@pytest.mark.parametrize("text", NO_WISH)
def test_other_mail_that_is_not_wanted_is_no_wish_for_silence(text):
    assert found(text).kind is not STOP


@pytest.mark.parametrize("text", WISH)
def test_wish_for_silence_is_one(text):
    assert found(text).kind is STOP


def test_subject_of_an_absence_above_a_question_to_us_is_a_person():
    text = "Hi Sam, I have to move our demo, I'm out of the office on Friday. Would Monday suit you?"

    assert found(text, subject="Out of office on Friday - our demo").kind is REPLY

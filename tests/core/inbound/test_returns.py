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
LETTERS = [
    (
        "en",
        "Hello,\n\nThank you for your email. I am currently out of office, returning on the 22nd June. For urgent matters please call 0151 22 33 44.\n\nKind regards\nAmy",
        june(22),
    ),
    (
        "en",
        "Thank you for contacting me. I'm out of the office until Monday June 22nd and will reply upon my return.",
        june(22),
    ),
    ("en", "Hi! I'm on PTO this week and will be back on Monday.", june(15)),
    ("en", "I'm OOO 6/8 - 6/19 and will respond when I'm back.", june(20)),
    (
        "en",
        "I will be on vacation from Monday, June 8 through Friday, June 19, returning to the office Monday, June 22.",
        june(22),
    ),
    ("en", "Please note I am on leave up to 19th June (inclusive).", june(20)),
    ("en", "I'm out sick today.", june(11)),
    ("en", "I am out of the office this afternoon and will be back in tomorrow morning.", june(11)),
    ("en", "I'm at a conference all week and back Monday 15th.", june(15)),
    ("en", "I am out of office Wednesday to Friday this week.", june(13)),
    ("en", "I will be out of the office from 10 June for 2 weeks.", june(24)),
    ("en", "I am travelling till the 19th & will have patchy internet.", june(19)),
    ("en", "Last day of leave: 19 June 2026", june(20)),
    ("en", "Return date: 22 June 2026", june(22)),
    ("en", "Start: 08/06/2026\nEnd: 19/06/2026\nI'm on annual leave.", june(20)),
    (
        "en",
        "I'm on vacation and will be checking email sporadically. Will be back in the office Tue 6/23.",
        june(23),
    ),
    (
        "en",
        "The office will be closed Thursday June 11 and Friday June 12 and will reopen Monday, June 15.",
        june(15),
    ),
    ("en", "I'm out of the office on 10 and 11 June.", june(12)),
    (
        "en",
        "I am on a business trip to Japan, June 7-14. Your email will be answered after June 15.",
        june(15),
    ),
    ("en", "I have left for the day and will be back tomorrow.", june(11)),
    ("en", "I will be out of the office beginning June 8th, returning June 22nd.", june(22)),
    ("en", "I'm away until 22nd of June 2026, 09:00.", june(22)),
    ("en", "I am out of the office until 22-06-2026.", june(22)),
    ("en", "I'm enjoying some time off with family. I'll be online again on Jun 22.", june(22)),
    ("en", "I am currently out of the office and will be back in a week.", june(17)),
    ("en", "I will be away for 3 working days.", june(15)),
    ("en", "I'm out of office until Monday 22/6/26", june(22)),
    ("en", "I'm on leave w.e.f. 8 June to 19 June.", june(20)),
    ("en", "I am unavailable June 8th to 12th inclusive.", june(13)),
    ("en", "Our company is closed for the holidays between 8th and 14th June.", june(15)),
    ("en", "I am away from the 8th until the 19th of June.", june(19)),
    ("en", "Out of Office - back Thursday", june(11)),
    ("en", "I'm on vacation until Sunday 21 June so will respond Monday 22 June.", june(21)),
    (
        "de",
        "Guten Tag,\n\nvielen Dank für Ihre E-Mail. Ich bin aktuell nicht im Büro und kehre am Montag, dem 22.06.2026, zurück. In dringenden Fällen erreichen Sie Frau Holm unter 0221/12 34 56.\n\nMit freundlichen Grüßen\nPaul Rabe",
        june(22),
    ),
    ("de", "Ich bin derzeit außer Haus. Sie erreichen mich wieder ab 22.06.", june(22)),
    ("de", "Ich bin vom 08.06.2026 bis einschließlich 19.06.2026 nicht im Büro.", june(20)),
    ("de", "Ich bin ab heute bis zum 19. Juni im Urlaub", june(20)),
    ("de", "Vom 8. Juni bis zum 19. Juni (einschl.) habe ich Urlaub.", june(20)),
    ("de", "Mein erster Arbeitstag ist der 22. Juni.", june(22)),
    ("de", "Ihre Nachricht wird nach meiner Rückkehr am 22.6. bearbeitet.", june(22)),
    ("de", "Ich bin unterwegs und lese E-Mails erst am Freitag wieder.", june(12)),
    ("de", "Ich bin in Elternzeit und komme am 1.7. wieder.", date(2026, 7, 1)),
    ("de", "Bis Montag bin ich nicht erreichbar.", june(15)),
    ("de", "Ich bin diese Woche im Urlaub und am Montag, 15.6. wieder da.", june(15)),
    ("de", "Ich bin noch bis Freitag, 12. Juni auf Fortbildung.", june(12)),
    ("de", "Wir haben Betriebsferien vom 8. - 19.6.26. Ab 22.6. sind wir wie gewohnt für Sie da.", june(22)),
    (
        "de",
        "Meine Mails werden nicht weitergeleitet. Ich bin in der Zeit vom 8.6.2026 – 19.6.2026 abwesend.",
        june(20),
    ),
    ("de", "Ich bin am 10. und 11. Juni nicht im Büro.", june(12)),
    ("de", "Danke! Bin erst wieder in zwei Wochen erreichbar.", june(24)),
    ("de", "Ich bin zur Zeit in Urlaub. Rückkehr: 22.06.2026", june(22)),
    ("de", "Ich bin in den KW 24-25 im Urlaub.", june(22)),
    ("de", "Bin im Urlaub (8.6.-19.6.)", june(20)),
    (
        "fr",
        "Bonjour,\n\nJe suis actuellement en congés et serai de retour au bureau le 22 juin 2026. En cas d'urgence, contactez Luc au 01 22 33 44 55.\n\nCordialement",
        june(22),
    ),
    ("fr", "Absente jusqu'au vendredi 19/06 inclus, je vous répondrai à mon retour.", june(20)),
    ("fr", "Je suis en congé du lundi 8 au vendredi 19 juin inclus.", june(20)),
    ("fr", "Je suis absente ce jour, je vous répondrai dès demain.", june(11)),
    ("fr", "Je serai absent entre le 8 et le 19 juin.", june(20)),
    ("fr", "Je ne serai pas joignable avant le 22 juin.", june(22)),
    ("fr", "Votre message sera traité à partir du 22 juin, date de mon retour.", june(22)),
    ("fr", "Je serai à nouveau présente au bureau à compter de lundi 22/6.", june(22)),
    ("fr", "En congés jusqu'à lundi.", june(15)),
    ("fr", "Retour le 22/06.", june(22)),
    (
        "es",
        "Hola:\n\nGracias por tu correo. En estos momentos me encuentro de vacaciones y volveré a la oficina el día 22 de junio. Para temas urgentes escribe a Ana.\n\nUn saludo",
        june(22),
    ),
    ("es", "Estaré fuera de la oficina desde el lunes 8 hasta el viernes 19 de junio.", june(20)),
    ("es", "Me encuentro de vacaciones del 08/06/2026 al 19/06/2026, ambos inclusive.", june(20)),
    ("es", "No estaré disponible hasta el próximo lunes.", june(15)),
    ("es", "Estaré de vuelta el martes 23.", june(23)),
    ("es", "Hoy no estoy en la oficina. Regreso mañana.", june(11)),
    ("es", "Mi fecha de regreso es el 22/06/26.", june(22)),
    ("es", "Permaneceré ausente los días 10 y 11 de junio.", june(12)),
    (
        "it",
        "Gentile mittente, sono assente dall'ufficio fino a venerdì 19 giugno compreso. Risponderò al mio rientro lunedì 22 giugno.",
        june(22),
    ),
    ("it", "Sarò fuori ufficio da lunedì 8 a venerdì 19 giugno.", june(20)),
    ("it", "Sono in ferie dall'8 giugno al 19 giugno inclusi.", june(20)),
    ("it", "Non sarò in ufficio fino a lunedì prossimo.", june(15)),
    ("it", "Gli uffici resteranno chiusi dal 8/6 al 19/6 compresi e riapriranno lunedì 22/6.", june(22)),
    ("it", "Sono in trasferta. Leggerò la posta a partire dal 22 giugno.", june(22)),
    ("it", "Rientro: 22/06/2026", june(22)),
    ("it", "Sarò assente il giorno 10 giugno.", june(11)),
    (
        "nl",
        "Beste,\n\nBedankt voor je mail. Ik ben momenteel met verlof en ben terug op maandag 22 juni. Voor dringende zaken kan je terecht bij Jan.\n\nMvg",
        june(22),
    ),
    ("nl", "Ik ben op vakantie van maandag 8 juni tot en met vrijdag 19 juni.", june(20)),
    ("nl", "Wegens vakantie ben ik tot maandag 22 juni niet bereikbaar.", june(22)),
    ("nl", "Ik ben afwezig t/m 19-06.", june(20)),
    ("nl", "Ik ben vanaf 22/6 weer op kantoor.", june(22)),
    ("nl", "Ik ben tot 1 juli met zwangerschapsverlof.", date(2026, 7, 1)),
    ("nl", "Ons kantoor is gesloten van 8/6 t.e.m. 12/6.", june(13)),
    ("nl", "Donderdag ben ik weer aanwezig.", june(11)),
    ("pt", "Olá, estou de férias e retorno no dia 22/06. Em caso de urgência, contactar a Rita.", june(22)),
    ("pt", "Estarei ausente do escritório de 8 a 19 de junho, inclusive.", june(20)),
    ("pt", "Encontro-me ausente até dia 19 de Junho (inclusive).", june(20)),
    ("pt", "Estou em férias no período de 08/06/2026 a 19/06/2026.", june(20)),
    ("pt", "Voltarei a responder a partir de segunda, dia 15.", june(15)),
    ("pt", "Estarei fora do escritório nos dias 10 e 11 de junho.", june(12)),
    (
        "pl",
        "Dzień dobry,\n\nobecnie przebywam na urlopie. Do pracy wracam 22.06.2026. W pilnych sprawach proszę o kontakt z Anną.\n\nPozdrawiam",
        june(22),
    ),
    ("pl", "W dniach 08.06-19.06 jestem nieobecny.", june(20)),
    ("pl", "Jestem na urlopie do 19.06.2026 r. włącznie.", june(20)),
    ("pl", "Będę dostępny ponownie od poniedziałku, 22 czerwca.", june(22)),
    ("pl", "Odpowiem po powrocie, tj. 22 czerwca.", june(22)),
    ("pl", "Wracam w poniedziałek.", june(15)),
    (
        "sv",
        "Hej! Jag är på semester och är åter på kontoret den 22/6. Vid brådskande ärenden, ring Eva på 08-12 34 56.",
        june(22),
    ),
    ("sv", "Jag har semester v 24-25 och är tillbaka måndag v 26.", june(22)),
    ("sv", "Jag är föräldraledig t o m 19 juni.", june(20)),
    ("sv", "Är på tjänsteresa fr o m 8 juni t o m 19 juni.", june(20)),
    ("sv", "Jag är inte på kontoret idag. Jag är åter imorgon torsdag.", june(11)),
    ("da", "Tak for din mail. Jeg er på ferie og er tilbage på kontoret mandag d. 22. juni 2026.", june(22)),
    ("da", "Jeg holder ferie i uge 24 og 25 og er tilbage mandag den 22. juni.", june(22)),
    ("da", "Jeg er på kursus frem til torsdag den 11. juni.", june(11)),
    ("da", "Jeg holder fri fra d. 8/6 til og med d. 19/6.", june(20)),
    ("no", "Takk for din e-post. Jeg er på ferie og er tilbake på kontoret mandag 22. juni.", june(22)),
    ("no", "Jeg er på ferie f.o.m. 8. juni t.o.m. 19. juni.", june(20)),
    ("no", "Jeg er ikke tilgjengelig før mandag 22. juni.", june(22)),
    ("no", "Er tilbake tirsdag 23.6.", june(23)),
    (
        "fi",
        "Hei! Olen vuosilomalla 8.6.-19.6. Palaan töihin ma 22.6. Kiireellisissä asioissa ota yhteyttä Mattiin, p. 040 123 4567.",
        june(22),
    ),
    ("fi", "Olen lomalla 19.6. saakka.", june(19)),
    ("fi", "Olen poissa perjantaihin asti.", june(12)),
    ("fi", "Olen tavoitettavissa seuraavan kerran 22.6.2026.", june(22)),
    ("fi", "Lomalla 8. - 19.6.", june(20)),
    (
        "cs",
        "Dobrý den, děkuji za Váš e-mail. Do 19. 6. jsem na dovolené. Zpět v kanceláři budu v pondělí 22. 6.",
        june(22),
    ),
    ("cs", "Ve dnech 8.6.-19.6.2026 čerpám dovolenou.", june(20)),
    ("cs", "Od 8. 6. do 19. 6. 2026 budu mimo kancelář.", june(20)),
    ("cs", "Na Váš e-mail odpovím po svém návratu 22.6.", june(22)),
    ("cs", "Jsem nemocná do pátku.", june(12)),
    (
        "ja",
        "お世話になっております。\n6月8日(月)から6月12日(金)まで夏季休暇をいただいております。\n6月15日(月)より通常通り業務を開始いたします。",
        june(15),
    ),
    ("ja", "誠に勝手ながら、6/8~6/12の間、休暇を取得しております。", june(13)),
    ("ja", "来週月曜日に出社予定です。", june(15)),
    ("ja", "只今出張中です。6月15日以降にご連絡いたします。", june(15)),
    ("ja", "本日は終日不在にしております。", june(11)),
    ("ja", "休業期間:2026年6月8日(月)〜2026年6月14日(日)", june(15)),
    ("en", "I'm out of the office the week of June 8, back the following Monday.", june(15)),
]
BY_LANGUAGE = {
    "en": ENGLISH, "de": GERMAN, "fr": FRENCH, "es": SPANISH, "it": ITALIAN, "nl": DUTCH, "pt": PORTUGUESE,
    "pl": POLISH, "sv": SWEDISH, "da": DANISH, "no": NORWEGIAN, "fi": FINNISH, "cs": CZECH, "ja": JAPANESE,
}  # fmt: skip
STATED = (
    [(language, text, day) for language, rows in BY_LANGUAGE.items() for text, day in rows] + OTHERS + LETTERS
)


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
    ('de', 'Ich bin mittwochs nicht im Büro.'),
    ('de', 'Ich bin bis auf Weiteres nicht im Büro.'),
    ('de', 'Ich bin bis 12 Uhr in einem Termin.'),
    ('fr', 'Je suis en télétravail le mercredi et absente le vendredi.'),
    ('fr', "Je suis en congé maternité jusqu'en septembre."),
    ('es', 'Los viernes no trabajo.'),
    ('es', 'Estaré ausente por vacaciones hasta agosto.'),
    ('it', 'Sono in maternità fino a dicembre.'),
    ('nl', 'Op maandag en vrijdag ben ik niet aanwezig.'),
    ('pt', 'Estou em licença até agosto.'),
    ('pl', 'Do końca czerwca przebywam na urlopie.'),
    ('sv', 'Jag är ledig på fredagar.'),
    ('sv', 'Jag är på semester till midsommar.'),
    ('da', 'Jeg er på barsel.'),
    ('fi', 'Olen äitiyslomalla toistaiseksi.'),
    ('cs', 'Do konce června jsem na dovolené.'),
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

"""Guess the language of a mail from its letters and small words: fast, and None rather than wrong. Pure."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from typing import Final

LONGEST_TEXT_CHARS: Final = 3_000
# At least so many small words must speak for a language, and so much more than for the next.
LEAST_SCORE: Final = 1.4
LEAD: Final = 1.2
RANKED_SHARE: Final = 0.3
LETTER_SCORE: Final = 0.6
_WORD: Final = re.compile(r"[^\W\d_]+")

# Small words of letters and of away messages. A word of several languages counts for each, but less.
WORDS: Final[dict[str, str]] = {
    "en": "the and of to is you your for with i am will be on at from have not this that my are we out office until back please contact "
    "thank thanks email return in a any access if urgent away hi hello regards best it can by but vacation holiday currently "
    "monday tuesday wednesday thursday friday january february march april june july august october december returning week days",
    "de": "der die das und ich bin ist nicht sie ihre ihr mit für von zu dem den im am bis ab in auf wieder wir werden wird haben ein eine "
    "bitte grüße grüßen freundlichen vielen dank nachricht büro urlaub abwesend erreichbar zurück sind kann zum zur bei auch es herr frau "
    "montag dienstag mittwoch donnerstag freitag januar februar märz juni juli oktober dezember wochen tage nächste kommenden einschließlich vom heute morgen",
    "fr": "le la les de des du et est je suis vous votre nous au aux en un une pour par sur avec ne pas ce cette merci bonjour absent absente "
    "bureau jusqu retour serai cordialement message mail congés urgence contacter mon ma à qui que sera cas "
    "lundi mardi mercredi jeudi vendredi janvier février mars avril juin juillet août septembre octobre décembre reviens demain prochain inclus semaine semaines fermés",
    "es": "el la los las de del y es en que un una por para con no se su mi me le al estoy estaré hasta gracias hola saludos mensaje correo "
    "oficina fuera vacaciones vuelta día si caso urgencia contactar usted puede "
    "lunes martes miércoles jueves viernes enero febrero abril mayo junio julio septiembre octubre noviembre diciembre vuelvo volveré regreso mañana semana semanas ausente durante",
    "it": "il lo la i gli le di del della e è in che un una per con non si sono mi suo ho al dal fino sarò grazie buongiorno saluti messaggio "
    "ufficio fuori ferie caso contattare cordiali gentile posso alla ai da ma assente "
    "lunedì martedì mercoledì giovedì venerdì gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre rientro rientrerò torno tornerò domani oggi settimana settimane prossimo",
    "nl": "de het een en ik ben is niet u uw met voor van te op tot in aan wij we zijn bericht kantoor vakantie afwezig bereikbaar terug dank "
    "groet groeten vriendelijke contact opnemen weer kunt mijn dit dat bij als ook er om naar per vanaf heeft mail "
    "maandag dinsdag woensdag donderdag vrijdag januari februari maart juni juli augustus oktober morgen vandaag volgende komende weken tot",
    "pt": "o a os as de do da dos e é em que um uma por para com não se seu sua meu estou estarei até obrigado obrigada olá mensagem correio "
    "escritório fora férias caso contactar cumprimentos ao à no na você favor ausente pelo dia "
    "segunda terça quarta quinta sexta feira janeiro fevereiro abril maio junho julho setembro outubro novembro dezembro volto voltarei regresso retorno amanhã hoje próxima próximo semana semanas",
    "pl": "i w na z do się jest nie jestem że od po o za będę dziękuję proszę wiadomość biurze urlopie urlop poza kontakt pozdrawiam sprawach "
    "pilnych dnia państwa pan pani dzień dobry oraz przez dla są jak który mnie "
    "poniedziałek wtorek środa czwartek piątek stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia wracam wrócę jutro tygodnie nieobecny nieobecna",
    "sv": "och jag är inte det som en ett på i av för med till den att du har kan ditt din mitt tack hej hälsningar vänliga kontoret semester "
    "åter tillbaka från om mig vi kontakta mejl vid eller nu "
    "måndag tisdag onsdag torsdag fredag januari februari juni juli augusti oktober vecka veckor imorgon idag ledig borta frånvarande",
    "da": "og jeg er ikke det som en et på i af for med til den at du har kan dit din mit tak hej hilsen venlig kontoret ferie tilbage fra "
    "igen mig vi kontakt mail ved eller nu indtil uge hvis være haster bliver "
    "mandag tirsdag onsdag torsdag fredag januar februar marts juni juli august oktober uger næste morgen fri fridag vender træffes",
    "no": "og jeg er ikke det som en et på i av for med til den å du har kan ditt din mitt takk hei hilsen vennlig kontoret ferie tilbake fra "
    "igjen meg vi kontakt ved eller nå frem uke hvis være haster blir e-post "
    "mandag tirsdag onsdag torsdag fredag januar februar mars juni juli august oktober desember uker ukene neste morgen fri borte kommer tilgjengelig",
    "fi": "ja on en ei olen että se ole minä kiitos hei terveisin ystävällisin lomalla poissa toimistolta asti saakka takaisin viesti viestiisi "
    "ota yhteyttä kiireellisissä asioissa voit olla jos tai palaan vastaan mutta myös kun "
    "maanantaina tiistaina keskiviikkona torstaina perjantaina tammikuuta kesäkuuta heinäkuuta elokuuta töihin huomenna tänään jälleen vuosilomalla",
    "cs": "svém svého odpovím odpoví váš a je se na v že nejsem jsem do od s z k o pro za budu děkuji dobrý den pozdravem zprávu kanceláři dovolené dovolená mimo prosím "
    "kontaktujte vaši zpět případě naléhavých nebo jako ale opět mě "
    "pondělí úterý středu čtvrtek pátek ledna února března dubna května června července srpna září října prosince vrátím vracím dnes zítra týden",
    "hu": "a az és nem vagyok hogy is meg egy van ig szabadságon irodában irodán kívül köszönöm üdvözlettel kérem tisztelt leszek vissza "
    "sürgős esetben levelét kedves között "
    "irodánk zárva nyitunk újra ismét tart miatt szeptember október november december "
    "hétfőn kedden szerdán csütörtökön pénteken január február március június július augusztus holnap ma",
    "tr": "ve bir bu için ile değil teşekkürler merhaba saygılarımla izinde izinli ofis dışında tarihleri arasında kadar döneceğim iletişime "
    "acil durumlarda olacağım tarihinde lütfen size "
    "pazartesi salı çarşamba perşembe cuma ocak şubat mart nisan haziran temmuz ağustos eylül ekim kasım aralık izindeyim izinliyim",
    "ru": "и в не на я что с по до из за от вы ваш для это спасибо здравствуйте уважением отпуске письмо нет буду офисе сообщение просьба "
    "понедельник вторник среду четверг пятницу января февраля марта апреля мая июня июля августа сентября октября ноября декабря вернусь отпуск меня",
}  # fmt: skip
LETTERS: Final[dict[str, str]] = {
    "de": "ß", "es": "ñ¿¡", "pt": "ãõ", "pl": "łżźśćń", "cs": "ěřů", "hu": "őű", "tr": "ığş", "fr": "œêèç",
    "sv": "", "da": "æ", "no": "", "it": "", "nl": "",
}  # fmt: skip
_KANA: Final = re.compile(r"[぀-ヿ]")
_HANGUL: Final = re.compile(r"[가-힣]")
_HAN: Final = re.compile(r"[一-鿿]")


def guess(text: str) -> str | None:
    """Give the ISO code of the language, such as "en"; None where too little tells, or two are as likely."""
    scores = _scores(text)
    if not scores:
        return None
    (language, best), *others = scores
    if best < LEAST_SCORE or (others and best < LEAD * others[0][1]):
        return None
    return language


def ranked(text: str) -> list[str]:
    """Give the languages that some part of the text may be in, most likely first: mail is often in two."""
    scores = _scores(text)
    least = min(LEAST_SCORE, scores[0][1] * RANKED_SHARE) if scores else 0
    return [language for language, score in scores if score >= max(least, scores[0][1] * RANKED_SHARE)]


def _scores(text: str) -> list[tuple[str, float]]:
    text = text[:LONGEST_TEXT_CHARS]
    if signs := _signs(text):
        return [signs]
    lowered = text.lower()
    counts = Counter(_WORD.findall(lowered))
    scores: dict[str, float] = {}
    known = _known()
    for word in counts.keys() & known.keys():
        languages = known[word]
        for language in languages:
            scores[language] = scores.get(language, 0) + min(counts[word], 3) / len(languages)
    for language, letters in LETTERS.items():
        if any(letter in lowered for letter in letters):
            scores[language] = scores.get(language, 0) + LETTER_SCORE
    return sorted(scores.items(), key=lambda score: (-score[1], score[0]))


def _signs(text: str) -> tuple[str, float] | None:
    """Tell Japanese, Korean and Chinese by their signs, where these are a good part of the text."""
    if text.isascii():
        return None
    kana, hangul, han = (len(pattern.findall(text)) for pattern in (_KANA, _HANGUL, _HAN))
    if kana + hangul + han < max(4, len(text) // 20):
        return None
    if hangul > kana:
        return "ko", float(hangul)
    return ("ja", float(kana)) if kana * 10 > han else ("zh", float(han))


@cache
def _known() -> dict[str, tuple[str, ...]]:
    known: dict[str, list[str]] = {}
    for language, words in WORDS.items():
        for word in set(words.split()):
            known.setdefault(word, []).append(language)
    return {word: tuple(languages) for word, languages in known.items()}

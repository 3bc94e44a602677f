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
    "thank thanks email return in a any access if urgent away hi hello regards best it can by but vacation holiday currently",
    "de": "der die das und ich bin ist nicht sie ihre ihr mit für von zu dem den im am bis ab in auf wieder wir werden wird haben ein eine "
    "bitte grüße grüßen freundlichen vielen dank nachricht büro urlaub abwesend erreichbar zurück sind kann zum zur bei auch es herr frau",
    "fr": "le la les de des du et est je suis vous votre nous au aux en un une pour par sur avec ne pas ce cette merci bonjour absent absente "
    "bureau jusqu retour serai cordialement message mail congés urgence contacter mon ma à qui que sera cas",
    "es": "el la los las de del y es en que un una por para con no se su mi me le al estoy estaré hasta gracias hola saludos mensaje correo "
    "oficina fuera vacaciones vuelta día si caso urgencia contactar usted puede",
    "it": "il lo la i gli le di del della e è in che un una per con non si sono mi suo ho al dal fino sarò grazie buongiorno saluti messaggio "
    "ufficio fuori ferie caso contattare cordiali gentile posso alla ai da ma assente",
    "nl": "de het een en ik ben is niet u uw met voor van te op tot in aan wij we zijn bericht kantoor vakantie afwezig bereikbaar terug dank "
    "groet groeten vriendelijke contact opnemen weer kunt mijn dit dat bij als ook er om naar per vanaf heeft mail",
    "pt": "o a os as de do da dos e é em que um uma por para com não se seu sua meu estou estarei até obrigado obrigada olá mensagem correio "
    "escritório fora férias caso contactar cumprimentos ao à no na você favor ausente pelo dia",
    "pl": "i w na z do się jest nie jestem że od po o za będę dziękuję proszę wiadomość biurze urlopie urlop poza kontakt pozdrawiam sprawach "
    "pilnych dnia państwa pan pani dzień dobry oraz przez dla są jak który mnie",
    "sv": "och jag är inte det som en ett på i av för med till den att du har kan ditt din mitt tack hej hälsningar vänliga kontoret semester "
    "åter tillbaka från om mig vi kontakta mejl vid eller nu",
    "da": "og jeg er ikke det som en et på i af for med til den at du har kan dit din mit tak hej hilsen venlig kontoret ferie tilbage fra "
    "igen mig vi kontakt mail ved eller nu indtil uge hvis være haster bliver",
    "no": "og jeg er ikke det som en et på i av for med til den å du har kan ditt din mitt takk hei hilsen vennlig kontoret ferie tilbake fra "
    "igjen meg vi kontakt ved eller nå frem uke hvis være haster blir e-post",
    "fi": "ja on en ei olen että se ole minä kiitos hei terveisin ystävällisin lomalla poissa toimistolta asti saakka takaisin viesti viestiisi "
    "ota yhteyttä kiireellisissä asioissa voit olla jos tai palaan vastaan mutta myös kun",
    "cs": "a je se na v že nejsem jsem do od s z k o pro za budu děkuji dobrý den pozdravem zprávu kanceláři dovolené dovolená mimo prosím "
    "kontaktujte vaši zpět případě naléhavých nebo jako ale opět mě",
    "hu": "a az és nem vagyok hogy is meg egy van ig szabadságon irodában irodán kívül köszönöm üdvözlettel kérem tisztelt leszek vissza "
    "sürgős esetben levelét kedves között",
    "tr": "ve bir bu için ile değil teşekkürler merhaba saygılarımla izinde izinli ofis dışında tarihleri arasında kadar döneceğim iletişime "
    "acil durumlarda olacağım tarihinde lütfen size",
    "ru": "и в не на я что с по до из за от вы ваш для это спасибо здравствуйте уважением отпуске письмо нет буду офисе сообщение просьба",
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

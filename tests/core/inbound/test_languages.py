"""The language of a short mail, told by its small words."""

from __future__ import annotations

import pytest

from core.inbound.languages import guess, ranked

MAILS = [
    ("en", "Thank you for your email. I am away and will be back on Monday."),
    ("de", "Vielen Dank für Ihre Nachricht. Ich bin bis Montag nicht im Büro."),
    ("de", "Ich bin wieder da und melde mich bei Ihnen."),
    ("fr", "Bonjour, je suis absent du bureau et je reviens lundi."),
    ("es", "Gracias por su mensaje. Estoy de vacaciones y vuelvo el lunes."),
    ("it", "Buongiorno, sono in ferie e rientro lunedì. Cordiali saluti"),
    ("nl", "Bedankt voor uw bericht. Ik ben niet op kantoor en ben maandag weer terug."),
    ("pt", "Obrigado pela sua mensagem. Estou de férias e volto na segunda."),
    ("pl", "Dziękuję za wiadomość. Jestem na urlopie i wracam w poniedziałek."),
    ("sv", "Tack för ditt mejl. Jag är på semester och är åter på måndag."),
    ("da", "Tak for din mail. Jeg er på ferie og er ikke på kontoret i uge 26."),
    ("no", "Takk for din e-post. Jeg er på ferie og er tilbake i uke 26."),
    ("fi", "Hei, kiitos viestistä. Olen lomalla ja palaan töihin maanantaina."),
    ("cs", "Dobrý den, děkuji za zprávu. Nejsem v kanceláři a jsem zpět v pondělí."),
    ("hu", "Köszönöm levelét. Szabadságon vagyok és hétfőn leszek vissza."),
    ("tr", "Merhaba, bu hafta ofis dışında olacağım ve pazartesi döneceğim."),
    ("ru", "Здравствуйте, я в отпуске и не могу ответить на ваше письмо."),
    ("ja", "お世話になっております。休暇をいただいております。"),
    ("zh", "您好,我正在休假,将于下周回来上班。"),
    ("ko", "안녕하세요. 현재 휴가 중입니다."),
]


@pytest.mark.parametrize(("language", "text"), MAILS)
def test_a_short_mail_tells_its_language(language, text):
    assert guess(text) == language


@pytest.mark.parametrize("text", ["", "OK", "12345 / 2026", "Ida Moss", "👍", "\x00\x00", "a" * 100_000])
def test_too_little_text_is_not_guessed(text):
    assert guess(text) is None


def test_both_languages_of_a_mail_are_ranked():
    text = "Ich bin bis Montag nicht im Büro. Vielen Dank.\n\nI am out of the office until Monday. Thank you for your mail."
    assert set(ranked(text)[:2]) == {"de", "en"}

"""The sender's own words: quotes of every language and program cut, hidden HTML left out."""

from __future__ import annotations

import pytest

from core.inbound import judge, text
from tests.core.inbound.mail import RECEIVED, letter

ATTRIBUTIONS = {
    "en": "On Mon, 7 Sep 2026 at 10:12, Sam Rivers <sam@fermata.example> wrote:",
    "en-wrapped": "On Mon, 7 Sep 2026 at 10:12, Sam Rivers of the Fermata\ntrial team <sam@fermata.example> wrote:",
    "de": "Am Mo., 7. Sept. 2026 um 10:12 Uhr schrieb Sam Rivers <sam@fermata.example>:",
    "de-thunderbird": "Am 07.09.2026 um 10:12 schrieb Sam Rivers:",
    "fr": "Le lun. 7 sept. 2026 à 10:12, Sam Rivers <sam@fermata.example> a écrit :",
    "es": "El lun, 7 sept 2026 a las 10:12, Sam Rivers (<sam@fermata.example>) escribió:",
    "it": "Il giorno lun 7 set 2026 alle ore 10:12 Sam Rivers <sam@fermata.example> ha scritto:",
    "nl": "Op ma 7 sep 2026 om 10:12 schreef Sam Rivers <sam@fermata.example>:",
    "pt": "Em seg., 7 de set. de 2026 às 10:12, Sam Rivers <sam@fermata.example> escreveu:",
    "pl": "pon., 7 wrz 2026 o 10:12 Sam Rivers <sam@fermata.example> napisał(a):",
    "ru": "пн, 7 сент. 2026 г. в 10:12, Sam Rivers <sam@fermata.example>:",
    "ru-wrote": "7 сентября 2026 г. 10:12 пользователь Sam Rivers написал:",
    "sv": "Den mån 7 sep. 2026 kl 10:12 skrev Sam Rivers <sam@fermata.example>:",
    "da": "Den man. 7. sep. 2026 kl. 10.12 skrev Sam Rivers <sam@fermata.example>:",
    "no": "man. 7. sep. 2026 kl. 10:12 skrev Sam Rivers <sam@fermata.example>:",
    "fi": "ma 7. syysk. 2026 klo 10.12 Sam Rivers (sam@fermata.example) kirjoitti:",
    "cs": "po 7. 9. 2026 v 10:12 odesílatel Sam Rivers <sam@fermata.example> napsal:",
    "ja": "2026年9月7日(月) 10:12 Sam Rivers <sam@fermata.example>:",
    "zh": "Sam Rivers <sam@fermata.example> 于2026年9月7日周一 10:12写道：",
    "ko": "2026년 9월 7일 (월) 오전 10:12, Sam Rivers <sam@fermata.example>님이 작성:",
    "tr": "Sam Rivers <sam@fermata.example>, 7 Eyl 2026 Pzt, 10:12 tarihinde şunu yazdı:",
    "hu": "Sam Rivers <sam@fermata.example> ezt írta (időpont: 2026. szept. 7., H, 10:12):",
}
BLOCKS = {
    "original": "-----Original Message-----\nFrom: Sam Rivers",
    "de": "Von: Sam Rivers <sam@fermata.example>\nGesendet: Montag, 7. September 2026 10:12\nAn: Mira Holt\nBetreff: Lager",
    "fr": "De : Sam Rivers <sam@fermata.example>\nEnvoyé : lundi 7 septembre 2026 10:12\nÀ : Mira Holt\nObjet : Dépôts",
    "es": "De: Sam Rivers\nEnviado el: lunes, 7 de septiembre de 2026 10:12\nPara: Mira Holt\nAsunto: Almacenes",
    "it": "Da: Sam Rivers\nInviato: lunedì 7 settembre 2026 10:12\nA: Mira Holt\nOggetto: Depositi",
    "nl": "Van: Sam Rivers\nVerzonden: maandag 7 september 2026 10:12\nAan: Mira Holt\nOnderwerp: Depots",
    "pt": "De: Sam Rivers\nEnviada em: segunda-feira, 7 de setembro de 2026 10:12\nPara: Mira Holt\nAssunto: Armazéns",
    "pl": "Od: Sam Rivers\nWysłano: poniedziałek, 7 września 2026 10:12\nDo: Mira Holt\nTemat: Magazyny",
    "ru": "От: Sam Rivers\nОтправлено: 7 сентября 2026 г. 10:12\nКому: Mira Holt\nТема: Склады",
    "sv": "Från: Sam Rivers\nSkickat: den 7 september 2026 10:12\nTill: Mira Holt\nÄmne: Lager",
    "da": "Fra: Sam Rivers\nSendt: 7. september 2026 10:12\nTil: Mira Holt\nEmne: Lager",
    "fi": "Lähettäjä: Sam Rivers\nLähetetty: maanantai 7. syyskuuta 2026 10:12\nVastaanottaja: Mira Holt\nAihe: Varastot",
    "cs": "Od: Sam Rivers\nOdesláno: pondělí 7. září 2026 10:12\nKomu: Mira Holt\nPředmět: Sklady",
    "ja": "差出人: Sam Rivers\n送信日時: 2026年9月7日 10:12\n宛先: Mira Holt\n件名: 倉庫",
    "zh": "发件人: Sam Rivers\n发送时间: 2026年9月7日 10:12\n收件人: Mira Holt\n主题: 仓库",
    "mac": "*From:* Sam Rivers <sam@fermata.example>\n*Date:* Monday, 7 September 2026 at 10:12\n*To:* Mira Holt\n*Subject:* Depots",
}


@pytest.mark.parametrize("name", ATTRIBUTIONS)
@pytest.mark.parametrize("mark", ["> ", ""], ids=["marked", "plain"])
def test_quote_is_cut_below_its_attribution(name, mark):
    quote = f"{mark}Please unsubscribe me is what people write.\n{mark}Sam"

    assert text.own(f"Friday is fine.\n\n{ATTRIBUTIONS[name]}\n\n{quote}").whole == "Friday is fine."


@pytest.mark.parametrize("name", BLOCKS)
def test_quote_is_cut_at_a_block_of_headers(name):
    assert text.own(f"Friday is fine.\n\n{BLOCKS[name]}\n\nPlease unsubscribe me.").whole == "Friday is fine."


def test_answers_between_quoted_lines_are_kept():
    own = text.own(f"{ATTRIBUTIONS['en']}\n> How many vans?\nForty.\n> Which town?\nHull.\n")

    assert own.whole == "Forty.\nHull."


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("Fine by me.\n\n-- \nMira Holt\nLumen Ltd", "Fine by me."),
        ("Fine by me.\n\nKind regards,\nMira Holt\nHead of Depots", "Fine by me."),
        ("Passt.\n\nMit freundlichen Grüßen\nMira Holt", "Passt."),
        ("Fine.\n\nBest,\nMira\n\nP.S. Call before noon.", "Fine.\n\nP.S. Call before noon."),
        ("Fine.\n\nSent from my iPhone", "Fine."),
        ("Best of luck with it. We will not buy.", "Best of luck with it. We will not buy."),
    ],
)
def test_signature_is_cut(body, words):
    assert text.own(body).words == words


@pytest.mark.parametrize(
    "hidden",
    [
        '<div style="display:none">unsubscribe me</div>',
        '<span style="font-size:0px">unsubscribe me</span>',
        '<p style="Visibility : Hidden">unsubscribe me</p>',
        "<div hidden>unsubscribe me</div>",
        "<!-- unsubscribe me -->",
        "<style>unsubscribe me</style>",
        "<script>unsubscribe me</script>",
        "<blockquote>unsubscribe me</blockquote>",
        '<div style="mso-hide:all"><div>unsubscribe</div> me</div>',
    ],
)
def test_what_html_hides_is_not_read(hidden):
    html = f"<html><head><title>unsubscribe</title></head><body><p>Let&#39;s talk.</p>{hidden}</body></html>"

    assert text.own(text.from_markup(html)).whole == "Let's talk."


def test_html_is_read_where_there_is_no_plain_text():
    raw = letter("", html="<p>Could you <b>send</b> a price list?</p><p>Mira</p>")

    assert judge(raw, received=RECEIVED).text == "Could you send a price list?\n\nMira"

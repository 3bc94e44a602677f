"""What leads write, by language; a native speaker can correct it here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Away:
    """An away message: `until` names the first day back as `{day}`, `open` names none."""

    subject: str
    greeting: str
    until: str
    open: str
    closing: str
    date: str
    weekdays: tuple[str, ...]


MONTHS = {
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December"),
    "de": ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober",
           "November", "Dezember"),
    "fr": ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre",
           "novembre", "décembre"),
}  # fmt: skip

AWAY = {
    "en": Away(
        "Automatic reply",
        "Thank you for your message.",
        "I am out of the office and will be back on {day}.",
        "I am out of the office with limited access to email.",
        "I will answer when I return.",
        "{weekday}, {month} {day}, {year}",
        ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    ),
    "de": Away(
        "Automatische Antwort",
        "Vielen Dank für Ihre Nachricht.",
        "Ich bin zurzeit nicht im Büro und ab {day} wieder erreichbar.",
        "Ich bin zurzeit nicht im Büro und lese meine E-Mails nur unregelmäßig.",
        "Ich melde mich nach meiner Rückkehr.",
        "{weekday}, dem {day}. {month} {year},",
        ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    ),
    "fr": Away(
        "Réponse automatique",
        "Merci pour votre message.",
        "Je suis absent du bureau et serai de retour le {day}.",
        "Je suis actuellement absent du bureau et consulte peu mes courriels.",
        "Je vous répondrai à mon retour.",
        "{weekday} {day} {month} {year}",
        ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    ),
}

WISHES = {
    "en": "Please take me off your list and do not write to me again.",
    "de": "Bitte nehmen Sie mich aus Ihrem Verteiler und schreiben Sie mir nicht mehr.",
    "fr": "Merci de me retirer de votre liste de diffusion et de ne plus m’écrire.",
}

"""The pages a lead may see: small, calm, readable on a phone, without scripts, images or anything from elsewhere."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape

STYLE = """
:root{color-scheme:light dark;--paper:#f6f3ec;--sheet:#fffdf8;--ink:#23211d;--soft:#6a655b;--line:#e2dccf;--act:#7a2e3a;--on:#fff}
@media(prefers-color-scheme:dark){:root{--paper:#181715;--sheet:#211f1c;--ink:#f0ece3;--soft:#aaa397;--line:#38342e;--act:#d98a97;--on:#21100f}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;min-height:100svh;display:flex;flex-direction:column;align-items:center;justify-content:center;gap:24px;padding:24px 16px;background:var(--paper);color:var(--ink);font:17px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{width:100%;max-width:416px;padding:36px 28px 32px;background:var(--sheet);border:1px solid var(--line);border-radius:16px;text-align:center}
svg{width:76px;height:auto;color:var(--act)}
h1{margin:16px 0 10px;font:600 25px/1.25 Georgia,"Iowan Old Style","Times New Roman",serif;letter-spacing:-.01em}
p{margin:0 0 10px;overflow-wrap:anywhere}
.soft{color:var(--soft);font-size:15px;margin:0}
form{margin:24px 0 16px}
button{width:100%;min-height:54px;padding:12px 20px;border:0;border-radius:12px;background:var(--act);color:var(--on);font:inherit;font-weight:600;cursor:pointer}
button:hover{filter:brightness(1.08)}
button:focus-visible{outline:3px solid var(--ink);outline-offset:3px}
footer{color:var(--soft);font-size:13px}
"""
STYLE_HASH = f"sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}"

# The sign itself, drawn: few phones have a font with U+1D110.
_SIGN = (
    '<svg viewBox="0 0 76 44" role="img" aria-label="Fermata"><path d="M3 41C5 18 19 4 38 4s33 14 35 37c-5-17-17-27'
    '-35-27S8 24 3 41Z" fill="currentColor"/><circle cx="38" cy="36" r="6" fill="currentColor"/></svg>'
)


def ask(address: str) -> str:
    """Give the page with the one button."""
    return _page(
        "Stop these emails?",
        f"<p>No more mail will be sent to <strong>{escape(masked(address))}</strong>.</p>",
        '<form method="post"><button name="confirm" value="yes">Unsubscribe</button></form>',
        '<p class="soft">Nothing changes until you press the button.</p>',
    )


def done(address: str | None) -> str:
    """Give the page for who is unsubscribed; `address` None: it is known to us no more."""
    who = f"<strong>{escape(masked(address))}</strong>" if address else "Your address"
    return _page(
        "You are unsubscribed",
        f"<p>{who} will get no more mail from this sender.</p>",
        '<p class="soft">A message that was already on its way may still arrive. You can close this page.</p>',
    )


def unknown() -> str:
    """Give the page for a link that is not ours, the same for all of them."""
    return _page(
        "This link does not work",
        "<p>It may have been cut off on its way.</p>",
        '<p class="soft">Open it again from the mail, or answer that mail and ask to be left alone.</p>',
    )


def link_unknown() -> str:
    """Give the page for a link in a mail that leads nowhere, the same for all of them."""
    return _page(
        "This link does not work",
        "<p>It may have been cut off on its way, or what it led to is gone.</p>",
        '<p class="soft">Open it again from the mail, or answer that mail and ask.</p>',
    )


def link_away() -> str:
    """Give the page for when nobody can tell right now where a link leads."""
    return _page(
        "Please try again in a minute",
        "<p>This link cannot be looked up just now.</p>",
        '<p class="soft">Load this page again in a moment; nothing is lost.</p>',
    )


def nothing() -> str:
    """Give the page behind the link that no person can see."""
    return _page("Nothing to see here", '<p class="soft">You can close this page.</p>')


def try_again() -> str:
    """Give the page for when nothing could be saved."""
    return _page(
        "Please try again in a minute",
        "<p>This could not be saved just now, so nothing has changed yet.</p>",
        '<p class="soft">You can also answer the mail and ask to be left alone.</p>',
    )


def masked(address: str) -> str:
    """Give an address that its owner knows again and others cannot copy."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}•••@{domain}"


def _page(title: str, *parts: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{title}</title><style>{STYLE}</style></head>\n"
        f"<body><main>{_SIGN}<h1>{title}</h1>{''.join(parts)}</main><footer>Sent with Fermata</footer></body></html>\n"
    )

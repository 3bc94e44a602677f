"""core.template: what an author may write, what a lead's value may do, and when a lead is held."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Refused
from core.template import MissingValue, Rendered, TemplateFault, compile_step, render, tags
from tests.services import ROOT

FIELDS = frozenset({"city", "site", "job title"})


def lead(**fields):
    custom = fields.pop("custom", {})
    return {
        "lead": {"first_name": "Anna", "email": "anna@acme.com", **fields, "custom": custom},
        "sender": {"name": "Eva", "address": "eva@us.com"},
        "sequence": {"name": "Spring"},
        "unsubscribe_url": "https://us.com/u/t0k?a=1&b=2",
    }


def write(body, *, subject="Hello", **fields) -> Rendered:
    return render(compile_step(subject, body, fields=FIELDS), lead(**fields))


# --- names


@pytest.mark.row(183)
@pytest.mark.parametrize(
    ("tag", "meant"),
    [
        ("lead.frist_name", "lead.first_name"),
        ("frist_name", "first_name"),
        ("FirstName", "first_name"),
        ("lead.compnay", "lead.company"),
        ("lead.custom.citty", "lead.custom.city"),
        ("sender.nam", "sender.name"),
        ("unsubscribe", "unsubscribe_url"),
    ],
)
def test_unknown_tag_is_refused_with_the_nearest_known(tag, meant):
    with pytest.raises(TemplateFault) as refusal:
        compile_step("Hello", f"Hi there,\n\nwe met {{{{ {tag} }}}}.", fields=FIELDS)
    assert f"{{{{ {tag} }}}} is not known; did you mean {meant}?" in str(refusal.value)
    assert refusal.value.line == 3


def test_every_fault_of_a_text_is_named_at_once():
    body = "Hi {{ firstname }}, {{ compny | default: lead.ctiy }}\n\n{% if emial %}{{ name | loud }}{% endif %}{{ zzz }}{{ qqq }}"
    with pytest.raises(TemplateFault) as refusal:
        compile_step("Hello", body, fields=FIELDS)
    said = str(refusal.value)
    for tag in ("firstname", "compny", "lead.ctiy", "emial", "zzz", "qqq"):
        assert said.count(f"{{{{ {tag} }}}} is not known") == 1
    assert said.count("known are lead.first_name") == 1
    assert said.startswith("Line 1 of the body: ")
    assert 'Line 3 of the body: the filter "loud" is not available' in said


def test_an_unfit_link_is_named_beside_an_unknown_tag_and_another_link():
    with pytest.raises(TemplateFault) as refusal:
        compile_step("Hello", "Hi {{ zzz }},\n\n[a](/a) [b](ftp://b.test)", fields=FIELDS)
    tag, links = str(refusal.value).split(" Line 3 of the body: ")
    assert tag.startswith("Line 1 of the body: {{ zzz }} is not known")
    assert links == 'the links "/a" and "ftp://b.test" must begin with https://, http:// or mailto:.'


@pytest.mark.parametrize("where", ["{% if lead.x7 %}a{% endif %}", "{{ name | default: lead.x7 }}"])
def test_unknown_tag_is_found_in_conditions_and_defaults(where):
    with pytest.raises(TemplateFault, match=r"lead\.x7"):
        compile_step("Hello", where, fields=FIELDS)


def test_tags_names_every_tag_in_full_form():
    template = compile_step(
        "{{ first_name }}", '{% if company %}{{ lead.custom["job title"] }}{% endif %}', fields=FIELDS
    )
    assert tags(template) == ("lead.company", "lead.custom.job title", "lead.first_name")


def test_short_and_full_form_write_the_same():
    assert write("{{ first_name }}|{{ lead.first_name }}").text == "Anna|Anna\n"


# --- rows 186, 187, 188, 190: what is refused when a step is compiled


@pytest.mark.row(186)
@pytest.mark.parametrize(
    "body",
    [
        "{{ 'a'*900000000 }}",
        "{% for i in (1..9999) %}{% for j in (1..9999) %}x{% endfor %}{% endfor %}",
        "{{ '%999999999d' | format }}",
        "{{ 'now' | date: '%999999999d' }}",
        "{{ now }}",
        "{{ today }}",
        "{{ name | truncate: 999999999 }}",
        "{{ (1..1000) }}",
        "{% include 'secrets' %}",
        "{% render 'secrets' %}",
        "{% extends 'secrets' %}",
        "{% assign x = name %}",
        "{% capture x %}a{% endcapture %}",
        "{% raw %}{{ x }}{% endraw %}",
        "{% comment %}{% endcomment %}",
        "{% liquid echo name %}",
        "{{ name | upcase: 'a' }}",
        "{{ name | default: x: 'a' }}",
        "{{ name | replace: 'a', 'aaaa' }}",
        "{{ lead }}",
        "{{ lead.custom }}",
        "{{ lead[lead.name] }}",
        "{{ name.size }}",
        "{{ true }}",
        "{{ nil }}",
        "{{ 5 }}",
        "{{ '  ' }}",
        "{{ }}",
        "{% %}",
        "{{{ name }}}",
        "{{ name garbage }}",
        "{{ name if name else company }}",
        "{% if name > 5 %}a{% endif %}",
        "{% if name == 5 %}a{% endif %}",
        "{% if (1..5) contains name %}a{% endif %}",
        "{% else %}",
        "{% endif %}",
        "{% if name %}" * 11 + "a" + "{% endif %}" * 11,
        "{% if " + " and ".join(["name"] * 200) + " %}a{% endif %}",
        "{{ name }}" * 1001,
        "x" * 50_001,
        "",
        " \n\u200b\n ",
        # A branch left out must not leave an element open.
        "**{% if company %}a** b{% endif %}",
        "- {% if company %}one\n- two{% endif %}",
        "[a](https://x.com/{% if company %}b{% endif %})",
        '[a](https://x.com "{% if company %}b{% endif %}")',
        # Links that are none, or that a lead's data could bend.
        "[a](javascript:alert(1))",
        "[a](data:text/html;base64,AAAA)",
        "![a](file:///etc/passwd)",
        "[a](ftp://x.com)",
        "[a](pricing)",
        "[a]({{ lead.domain }})",
    ],
)
def test_what_is_not_allowed_is_refused_at_once(body):
    started = time.monotonic()
    with pytest.raises(TemplateFault) as refusal:
        compile_step("Hello", body, fields=FIELDS)
    assert re.match(r"(Line \d+ of the body|Body): .*[.?]$", str(refusal.value))
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "seed", ["[", "![", "*", "_a", "> ", "- ", "`", "<a", "&#", "{", "](", "*a_", "<!--"]
)
def test_a_hostile_body_does_not_hang_the_compiler(seed):
    body = (seed * 50_000)[:50_000]
    started = time.monotonic()
    with contextlib.suppress(TemplateFault):
        compile_step("Hello", body, fields=FIELDS)
    assert time.monotonic() - started < 10


@pytest.mark.row(187)
@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("Hi,\n\n{{ first_name", 3),
        ("Hi {{ first_name,\nmore }} text", 1),
        ("Hi {{ first_name } and {{ company }}", 1),
        ("a\n{% if name }}b{% endif %}", 2),
        ("a\nb\nfirst_name }}", 3),
        ("a\n{% if name %}b", 2),
    ],
)
def test_unclosed_braces_are_refused_with_their_line(body, line):
    with pytest.raises(TemplateFault, match=f"Line {line} of the body") as refusal:
        compile_step("Hello", body, fields=FIELDS)
    assert refusal.value.line == line


@pytest.mark.row(188)
@pytest.mark.parametrize(
    "char", ["\r", "\n", "\r\n", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\x00", "\t"]
)
def test_line_breaks_in_a_subject_are_refused_in_template_and_value(char):
    with pytest.raises(TemplateFault, match=r"^Subject: "):
        compile_step(f"Hi{char}Bcc: x@y.z", "Body", fields=FIELDS)
    with pytest.raises(Refused):
        write("Body", subject="Hi {{ first_name }}", first_name=f"A{char}Bcc: x@y.z")


@pytest.mark.row(190)
@pytest.mark.parametrize("subject", ["", "  ", "x" * 2000, "=?utf-8?q?a?=", "{{ name", "{% if name %}"])
def test_subject_that_cannot_be_sent_is_refused(subject):
    with pytest.raises(TemplateFault, match=r"^Subject: "):
        compile_step(subject, "Body", fields=FIELDS)


@pytest.mark.row(190)
def test_rendered_subject_over_998_characters_is_refused():
    assert len(write("Body", subject="{{ name }}", name="x" * 998).subject) == 998
    with pytest.raises(Refused):
        write("Body", subject="{{ name }}", name="x" * 999)
    with pytest.raises(Refused):
        write("Body", subject="{{ name }}", name="=?utf-8?q?=0D=0ABcc:_x?=")


# --- row 184: a missing value


@pytest.mark.row(184)
@pytest.mark.parametrize("empty", [None, "", "   ", "\u00a0", "\u200b", "\x00", "\n"])
@pytest.mark.parametrize(
    "body", ["Hi {{ first_name }},", "Hi {{ first_name | capitalize }},", "*Hi* {{ lead.first_name }}"]
)
def test_missing_value_without_default_holds_the_lead(empty, body):
    with pytest.raises(MissingValue) as held:
        write(body, first_name=empty)
    assert held.value.tag == "lead.first_name"
    assert str(held.value) == "The first name is missing; edit the lead, or give the template a default."


def test_missing_key_or_mapping_counts_as_missing():
    template = compile_step("Hello", "{{ lead.custom.city }}", fields=FIELDS)
    for values in ({}, {"lead": {}}, {"lead": {"custom": None}}, {"lead": "text"}):
        with pytest.raises(MissingValue):
            render(template, values)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('Hi {{ first_name | default: "there" }},', "Hi there,"),
        ('Hi {{ first_name | capitalize | default: "there" | upcase }},', "Hi THERE,"),
        ("Hi {{ first_name | default: lead.email }},", "Hi anna@acme.com,"),
        ("Hi{% if first_name %} {{ first_name }}{% endif %},", "Hi,"),
        ("Hi{% if first_name and company %} x{% else %} you{% endif %},", "Hi you,"),
        ("Hi{% unless first_name %} you{% endunless %},", "Hi you,"),
        ("Hi{% if first_name == blank %} you{% endif %},", "Hi you,"),
        ('Hi{% if first_name == "" %} you{% endif %},', "Hi you,"),
        ("Hi{% if first_name == nil %} you{% endif %},", "Hi you,"),
        ("Hi{% if first_name != blank %} {{ first_name }}{% endif %},", "Hi,"),
        ('Hi{% if first_name contains "A" %} {{ first_name }}{% endif %},', "Hi,"),
        ('Hi{% case first_name %}{% when "Anna" %} A{% else %} you{% endcase %},', "Hi you,"),
    ],
)
def test_default_and_tests_respect_a_missing_value(body, text):
    assert write(body, first_name=" ").text == text + "\n"


@pytest.mark.row(184)
def test_an_empty_default_is_refused():
    with pytest.raises(TemplateFault, match="empty default"):
        compile_step("Hello", 'Hi {{ first_name | default: "" }},', fields=FIELDS)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("name | capitalize", "Anna-maria schmidt"),
        ("name | upcase", "ANNA-MARIA SCHMIDT"),
        ("name | downcase | strip", "anna-maria schmidt"),
        ("name | first", "Anna-Maria"),
        ("name | last", "Schmidt"),
        ("name | truncate: 8", "Anna-..."),
        ('name | truncate: 8, "…"', "Anna-Ma…"),
        ("name | escape", "Anna-Maria Schmidt"),
        ('lead.stage == "x"', None),
    ],
)
def test_filters(expression, text):
    if text is None:
        with pytest.raises(TemplateFault):
            compile_step("Hello", f"{{{{ {expression} }}}}", fields=FIELDS)
    else:
        assert write(f"{{{{ {expression} }}}}", name=" Anna-Maria Schmidt ").text == text + "\n"


# --- rows 191, 192: a value is always literal; the author's HTML is taken out and shown


@pytest.mark.row(84, 192)
@pytest.mark.parametrize(
    "value",
    [
        "{{7*7}}",
        "{{ sender.address }}",
        "{% if x %}",
        "**bold**",
        "[a](https://evil.com)",
        "fmt0qx0z",
        "# x",
        "&amp;",
    ],
)
def test_value_is_literal_in_every_part(value):
    rendered = write("Hi {{ name }}!", subject="To {{ name }}", name=value)
    assert rendered.subject == f"To {value}"
    assert rendered.text == f"Hi {value}!\n"
    assert rendered.html == f"<p>Hi {value.replace('&', '&amp;')}!</p>\n"


@pytest.mark.row(192)
def test_markup_in_a_value_is_escaped_in_html_and_plain_in_text():
    value = '<b onclick="x">&\'</b>'
    rendered = write("{{ name }} ![{{ name }}](https://x.com/a.png)", name=value)
    assert rendered.text == f"{value} {value}\n"
    assert "<b" not in rendered.html
    assert "&lt;b onclick=&quot;x&quot;&gt;&amp;&#x27;&lt;/b&gt;" in rendered.html


def test_markup_in_a_default_is_escaped_too():
    assert write('{{ name | default: "<script>" }}').html == "<p>&lt;script&gt;</p>\n"


@pytest.mark.row(191)
@pytest.mark.parametrize(
    "raw",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<iframe src='https://evil.com'></iframe>",
        '<a href="javascript:alert(1)">',
        "<style>p{}</style>",
        "<!-- secret -->",
    ],
)
def test_html_of_the_author_is_taken_out_and_shown(raw):
    template = compile_step("Hello", f"Hi {{{{ name }}}} {raw} bye\n\n{raw}\n", fields=FIELDS)
    rendered = render(template, lead(name="A"))
    for part in (rendered.text, rendered.html):
        assert not re.search(r"script|onerror|iframe|alert|style|secret|<a ", part)
    assert "bye" in rendered.text
    assert any(raw[:6] in note for note in template.notes)


def test_escaped_braces_stay_braces():
    assert write(r"\{\{ x &#123;&#123;y \{\% {{ '{%' }}{{ '{{' }}").html == "<p>{{ x {{y {% {%{{</p>\n"


# --- links


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("Acme & Co", "Acme%20%26%20Co"),
        ("a/../b?c=d#e", "a%2F..%2Fb%3Fc%3Dd%23e"),
        ('"><script>', "%22%3E%3Cscript%3E"),
        ("@evil.com", "%40evil.com"),
        ("Zürich", "Z%C3%BCrich"),
    ],
)
def test_value_inside_a_link_is_percent_encoded_in_both_parts(value, written):
    rendered = write("[see](https://x.com/{{ company }}) <https://x.com/{{ company }}>", company=value)
    assert f'href="https://x.com/{written}"' in rendered.html
    assert rendered.text.startswith(f"see (https://x.com/{written}) https://x.com/{written}")


def test_link_from_a_field_is_kept_if_it_is_a_web_address():
    rendered = write("[see]({{ lead.custom.site }})", custom={"site": 'https://a.com/x?y="z"&é=1'})
    assert rendered.html == '<p><a href="https://a.com/x?y=%22z%22&amp;%C3%A9=1">see</a></p>\n'
    assert rendered.text == "see (https://a.com/x?y=%22z%22&%C3%A9=1)\n"


@pytest.mark.parametrize(
    "value",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.com",
        "a.com",
        "https://u@evil.com",
        "https:/\\x",
        "vbscript:x",
    ],
)
def test_link_from_a_field_that_is_no_web_address_is_refused(value):
    with pytest.raises(Refused, match="used as a link"):
        write("[see]({{ lead.custom.site }})", custom={"site": value})


def test_unsubscribe_link_and_mailto():
    rendered = write("[out]({{ unsubscribe_url }}) or [mail](mailto:{{ sender.address }})")
    assert 'href="https://us.com/u/t0k?a=1&amp;b=2"' in rendered.html
    assert 'href="mailto:eva@us.com"' in rendered.html
    assert rendered.text == "out (https://us.com/u/t0k?a=1&b=2) or mail (eva@us.com)\n"


# --- the two parts


def test_one_body_gives_both_parts():
    rendered = write(
        "# Hello {{ first_name }}\r\n\r\n**One** _two_ `three`\r\nfour  \r\nfive\n\n"
        "- a\n- b\n  1. c\n\n> q\n> r\n\n---\n\n```\ncode  x\n```\n\n[a](https://x.com) <https://y.com>"
    )
    assert rendered.text == (
        "Hello Anna\n\nOne two three\nfour\nfive\n\n- a\n- b\n  1. c\n\n> q\n> r\n\n-----\n\n"
        "code  x\n\na (https://x.com) https://y.com\n"
    )
    assert "<h1>Hello Anna</h1>" in rendered.html
    assert "<strong>One</strong> <em>two</em> <code>three</code><br>" in rendered.html
    assert '<a href="https://x.com">a</a>' in rendered.html


@pytest.mark.parametrize("company", ["Acme", ""])
def test_a_paragraph_left_out_leaves_no_gap(company):
    body = "One\n{% if company %}\nAt {{ company }}\n{% else %}\nNowhere\n{% endif %}\nTwo"
    middle = f"At {company}" if company else "Nowhere"
    rendered = write(body, company=company)
    assert rendered.text == f"One\n\n{middle}\n\nTwo\n"
    assert re.sub(r"\s*\n\s*", "", rendered.html) == f"<p>One</p><p>{middle}</p><p>Two</p>"


@pytest.mark.row(195)
def test_pictures_are_never_fetched():
    # Row 195: nothing but text is made of the address; tests run with the network blocked.
    assert "http://169.254.169.254/x" in write("![logo](http://169.254.169.254/x)").html


# --- properties

_NAMES = st.sampled_from(["first_name", "lead.company", "lead.custom.city", "sender.name", "unsubscribe_url"])
_FILTERS = st.sampled_from(
    [
        "",
        ' | default: "you <&>"',
        " | upcase",
        " | first",
        " | truncate: 3",
        ' | capitalize | default: "x"',
        " | strip | last",
    ]
)
_TEXT = st.text(st.sampled_from("ab *_`[]()<>&#-!\n\\'\"é€{%"), max_size=12)
_LINK = st.builds(
    "[{}](https://x.com/{}?q={{{{ {} }}}}{})".format, st.just("go"), st.just("p"), _NAMES, st.just("&z")
)
_TAG = st.builds(
    "{{{{{} {}{} {}}}}}".format, st.sampled_from(["", "-"]), _NAMES, _FILTERS, st.sampled_from(["", "-"])
)
_VALUE = (
    st.none()
    | st.text(max_size=8)
    | st.sampled_from(["<b>", "{{7*7}}", "**x**", "a\n\n\nb", "https://x.com/a b"])
)


_INNER = st.sampled_from(["**", "x", "\n", "- a", "> b", "[c](https://x.com)", "\n\n"]) | _TAG
_SIDE = st.lists(_INNER, max_size=4).map("".join)
_BRANCH = st.builds("\n{{% if company %}}{}{{% else %}}{}{{% endif %}}".format, _SIDE, _SIDE)
_BODIES = st.lists(_TEXT | _TAG | _LINK | _BRANCH, min_size=1, max_size=6).map("".join)


def test_a_line_end_in_a_value_is_one_in_a_branch_and_outside():
    template = compile_step("Hello", "{{ company }}|{% if name %}{{ company }}{% endif %}", fields=FIELDS)
    lead = {"lead": {"company": "a\rb\r\nc", "name": "Eva"}}
    assert render(template, lead).text == "a\nb\nc|a\nb\nc\n"


@settings(max_examples=200, deadline=None)
@given(body=_BODIES, first=_VALUE, company=_VALUE, city=_VALUE)
def test_pieces_in_parts_equal_liquid(body, first, company, city):
    try:
        template = compile_step("Hello", body, fields=FIELDS)
    except TemplateFault:
        return
    found = dict.fromkeys(template.keys)
    given_values = {"first_name": first, "company": company, "city": city, "name": "Eva O'Neil"}
    for keys in found:
        value = given_values.get(keys[-1], "https://us.com/?a=1&b=2")
        found[keys] = value.replace("\r", "\n").strip() if value and value.strip() else None
    for piece in (template.text, template.html):
        assert _outcome(piece.fill, found) == _outcome(piece.fill_by_liquid, found)


def _outcome(fill, found):
    try:
        return fill(found)
    except Refused as refusal:
        return type(refusal), str(refusal)


class _Balance(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, attrs))
        if tag not in {"br", "hr", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@settings(max_examples=200, deadline=None)
@given(
    body=st.lists(_TEXT | _TAG | _BRANCH, max_size=6).map("".join),
    company=_VALUE,
    name=_VALUE,
)
def test_html_part_is_balanced_and_holds_only_allowed_markup(body, company, name):
    try:
        template = compile_step("Hello", body, fields=FIELDS)
        rendered = render(template, lead(company=company, first_name=name, custom={"city": name}))
    except Refused:
        return
    balance = _Balance()
    balance.feed(rendered.html)
    balance.close()
    assert not balance.open
    for tag, attributes in balance.seen:
        assert tag in {
            "a",
            "blockquote",
            "br",
            "code",
            "em",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "hr",
            "img",
            "li",
            "ol",
            "p",
            "pre",
            "strong",
            "ul",
        }
        for attribute, value in attributes:
            assert attribute in {"href", "title", "src", "alt", "start"}
            assert attribute not in {"href", "src"} or re.match(r"(https?://|mailto:)", value)


def test_first_letters_of_two_mailboxes_are_written_at_once():
    program = """if True:
        import sys
        from concurrent.futures import ThreadPoolExecutor
        from threading import Barrier
        from core.template import markdown
        sys.setswitchinterval(1e-6)
        barrier = Barrier(8)
        def write(n):
            barrier.wait()
            return markdown.normalizeLink("https://x.test/a b"), markdown.normalizeLinkText("https://x.test/a%20b")
        with ThreadPoolExecutor(8) as pool:
            found = set(pool.map(write, range(8)))
        assert found == {("https://x.test/a%20b", "https://x.test/a b")}, found
    """
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)

// What a lead can do with a mail: a bar below it, and the forms behind its buttons.
import { menu } from "./blocks.js";
import { format, h, post, short, toast } from "./dom.js";

const WORDS = ["Thanks, next week suits me. Tuesday?", "Thanks, but we are not interested.", "I am out until Thursday, but yes, let’s talk."];
const LANGUAGES = [["en", "English"], ["de", "Deutsch"], ["fr", "Français"]];
const SYSTEMS = [["exchange", "Outlook or Exchange"], ["gmail", "Gmail"], ["plain", "an unknown one, no header tells"]];

export function bar(mail, about) {
  const more = h("button.plain", { type: "button" }, "More ▾");
  const items = [
    ["A colleague answers…", () => answer(mail, about, true)],
    ["Bounce: no such address", () => act("bounce", { mail: mail.id, hard: true })],
    ["Bounce: mailbox full", () => act("bounce", { mail: mail.id, hard: false })],
    ["Ask for no more mail", () => act("unsubscribe", { mail: mail.id })],
    ["Report as spam", () => act("complain", { mail: mail.id })],
  ];
  return h("div.acts", { role: "group", "aria-label": `As ${about.name}` },
    h("span", {}, `As ${about.name}`),
    h("button.plain", { type: "button", onclick: () => answer(mail, about, false) }, "Answer…"),
    h("button.plain", { type: "button", onclick: () => away(mail, about) }, "Away…"),
    h("button.plain", { type: "button", onclick: () => meeting(mail, about) }, "Meeting…"),
    menu(more, (close) => items.map(([label, go]) => h("button", { type: "button", role: "menuitem", onclick: () => { close(true); go(); } }, label))));
}

async function act(what, body) {
  const answer = await post(`sandbox/lead/${what}`, body);
  if (answer.ok) toast(`Delivered to ${answer.to}. Fermata reads it in a moment.`, 3);
  else toast(answer.said || "That did not work.");
  return answer.ok;
}

function answer(mail, about, colleague) {
  const text = h("textarea", { id: "l-text", rows: 5, required: true, autofocus: true });
  const chips = colleague ? ["I look after this now. What would it cost?"] : WORDS;
  form(colleague ? "A colleague answers" : `Answer as ${about.name}`, "Send", [
    field("l-text", "In their words", text),
    h("div.chips", {}, chips.map((words) => h("button.plain", { type: "button", onclick: () => { text.value = words; text.focus(); } }, words))),
  ], () => act("answer", { mail: mail.id, text: text.value, colleague }));
}

function away(mail, about) {
  const on = h("input", { type: "date", id: "l-on", value: format(new Date(about.now.getTime() + 14 * 86400000), "UTC", { year: "numeric", month: "2-digit", day: "2-digit" }).split("/").reverse().join("-") });
  const language = choice("l-language", LANGUAGES);
  const system = choice("l-system", SYSTEMS);
  const words = h("textarea", { id: "l-words", rows: 2, placeholder: "Out until June 15" });
  form(`${about.name} is away`, "Send", [
    field("l-on", "Back on", on, "Leave it empty: the message names no date."),
    h("div.pair", {}, field("l-language", "Language", language), field("l-system", "Mail program", system)),
    field("l-words", "Or in their own words", words, "Instead of the usual text, date included."),
  ], () => act("away", { mail: mail.id, back_on: on.value || null, language: language.value, system: system.value, words: words.value }));
}

function meeting(mail, about) {
  const known = about.meeting;
  const at = h("input", { type: "datetime-local", id: "l-at", value: local(new Date(about.now.getTime() + 2 * 86400000), about.zone, 15) });
  const when = field("l-at", `When (${about.zone.split("/").pop().replace("_", " ")})`, at);
  const options = [
    ["book", "Book a meeting with the rep", !known],
    ["accept", "Accept an invitation of the rep", !known],
    ["move", "Move the meeting", known?.by === "lead"],
    ["call_off", "Call the meeting off", Boolean(known)],
  ].filter(([, , possible]) => possible);
  let chosen = options[0][0];
  const radios = h("div.choices", { role: "radiogroup", "aria-label": "What happens" }, options.map(([value, label], i) => h("label", {},
    h("input", { type: "radio", name: "l-act", value, checked: i === 0, onchange: () => { chosen = value; when.hidden = value === "call_off"; } }), h("span", {}, label))));
  when.hidden = chosen === "call_off";
  form(`A meeting with ${about.name}`, "Send", [
    known && h("p.hint", {}, `Planned: ${short(new Date(known.at), about.zone)}.`), radios, when,
  ], () => act("meeting", { mail: mail.id, act: chosen, at: chosen === "call_off" ? null : at.value }));
}

function local(moment, zone, hour) {
  const day = format(moment, zone, { year: "numeric", month: "2-digit", day: "2-digit" }).split("/").reverse().join("-");
  return `${day}T${String(hour).padStart(2, "0")}:00`;
}

const choice = (id, options) => h("select", { id }, options.map(([value, label]) => h("option", { value }, label)));
export const field = (id, label, node, hint) => h("div.input", {}, h("label", { htmlFor: id }, label), node, hint && h("div.hint", {}, hint));

export function form(title, submit, fields, send, { hint = "A real message, read over IMAP", close = "Cancel" } = {}) {
  const box = document.getElementById("letter");
  const go = h("button.b.primary", { type: "submit" }, submit);
  box.replaceChildren(h("form", { onsubmit: async (event) => {
    event.preventDefault();
    go.setAttribute("aria-busy", "true");
    if (await send()) box.close();
    go.removeAttribute("aria-busy");
  } },
  h("div.head", { id: "letter-title" }, title), h("div.body", {}, h("div.blocks", {}, fields)),
  h("div.foot", {}, h("span.told", {}, hint), h("button.b", { type: "button", onclick: () => box.close() }, close), go)));
  box.setAttribute("aria-labelledby", "letter-title");
  box.showModal();
  box.querySelector("[autofocus], input, textarea")?.focus();
}

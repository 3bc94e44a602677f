// The leads' mail: a list, a filter, a reader.
import { get, h, post, reconcile, short, toast } from "./dom.js";

const $ = (id) => document.getElementById(id);
const M = { list: [], to: "", open: null, tab: "html", zone: "UTC", first: true };
const FRAME_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

export async function refresh() {
  M.list = (await get("sandbox/mail")).messages;
  draw();
  M.first = false;
}

export function zone(name) {
  if (M.zone === name) return;
  M.zone = name;
  $("mails").replaceChildren();
  if (!M.first) draw();
}

function draw() {
  const everyone = [...new Set(M.list.map((m) => m.to))].sort();
  const filter = $("mail-filter");
  if (filter.options.length !== everyone.length + 1) {
    filter.replaceChildren(h("option", { value: "" }, "everybody"), ...everyone.map((to) => h("option", { value: to }, to)));
    filter.value = M.to;
  }
  const shown = M.list.filter((m) => !M.to || m.to === M.to);
  $("mail-count").textContent = M.list.length ? `${M.list.length} ${M.list.length === 1 ? "message" : "messages"} through SMTP` : "Everything that really went through SMTP";
  const made = reconcile($("mails"), shown.length ? shown : [{ id: "none" }], (m) => m.id, row);
  if (!M.first) made.forEach((li) => li.classList.add("fresh"));
  mark();
  reader();
}

function row(m) {
  if (m.id === "none") return h("li.empty", {}, h("p", {}, M.to ? "No mail to this lead." : "No mail has left yet."), h("p", {}, M.to ? "" : "It appears here the moment a lead’s server takes it."));
  return h("li", {}, h("button", { type: "button", onclick: () => open(m) },
    h("b", {}, m.to), h("time", { dateTime: m.date }, short(new Date(m.date), M.zone)), h("span", {}, m.subject)));
}

function mark() {
  for (const li of $("mails").children) li.firstChild.setAttribute("aria-current", String(li.dataset.key === M.open));
}

function open(m) {
  M.open = m.id;
  mark();
  reader();
  post("sandbox/mail-opened", {}).then((a) => { if (!a.ok) toast(a.said); });
}

function reader() {
  const m = M.list.find((x) => x.id === M.open);
  const box = $("reader");
  const key = m ? `${m.id}${M.tab}${M.zone}` : "none";
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  if (!m) return box.replaceChildren(h("div.empty", {}, h("p", {}, "Choose a message to read it as the lead does.")));
  const tabs = [["html", "As seen"], ["text", "Plain text"], ["headers", "Headers"]].filter(([k]) => k !== "html" || m.html);
  const tab = tabs.some(([k]) => k === M.tab) ? M.tab : tabs[0][0];
  box.replaceChildren(
    h("div.top", {}, h("h2", {}, m.subject),
      h("dl", {}, h("dt", {}, "From"), h("dd", { title: m.from }, m.from), h("dt", {}, "To"), h("dd", { title: m.to }, m.to), h("dt", {}, "Left"), h("dd", {}, short(new Date(m.date), M.zone))),
      h("div.tabs", { role: "tablist" }, tabs.map(([k, name]) => h("button", { type: "button", role: "tab", "aria-selected": String(k === tab), onclick: () => { M.tab = k; reader(); box.querySelector("[aria-selected=true]")?.focus(); } }, name)))),
    tab === "html" ? frame(m) : h("pre", { tabIndex: 0 }, tab === "text" ? m.text : typeof m.headers === "string" ? m.headers : JSON.stringify(m.headers, null, 2)));
}

function frame(m) {
  const style = "body{font:14px/1.55 system-ui,sans-serif;color:#1c2730;margin:14px;overflow-wrap:anywhere}";
  return h("iframe", {
    title: `Message: ${m.subject}`, sandbox: "allow-popups allow-popups-to-escape-sandbox",
    srcdoc: `<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${FRAME_POLICY}"><base target="_blank"><style>${style}</style>${m.html}`,
  });
}

export function start() {
  $("mail-filter").addEventListener("change", (event) => { M.to = event.target.value; draw(); });
}

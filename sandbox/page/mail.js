// Mail: what the leads got and what came back to the reps; a list, a filter, a reader.
import { get, h, post, reconcile, short, toast } from "./dom.js";
import { bar } from "./lead.js";

const $ = (id) => document.getElementById(id);
const M = { box: "out", out: [], in: [], meetings: {}, who: { out: "", in: "" }, open: { out: null, in: null }, seen: 0, tab: "html", zone: "UTC", now: new Date(), first: true };
const FRAME_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";
const PICTURE = /https?:\/\/[^"]*\/o\/[\w-]+\.gif/;
const BOXES = {
  out: { whom: (m) => m.to, none: "No mail has left yet.", noneTold: "It appears here the moment a lead’s server takes it.", choose: "Choose a message to read it as the lead does, and to answer for them." },
  in: { whom: (m) => m.from, none: "Nothing has come back yet.", noneTold: "Open a mail to a lead and press Answer…", choose: "Choose a message to see what really came back." },
};

export async function refresh() {
  const [mail, inbox] = await Promise.all([get("sandbox/mail"), get("sandbox/inbox").catch(() => null)]);
  M.out = mail.messages;
  M.in = inbox?.messages || [];
  M.meetings = inbox?.appointments || {};
  $("box-in").hidden = !inbox;
  if (M.first) M.seen = M.in.length;
  draw();
  M.first = false;
}

export function told(status) {
  M.now = new Date(status.now);
  if (M.zone === status.zone) return;
  M.zone = status.zone;
  M.turned = true;
  $("mails").replaceChildren();
  if (!M.first) draw();
}

function draw() {
  const box = BOXES[M.box];
  if (M.box === "in") M.seen = M.in.length;
  boxes();
  const list = M[M.box];
  const everyone = [...new Set(list.map(box.whom))].sort();
  const filter = $("mail-filter");
  const key = `${M.box}${everyone.join()}`;
  if (filter.dataset.key !== key) {
    filter.dataset.key = key;
    filter.replaceChildren(h("option", { value: "" }, "all"), ...everyone.map((one) => h("option", { value: one }, one)));
    filter.value = M.who[M.box];
  }
  $("mail-filter-name").textContent = M.box === "out" ? "To" : "From";
  const shown = list.filter((m) => !M.who[M.box] || box.whom(m) === M.who[M.box]);
  const made = reconcile($("mails"), shown.length ? shown : [{ id: `none${M.box}` }], (m) => m.id, row);
  if (!M.first && !M.turned) made.forEach((li) => li.classList.add("fresh"));
  M.turned = false;
  mark();
  reader();
}

function boxes() {
  for (const name of ["out", "in"]) $(`box-${name}`).setAttribute("aria-selected", String(M.box === name));
  $("mail-count").textContent = String(M.out.length);
  const fresh = M.in.length - M.seen;
  const count = $("inbox-count");
  count.textContent = fresh > 0 ? `${fresh} new` : String(M.in.length);
  count.classList.toggle("fresh", fresh > 0);
}

function row(m) {
  const box = BOXES[M.box];
  if (m.id.startsWith("none")) return h("li.empty", {}, h("p", {}, M.who[M.box] ? "No mail here." : box.none), h("p", {}, M.who[M.box] ? "" : box.noneTold));
  return h("li", {}, h("button", { type: "button", onclick: () => open(m) },
    h("b", { title: box.whom(m) }, M.box === "out" ? m.to : sender(m)), h("time", { dateTime: m.date }, short(new Date(m.date), M.zone)), h("span", {}, m.subject)));
}

const sender = (m) => m.from.replace(/\s*<[^>]*>$/, "").replace(/^"|"$/g, "") || m.from;

function mark() {
  for (const li of $("mails").children) li.firstChild.setAttribute("aria-current", String(li.dataset.key === M.open[M.box]));
}

function open(m) {
  M.open[M.box] = m.id;
  mark();
  reader();
  // Fermata's own picture is loaded, as by a mail program that shows pictures; the frame loads none from anywhere.
  if (M.box === "out" && PICTURE.test(m.html)) new Image().src = m.html.match(PICTURE)[0];
  if (M.box === "out") post("sandbox/mail-opened", {}).then((a) => { if (!a.ok) toast(a.said); });
}

function reader() {
  const m = M[M.box].find((x) => x.id === M.open[M.box]);
  const box = $("reader");
  const key = m ? `${m.id}${M.tab}${M.zone}` : `none${M.box}`;
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  if (!m) return box.replaceChildren(h("div.empty", {}, h("p", {}, BOXES[M.box].choose)));
  const tabs = [["html", "As seen"], ["text", "Plain text"], ["headers", "Headers"]].filter(([k]) => k !== "html" || m.html);
  const tab = tabs.some(([k]) => k === M.tab) ? M.tab : tabs[0][0];
  box.replaceChildren(
    h("div.top", {}, h("h2", {}, m.subject),
      h("dl", {}, h("dt", {}, "From"), h("dd", { title: m.from }, m.from), h("dt", {}, "To"), h("dd", { title: m.to }, m.to), h("dt", {}, M.box === "out" ? "Left" : "Came"), h("dd", {}, short(new Date(m.date), M.zone))),
      h("div.tabs", { role: "tablist" }, tabs.map(([k, name]) => h("button", { type: "button", role: "tab", "aria-selected": String(k === tab), onclick: () => { M.tab = k; reader(); box.querySelector("[aria-selected=true]")?.focus(); } }, name)))),
    tab === "html" ? frame(m) : h("pre", { tabIndex: 0 }, tab === "text" ? m.text : typeof m.headers === "string" ? m.headers : JSON.stringify(m.headers, null, 2)),
    ...(M.box === "out" && !$("box-in").hidden ? [bar(m, about(m))] : []));
}

// Read when a form opens, so that the clock and the calendar are those of that moment.
const about = (m) => ({
  name: (m.to_name || m.to).split(/[ @]/)[0],
  get now() { return M.now; },
  get zone() { return M.zone; },
  get meeting() { return M.meetings[m.to]; },
});

function frame(m) {
  const style = "body{font:14px/1.55 system-ui,sans-serif;color:#1c2730;margin:14px;overflow-wrap:anywhere}";
  return h("iframe", {
    title: `Message: ${m.subject}`, sandbox: "allow-popups allow-popups-to-escape-sandbox",
    srcdoc: `<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${FRAME_POLICY}"><base target="_blank"><style>${style}</style>${m.html}`,
  });
}

function turnTo(box) {
  if (M.box === box) return;
  M.box = box;
  M.turned = true;
  $("mails").replaceChildren();
  draw();
}

export function start() {
  $("mail-filter").addEventListener("change", (event) => { M.who[M.box] = event.target.value; draw(); });
  for (const name of ["out", "in"]) $(`box-${name}`).addEventListener("click", () => turnTo(name));
}

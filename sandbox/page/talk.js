// The conversation: sidebar, messages, Home, modals and the composer.
import { blocks } from "./blocks.js";
import { clockTime, dayName, get, h, post, reconcile, sign, toast } from "./dom.js";
import { workflow } from "./flow.js";
import { mrkdwn, plain } from "./mrkdwn.js";

const $ = (id) => document.getElementById(id);
const S = { me: sessionStorage.getItem("me") || "", slack: null, place: "", tab: "messages", ran: [], typed: [], seen: {}, examples: [], shortcuts: [] };
let askedAt = 0;

const env = () => ({
  users: S.slack.users,
  channels: Object.fromEntries(S.slack.channels.filter((c) => !c.direct).map((c) => [c.id, c.name])),
  zone: S.slack.users[S.me].tz,
  upload,
});
const direct = () => S.slack.channels.find((c) => c.direct);
const who = () => ({ me: S.me, people: S.slack.people.map((id) => [id, S.slack.users[id].name]) });

export async function refresh() {
  const mine = ++askedAt;
  const [slack, { roles }] = await Promise.all([get(`sandbox/slack?user=${encodeURIComponent(S.me || "ana")}`), get("sandbox/roles")]);
  if (mine !== askedAt) return; // a newer look is on its way
  S.slack = slack;
  S.roles = roles;
  S.me = slack.me;
  // Another person's direct messages are another place with the same name.
  if (!slack.channels.some((c) => c.id === S.place)) S.place = (S.place.startsWith("D") ? direct() : slack.channels[0]).id;
  draw();
}

export function told(status) {
  S.examples = status.examples;
  S.shortcuts = status.shortcuts;
  const menu = $("launch");
  if (!menu.children.length)
    menu.replaceChildren(...status.global_shortcuts.map((one) => shortcut(one, "")), ...(status.has_steps ? [workflow(who)] : []));
}

export function write(text) {
  const line = $("line");
  line.value = text;
  line.focus();
  line.setSelectionRange(text.length, text.length);
  suggest();
  button();
}

// Sidebar

function draw() {
  sidebar();
  head();
  if (S.tab === "home") home(); else messages();
  modal();
}

function sidebar() {
  const me = $("me");
  if (me.options.length !== S.slack.people.length) me.replaceChildren(...S.slack.people.map((id) => h("option", { value: id }, S.slack.users[id].name)));
  me.value = S.me;
  const user = S.slack.users[S.me];
  $("launch").hidden = S.tab === "home" || user.title === "Guest"; // the bot answers no guest
  $("me-note").textContent = `${user.title}, ${user.tz.split("/").pop().replace("_", " ")}`;
  role(user);
  const rows = S.slack.channels.filter((c) => !c.direct).map((c) => ({ id: c.id, tab: "messages", name: `# ${c.name}`, news: news(c.id) }));
  const d = direct();
  const apps = [{ id: d.id, tab: "home", name: "Home", news: 0 }, { id: d.id, tab: "messages", name: "Messages", news: news(d.id) }];
  for (const [list, items] of [[$("channels"), rows], [$("apps"), apps]]) {
    reconcile(list, items, (r) => `${r.id}${r.tab}${r.news}`, (r) => h("li", {}, h("button", { type: "button", onclick: () => go(r.id, r.tab) },
      h("span", { class: r.news ? "new" : "" }, r.name), r.news > 0 && h("span.count", { "aria-label": `${r.news} new` }, String(r.news)))));
    [...list.children].forEach((li, i) => {
      const here = items[i].id === S.place && items[i].tab === S.tab;
      if (here) li.firstChild.setAttribute("aria-current", "page"); else li.firstChild.removeAttribute("aria-current");
    });
  }
}

// Which of the user groups that say who may do what somebody is in; guests may never act.
function role(user) {
  const box = $("role");
  $("role-box").hidden = S.roles.length < 2 || user.title === "Guest";
  if (box.options.length !== S.roles.length) box.replaceChildren(...S.roles.map((r) => h("option", { value: r.group }, r.group ? `@${r.name}` : r.name)));
  const mine = S.roles.find((r) => r.users.includes(S.me)) || S.roles.at(-1);
  box.value = mine.group;
  $("role-note").textContent = mine.may;
}

function news(channel) {
  const list = S.slack.messages[channel] || [];
  const key = `${S.me}${channel}`;
  const newest = list.length ? list[list.length - 1].ts : "0";
  if (channel === S.place && S.tab === "messages") S.seen[key] = newest;
  else if (!(key in S.seen)) S.seen[key] = newest;
  return list.filter((m) => m.ts > S.seen[key]).length;
}

function go(id, tab) {
  S.place = id;
  S.tab = tab;
  $("messages").replaceChildren();
  draw();
  bottom();
  if (tab === "home") openHome(); else $("line").focus();
}

async function openHome() {
  const answer = await post("sandbox/home", { user: S.me });
  if (!answer.ok) toast(answer.said);
}

function head() {
  const channel = S.slack.channels.find((c) => c.id === S.place);
  $("place-name").textContent = S.tab === "home" ? "Fermata · Home" : channel.direct ? "Fermata" : `# ${channel.name}`;
  $("place-topic").textContent = S.tab === "home" ? "What is yours to do" : channel.direct ? "Between you and the app" : channel.topic;
  $("composer").hidden = S.tab === "home";
  $("line").placeholder = channel.direct ? "Write to Fermata, or type / for a command" : `Write to #${channel.name}, or type / for a command`;
}

// Messages

function messages() {
  const box = $("messages");
  box.classList.remove("home");
  const scroll = $("scroll");
  const low = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;
  const items = rows();
  const known = new Set([...box.children].map((c) => c.dataset.ts));
  const made = reconcile(box, items.length ? items : [{ kind: "empty", key: "empty" }], (r) => r.key, (r) => MAKE[r.kind](r));
  if (low) bottom();
  const redrawn = made.filter((n) => n.dataset.ts && known.has(n.dataset.ts));
  redrawn.forEach((n) => n.classList.add("redrawn"));
  hintAt(redrawn.find((n) => n.getBoundingClientRect().bottom < scroll.getBoundingClientRect().top));
}

function rows() {
  const zone = env().zone;
  const said = (S.slack.messages[S.place] || []).map((m) => ({ kind: "message", key: `${m.ts}.${m.revision}.${m.reactions.length}`, at: m.thread ? `${m.thread} ${m.ts}` : m.ts, message: m }));
  const ran = S.ran.filter((r) => r.user === S.me && r.place === S.place).map((r) => ({ kind: "ran", key: `ran${r.number}${r.state}`, at: `${r.after}~`, ran: r }));
  const sorted = [...said, ...ran].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  const out = [];
  let day = "";
  for (const item of sorted) {
    const seconds = parseFloat(item.at);
    const name = seconds ? dayName(new Date(seconds * 1000), zone) : day;
    if (name !== day && name) out.push({ kind: "day", key: `day${name}`, name });
    day = name;
    out.push(item);
  }
  return out;
}

const MAKE = {
  day: (r) => h("div.day", {}, r.name),
  empty: () => h("div.empty", {}, sign(), h("p", {}, "Nothing here yet."), h("p", {}, "Type ", h("code", {}, "/sequence help"), " to see what Fermata can do.")),
  ran: ({ ran }) => h("div.ran", { class: ran.state === "failed" ? "bad" : "" },
    ran.state === "running" ? h("span.spin", { role: "progressbar", "aria-label": "Running" }) : h("span.ok", {}, ran.state === "done" ? "✓" : "!"),
    h("span", {}, "You ran ", h("code", {}, ran.text), ran.state === "failed" && ` · ${ran.said}`)),
  message: ({ message: m }) => {
    const user = S.slack.users[m.user] || { name: m.user, bot: true };
    const at = new Date(parseFloat(m.ts) * 1000);
    const node = h("div.message", { class: m.ephemeral ? "mine-only" : m.thread ? "threaded" : "", "data-ts": m.ts },
      face(m.user, user),
      h("div", {},
        m.ephemeral && h("div.only", {}, "Only visible to you"),
        m.thread && h("div.only", {}, "In the thread of the card above"),
        h("div.who", {}, h("b", {}, user.name), user.bot && h("span.app", {}, "APP"), h("time", { dateTime: at.toISOString() }, clockTime(at, env().zone))),
        m.blocks.length ? blocks(m.blocks, { ...env(), values: m.state, act: actor(m.ts), suggest: suggester(m.ts) }) : mrkdwn(m.text, env()),
        m.files.length > 0 && h("div.files", {}, m.files.map((f) => h("a", { href: `/sandbox/file/${f.id}`, download: f.title }, `📎 ${f.title}`))),
        m.reactions.length > 0 && h("div.reactions", {}, m.reactions.map((r) => reaction(r, m.ts)))));
    if (S.shortcuts.length && !m.ephemeral) node.append(h("div.shortcuts", {}, [...S.shortcuts.map((one) => shortcut(one, m.ts)), !m.reactions.includes(PAUSE) && reaction(PAUSE, m.ts)]));
    node.dataset.ts = m.ts;
    return node;
  },
};

const COLOURS = ["#7a5c9e", "#b4690e", "#2f6f8f", "#8c4a5b", "#4c7a3f", "#5b6872"];
function face(id, user) {
  const node = h("div.face", { "aria-hidden": "true" }, user.bot && id === S.slack.bot ? sign() : user.name.split(" ").map((w) => w[0]).join("").slice(0, 2));
  const at = S.slack.people.indexOf(id);
  node.style.background = id === S.slack.bot ? "var(--deep)" : COLOURS[at < 0 ? 5 : at % 5];
  return node;
}

const PAUSE = "double_vertical_bar";
function reaction(name, target) {
  return h("button.plain", { type: "button", title: `React with :${name}:`, onclick: async (event) => {
    const answer = await busy(event.currentTarget, post("sandbox/react", { user: S.me, target, name }));
    if (!answer.ok) toast(answer.said);
  } }, plain(`:${name}:`));
}

function shortcut([callback_id, name], target) {
  return h("button.plain", { type: "button", onclick: async (event) => {
    const answer = await busy(event.currentTarget, post("sandbox/shortcut", { user: S.me, target, callback_id }));
    if (!answer.ok) toast(answer.said);
  } }, name);
}

function hintAt(node) {
  const pill = $("pill");
  pill.hidden = !node;
  if (!node) return;
  pill.textContent = "↑ A card above was redrawn";
  pill.onclick = () => { node.scrollIntoView({ block: "center", behavior: "smooth" }); pill.hidden = true; };
  setTimeout(() => { pill.hidden = true; }, 8000);
}

const bottom = () => { const s = $("scroll"); s.scrollTop = s.scrollHeight; };

function home() {
  const box = $("messages");
  box.classList.add("home");
  const view = S.slack.home;
  reconcile(box, [{ key: view ? `${S.me}${view.id}.${view.revision}` : `${S.me}none` }], (r) => r.key, () => view
    ? h("div.card", {}, blocks(view.blocks, { ...env(), values: view.state, act: actor("home"), suggest: suggester("home") }))
    : h("div.empty", {}, sign(), h("p", {}, "Opening your Home tab…")));
}

// Acting

async function busy(node, promise) {
  node?.setAttribute?.("aria-busy", "true");
  const row = node?.closest?.(".actions, .section, .message") || node;
  const others = node?.tagName === "BUTTON" ? [...row.querySelectorAll("button")].filter((b) => !b.disabled) : [];
  others.forEach((b) => { b.disabled = true; });
  const answer = await promise;
  node?.removeAttribute?.("aria-busy");
  others.forEach((b) => { b.disabled = false; });
  return answer;
}

// `typed` gives what stands in a modal's fields: Slack sends it along with every click there.
function actor(target, typed) {
  return async (key, option, node, label, _block, isTyping) => {
    if (isTyping) return;
    if (key.confirm && !(await confirmed(key.confirm))) return;
    const answer = await busy(node, post("sandbox/click", { user: S.me, target, action_id: key.action_id, block_id: key.block_id, option, label: label || "", filled: typed ? typed() : {} }));
    if (!answer.ok) toast(answer.said);
  };
}

async function upload(file) {
  const answer = await fetch(`sandbox/upload?user=${encodeURIComponent(S.me)}&name=${encodeURIComponent(file.name)}`, { method: "POST", body: file });
  return answer.ok ? answer.json() : { ok: false, said: `The sandbox answered ${answer.status}.` };
}

const suggester = (target) => async (key, text) =>
  (await post("sandbox/suggest", { user: S.me, target, action_id: key.action_id, block_id: key.block_id, typed: text })).options || [];

function confirmed(dialog) {
  return new Promise((resolve) => {
    const box = $("confirm");
    const done = (yes) => { box.close(); resolve(yes); };
    box.replaceChildren(h("form", { onsubmit: (event) => { event.preventDefault(); done(true); } },
      h("div.head", {}, plain(dialog.title.text)),
      h("div.body", {}, dialog.text.type === "mrkdwn" ? mrkdwn(dialog.text.text, env()) : plain(dialog.text.text)),
      h("div.foot", {}, h("button.b", { type: "button", onclick: () => done(false) }, plain(dialog.deny.text)),
        h("button.b", { type: "submit", class: dialog.style === "danger" ? "danger solid" : "primary", autofocus: true }, plain(dialog.confirm.text)))));
    box.oncancel = (event) => { event.preventDefault(); done(false); };
    box.showModal();
  });
}

// Modals

let shownModal = "";
function modal() {
  const box = $("modal");
  const view = S.slack.modal;
  const key = view ? `${S.me}${view.id}.${view.revision}.${JSON.stringify(view.errors)}${view.trouble}` : "";
  if (key === shownModal) return;
  const same = view && shownModal.startsWith(`${S.me}${view.id}.`);
  shownModal = key;
  if (!view) { if (box.open) box.close(); return; }
  const values = same ? box.collected : {};
  box.collected = values;
  const stored = structuredClone(view.state);
  for (const [block, inner] of Object.entries(values)) for (const [action, value] of Object.entries(inner)) (stored[block] ||= {})[action] = restored(stored[block]?.[action], value);
  const press = actor("modal", () => fields(view, values));
  const act = (k, option, node, label, block, isTyping) => {
    (values[k.block_id] ||= {})[k.action_id] = option;
    if (block.type !== "input" || block.dispatch_action) press(k, option, node, label, block, isTyping);
  };
  const focused = box.contains(document.activeElement) ? document.activeElement.id : "";
  box.replaceChildren(h("form", { noValidate: true, onsubmit: (event) => { event.preventDefault(); submit(view, values, event.submitter); } },
    h("div.head", { id: "modal-title" }, plain(view.title)),
    h("div.body", {}, blocks(view.blocks, { ...env(), values: stored, errors: view.errors, act, enter: (k, node) => press(k, node.value, node), suggest: suggester("modal") })),
    h("div.foot", {}, view.trouble && h("span.trouble", { role: "alert" }, view.trouble),
      h("button.b", { type: "button", onclick: closeModal }, plain(view.close)), view.submit && h("button.b.primary", { type: "submit" }, plain(view.submit)))));
  box.setAttribute("aria-labelledby", "modal-title");
  box.oncancel = (event) => { event.preventDefault(); closeModal(); };
  if (!box.open) box.showModal();
  (box.querySelector("[aria-invalid=true]") || (focused && document.getElementById(focused)) || box.querySelector(".body input, .body textarea, .body select"))?.focus();
}

// What the person chose here wins over what the server knows, when the same view is drawn again.
function restored(was, value) {
  if (was?.type === "file_input") return was;
  if (Array.isArray(value)) return { ...was, selected_options: value.map((v) => (v.value ? v : { value: v })), selected_users: value };
  if (value?.value) return { ...was, selected_option: value };
  return { ...was, value, selected_option: { value }, selected_user: value, selected_channel: value, selected_conversation: value, selected_date: value, selected_time: value, selected_date_time: value };
}

// What was filled in, by block.
function fields(view, values) {
  const inputs = new Set(view.blocks.filter((b) => b.type === "input").map((b) => b.block_id));
  return Object.fromEntries(Object.entries(values).filter(([block]) => inputs.has(block)).map(([block, inner]) => [block, Object.values(inner).at(-1)]));
}

async function submit(view, values, node) {
  const answer = await busy(node, post("sandbox/submit", { user: S.me, values: fields(view, values) }));
  await refresh();
  if (!answer.ok && !S.slack.modal) toast(answer.said);
}

async function closeModal() {
  const answer = await post("sandbox/close", { user: S.me });
  await refresh();
  if (!answer.ok) { $("modal").close(); }
}

// Composer

let pick = -1;
let offered = [];
let back = 0;

function suggest() {
  const text = $("line").value.trimStart();
  const box = $("suggest");
  offered = text.startsWith("/") && !text.includes("\n") ? S.examples.filter(([start]) => start.startsWith(text) || (text.startsWith(start) && start.endsWith(" ") && text === start)) : [];
  const going = text.startsWith("/") && !offered.length ? S.examples.find(([start]) => text.startsWith(start)) : null;
  if (going) offered = [going];
  pick = going || text === "/" ? -1 : Math.min(pick, offered.length - 1);
  box.hidden = !offered.length;
  box.replaceChildren(...offered.map(([start, meaning, example], index) => h("div", { id: `s${index}`, role: "option", "aria-selected": String(index === pick), onpointerdown: (event) => { event.preventDefault(); if (!going) take(index); } },
    h("b", {}, start.trim()), h("i", {}, example), h("span", {}, meaning))));
  $("line").setAttribute("aria-expanded", String(!box.hidden));
  if (pick >= 0) { $("line").setAttribute("aria-activedescendant", `s${pick}`); box.children[pick].scrollIntoView({ block: "nearest" }); } else $("line").removeAttribute("aria-activedescendant");
  return going;
}

function take(index) {
  const [start] = offered[index];
  pick = -1;
  write(start);
}

const hideSuggestions = () => { pick = -1; $("suggest").hidden = true; $("line").setAttribute("aria-expanded", "false"); };
const button = () => { $("send").disabled = !$("line").value.trim(); };

function keys(event) {
  const open = !$("suggest").hidden;
  const line = $("line");
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    if (open && pick >= 0 && offered[pick][0].trim() !== line.value.trim()) take(pick); else send();
  } else if (event.key === "Tab" && open && !event.shiftKey && offered.length && !line.value.startsWith(offered[0][0])) {
    event.preventDefault();
    take(Math.max(pick, 0));
  } else if (event.key === "Escape" && open) { event.preventDefault(); hideSuggestions(); }
  else if (open && line.value && !S.recalled && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    pick = (pick + (event.key === "ArrowDown" ? 1 : -1) + offered.length) % offered.length;
    suggest();
  } else if (event.key === "ArrowUp" && (!line.value || S.recalled)) { event.preventDefault(); recall(1); }
  else if (event.key === "ArrowDown" && S.recalled) { event.preventDefault(); recall(-1); }
}

function recall(step) {
  back = Math.max(0, Math.min(S.typed.length, back + step));
  S.recalled = back > 0;
  $("line").value = back ? S.typed[S.typed.length - back] : "";
  hideSuggestions();
  button();
}

async function send() {
  const line = $("line");
  const text = line.value.trim();
  if (!text) return;
  if (!S.slack) await refresh(); // somebody was faster than the first look
  line.value = "";
  S.recalled = false;
  back = 0;
  if (S.typed[S.typed.length - 1] !== text) S.typed.push(text);
  hideSuggestions();
  button();
  const list = S.slack.messages[S.place] || [];
  const ran = { number: S.ran.length, user: S.me, place: S.place, text, state: "running", after: list.length ? list[list.length - 1].ts : "0", said: "" };
  const command = text.startsWith("/");
  if (command) { S.ran.push(ran); messages(); bottom(); }
  const answer = await post("sandbox/type", { user: S.me, channel: S.place, text });
  ran.state = answer.ok ? "done" : "failed";
  ran.said = answer.said === "not_a_command" ? "there is no such command" : answer.said;
  if (!answer.ok && !command) toast(answer.said);
  await refresh();
  bottom();
}

export function start() {
  $("me").addEventListener("change", async (event) => {
    S.me = event.target.value;
    sessionStorage.setItem("me", S.me);
    $("messages").replaceChildren();
    shownModal = "";
    $("modal").close();
    await refresh();
    bottom();
    if (S.tab === "home") openHome();
  });
  $("role").addEventListener("change", async (event) => {
    const answer = await post("sandbox/role", { user: S.me, group: event.target.value });
    if (!answer.ok) toast(answer.said);
    await refresh();
    if (S.tab === "home") openHome();
  });
  $("composer").addEventListener("submit", (event) => { event.preventDefault(); send(); });
  $("line").addEventListener("keydown", keys);
  $("line").addEventListener("input", () => { S.recalled = false; back = 0; pick = $("line").value.length > 1 ? 0 : -1; const going = suggest(); if (going) pick = -1; if (!going) suggest(); button(); });
  $("line").addEventListener("blur", hideSuggestions);
  $("line").addEventListener("focus", suggest);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.closest("input, textarea, select, dialog")) { event.preventDefault(); write("/"); }
  });
  button();
}

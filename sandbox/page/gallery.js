// The gallery: every card, answer and form in every state, as the page draws them. Nothing here acts.
import { blocks } from "./blocks.js";
import { get, h, sign } from "./dom.js";
import { plain } from "./mrkdwn.js";

const shown = await get("sandbox/gallery");
const env = { users: shown.users, channels: {}, zone: shown.zone, values: {}, act: () => {}, suggest: async () => [] };
const groups = Map.groupBy ? Map.groupBy(shown.pieces, (p) => p.group) : shown.pieces.reduce((all, p) => all.set(p.group, [...(all.get(p.group) || []), p]), new Map());
const anchor = (name) => name.toLowerCase().replace(/\W+/g, "-");
const wall = document.getElementById("pieces");

for (const [name, list] of groups) {
  document.getElementById("groups").append(h("li", {}, h("button", { type: "button", onclick: () => document.getElementById(anchor(name)).scrollIntoView({ behavior: "smooth" }) },
    h("span", {}, name), h("span.many", {}, String(list.length)))));
  wall.append(h("section", { id: anchor(name) }, h("h1", {}, name), h("div.columns", {}, list.map(piece))));
}
const faults = shown.pieces.flatMap((p) => p.faults);
document.getElementById("summary").textContent = `${shown.pieces.length} pieces · ${faults.length ? `${faults.length} that Slack would refuse` : "all as Slack wants them"}`;

function piece(p) {
  return h("figure.piece", { "data-surface": p.surface },
    h("figcaption", {}, p.name),
    p.surface === "modal" ? form(p) : p.surface === "home" ? h("div.sheet", {}, h("div.body", {}, blocks(p.blocks, env))) : h("div.message", {}, face(), h("div", {}, h("div.who", {}, h("b", {}, "Fermata"), h("span.app", {}, "APP")), blocks(p.blocks, env))),
    p.faults.length > 0 && h("pre.faults", {}, p.faults.join("\n")),
    p.text && h("details", {}, h("summary", {}, "As a notification reads it"), h("pre", {}, p.text)));
}

function face() {
  const node = h("div.face", { "aria-hidden": "true" }, sign());
  node.style.background = "var(--deep)";
  return node;
}

function form(p) {
  return h("div.sheet", {}, h("div.head", {}, plain(p.title)), h("div.body", {}, blocks(p.blocks, { ...env, errors: p.errors })),
    h("div.foot", {}, h("button.b", { type: "button" }, "Cancel"), p.submit && h("button.b.primary", { type: "button" }, plain(p.submit))));
}

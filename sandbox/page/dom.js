// Small helpers: making elements, keeping lists in step with data, talking to the server.

export function h(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const node = document.createElement(name || "div");
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "class") node.className += ` ${value}`;
    else if (key in node && key !== "list" && key !== "form") node[key] = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

const SIGN = "M4 23a12 12 0 0 1 24 0h-2.2a9.8 8.6 0 0 0-19.6 0z";
export function sign() {
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  svg.setAttribute("viewBox", "0 0 32 32");
  svg.setAttribute("aria-hidden", "true");
  const arc = document.createElementNS(ns, "path");
  arc.setAttribute("d", SIGN);
  const dot = document.createElementNS(ns, "circle");
  for (const [k, v] of [["cx", 16], ["cy", 21.4], ["r", 2.5]]) dot.setAttribute(k, v);
  svg.append(arc, dot);
  return svg;
}

// Keeps a container's children equal to `items`; what has the same key keeps its element (and focus).
export function reconcile(container, items, keyOf, make) {
  const old = new Map([...container.children].map((c) => [c.dataset.key, c]));
  let at = container.firstElementChild;
  const made = [];
  for (const item of items) {
    const key = keyOf(item);
    let node = old.get(key);
    old.delete(key);
    if (!node) {
      node = make(item);
      node.dataset.key = key;
      made.push(node);
    }
    if (node === at) at = at.nextElementSibling;
    else container.insertBefore(node, at);
  }
  for (const gone of old.values()) gone.remove();
  return made;
}

export async function get(path) {
  const answer = await fetch(path, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

// Always resolves: {ok, said}. A refusal or a broken connection is something to show, not to throw.
export async function post(path, body) {
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const data = await answer.json().catch(() => ({}));
    if (answer.ok) return data;
    return { ok: false, said: data.said || data.detail || `The sandbox answered ${answer.status}.` };
  } catch {
    return { ok: false, said: "The sandbox does not answer. Is it still running?" };
  }
}

export function toast(text, seconds = 9) {
  for (const old of document.querySelectorAll(".toast")) if (old.firstChild.textContent === text) old.remove();
  const note = h("div.toast", {}, h("span", {}, text), h("button", { type: "button", "aria-label": "Dismiss", onclick: () => note.remove() }, "✕"));
  document.getElementById("toasts").append(note);
  setTimeout(() => note.remove(), seconds * 1000);
}

const formats = new Map();
export function format(date, zone, options) {
  const key = zone + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options }));
  return formats.get(key).format(date);
}
export const clockTime = (date, zone) => format(date, zone, { hour: "2-digit", minute: "2-digit" });
export const dayName = (date, zone) => format(date, zone, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
export const short = (date, zone) => format(date, zone, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

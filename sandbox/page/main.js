// Puts the page together: live updates, the clock, the tour.
import { format, get, h, post, short, toast } from "./dom.js";
import * as mail from "./mail.js";
import * as talk from "./talk.js";

const $ = (id) => document.getElementById(id);
let status = null;
let step = null; // the step a person chose to look at; null follows the tour
let done = "";

async function refreshStatus() {
  status = await get("sandbox/status");
  talk.told(status);
  mail.told(status);
  $("fill").hidden = !status.can_fill;
  const now = new Date(status.now);
  $("now").textContent = format(now, status.zone, { weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
  $("now").dateTime = status.now;
  $("zone").textContent = status.zone.replace("_", " ");
  const next = status.next ? `next: ${short(new Date(status.next.at), status.zone)}${status.next.text ? `, ${status.next.text}` : ""}` : "nothing is planned";
  const parts = [status.summary, status.connected ? next : "the bot is not connected yet"].filter(Boolean);
  $("summary").textContent = parts.join("  ·  ");
  $("summary").title = parts.join(" · ");
  for (const button of document.querySelectorAll(".moves button")) button.disabled = status.moving || (button.dataset.next && !status.next);
  tour();
}

// Tour

function tour() {
  const steps = status.tour;
  const first = steps.findIndex((s) => !s.done);
  const now = steps.map((s) => s.done).join();
  if (now !== done) {
    done = now;
    step = null;
  }
  const shown = step ?? (first < 0 ? steps.length : first);
  $("steps").replaceChildren(...steps.map((s, i) => h("li", { class: `${s.done ? "done" : ""} ${i === shown ? "shown" : ""}` },
    h("button", { type: "button", "aria-current": i === shown ? "step" : null, onclick: () => { step = i; tour(); } }, h("i", {}, s.done ? "✓" : String(i + 1)), h("b", {}, s.title)))));
  const s = steps[shown];
  const box = $("step-text");
  $("days10").classList.toggle("hint", s?.press === "days10" && !s.done);
  const last = first > 0 ? steps[first - 1] : null;
  if (!s) return box.replaceChildren(h("span.told", {}, "That was the tour. Everything here is yours to try; nothing leaves this machine."));
  box.replaceChildren(
    step === null && last?.told && h("span.told", {}, last.told) || "",
    h("span", {}, s.done ? s.told : s.text),
    ...(s.try && !s.done ? [h("code", {}, s.try), h("button.plain", { type: "button", onclick: () => talk.write(s.try) }, "Put it in the box")] : []));
}

// Clock

async function move(button) {
  const buttons = [...document.querySelectorAll(".moves button")];
  buttons.forEach((b) => { b.disabled = true; });
  button.setAttribute("aria-busy", "true");
  const answer = button.dataset.next ? await post("sandbox/clock/next", {}) : await post("sandbox/clock/advance", { seconds: Number(button.dataset.seconds) });
  button.removeAttribute("aria-busy");
  if (!answer.ok) toast(answer.said);
  await look(["status", "mail", "slack"]);
}

// Live updates

const LOOK = { slack: talk.refresh, mail: mail.refresh, status: refreshStatus };
const waiting = new Set();
let looking = false;

async function look(parts) {
  parts.forEach((p) => waiting.add(p));
  if (parts.includes("slack") || parts.includes("mail")) waiting.add("status"); // the next event may be another one
  if (looking) return;
  looking = true;
  try {
    while (waiting.size) {
      const now = [...waiting];
      waiting.clear();
      await Promise.all(now.map((p) => LOOK[p]?.()));
    }
    $("lost").hidden = true;
  } catch {
    $("lost").hidden = false;
  } finally {
    looking = false;
  }
}

function listen() {
  const source = new EventSource("sandbox/events");
  source.addEventListener("change", (event) => look(event.data.split(" ").filter(Boolean)));
  source.onopen = () => look(["slack", "mail", "status"]);
  source.onerror = () => { $("lost").hidden = false; };
}

// More leads

async function fill() {
  $("fill").disabled = true;
  const answer = await post("sandbox/fill", {});
  toast(answer.said, 30);
  if (!answer.ok) $("fill").disabled = false;
  await look(["status", "slack"]);
}

$("fill").addEventListener("click", fill);
talk.start();
mail.start();
for (const button of document.querySelectorAll(".moves button")) button.addEventListener("click", () => move(button));
await refreshStatus().catch(() => {});
listen();

// Slack's mrkdwn as DOM nodes; nothing a message says is ever parsed as HTML.
import { h, format } from "./dom.js";

const EMOJI = {
  double_vertical_bar: "⏸️", pause_button: "⏸️", arrow_forward: "▶️", play_or_pause_button: "⏯️", black_square_for_stop: "⏹️", stop_button: "⏹️",
  white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", warning: "⚠️", no_entry: "⛔", octagonal_sign: "🛑", hourglass: "⌛",
  hourglass_flowing_sand: "⏳", email: "📧", envelope: "✉️", incoming_envelope: "📨", outbox_tray: "📤", inbox_tray: "📥", mailbox: "📫",
  mailbox_with_mail: "📬", calendar: "📆", date: "📅", spiral_calendar_pad: "🗓️", bell: "🔔", no_bell: "🔕", eyes: "👀", wave: "👋",
  tada: "🎉", rotating_light: "🚨", mag: "🔍", clipboard: "📋", memo: "📝", pushpin: "📌", palm_tree: "🌴", house: "🏠", airplane: "✈️",
  black_right_pointing_double_triangle_with_vertical_bar: "⏭️", next_track_button: "⏭️", leftwards_arrow_with_hook: "↩️", repeat: "🔁",
  question: "❓", grey_question: "❔", exclamation: "❗", information_source: "ℹ️", bulb: "💡", lock: "🔒", unlock: "🔓", link: "🔗",
  telephone_receiver: "📞", phone: "☎️", speech_balloon: "💬", bust_in_silhouette: "👤", busts_in_silhouette: "👥", office: "🏢",
  large_green_circle: "🟢", large_yellow_circle: "🟡", large_orange_circle: "🟠", red_circle: "🔴", large_blue_circle: "🔵", white_circle: "⚪",
  black_circle: "⚫", zzz: "💤", snowflake: "❄️", fast_forward: "⏩", rewind: "⏪", stopwatch: "⏱️", alarm_clock: "⏰", crescent_moon: "🌙",
  sunny: "☀️", chart_with_upwards_trend: "📈", bar_chart: "📊", gear: "⚙️", hammer_and_wrench: "🛠️", label: "🏷️", thumbsup: "👍", "+1": "👍",
};

export const emoji = (text) => text.replace(/:([a-z0-9_+-]+):/g, (all, name) => EMOJI[name] || all);
const plainEntities = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
const words = (text) => emoji(plainEntities(text));

export function plain(text, withEmoji = true) {
  return withEmoji ? emoji(text) : text;
}

// `env`: {users, channels, zone}
export function mrkdwn(text, env) {
  const out = h("div.text");
  const pieces = text.split(/```([\s\S]*?)```/);
  pieces.forEach((piece, index) => {
    if (index % 2) out.append(h("pre", {}, plainEntities(piece.replace(/^\n|\n$/g, ""))));
    else if (piece) lines(piece.replace(index ? /^\n/ : /^$/, ""), env, out);
  });
  return out;
}

function lines(text, env, out) {
  let quote = null;
  text.split("\n").forEach((line, index, all) => {
    const quoted = line.match(/^(?:&gt;|>)\s?(.*)$/);
    if (quoted) {
      if (!quote) out.append((quote = h("blockquote")));
      else quote.append(h("br"));
      inline(quoted[1], env, quote);
      return;
    }
    quote = null;
    inline(line, env, out);
    if (index < all.length - 1) out.append(h("br"));
  });
}

const INLINE = /`([^`\n]+)`|<([^>\n]+)>|(?<![\w*])\*(?=\S)([^*\n]*?\S)\*(?![\w*])|(?<![\w_])_(?=\S)([^_\n]*?\S)_(?![\w_])|(?<![\w~])~(?=\S)([^~\n]*?\S)~(?![\w~])/;

function inline(text, env, out) {
  let rest = text;
  for (let found; (found = rest.match(INLINE)); rest = rest.slice(found.index + found[0].length)) {
    if (found.index) out.append(words(rest.slice(0, found.index)));
    const [, code, token, bold, italic, strike] = found;
    if (code !== undefined) out.append(h("code", {}, plainEntities(code)));
    else if (token !== undefined) out.append(reference(token, env));
    else {
      const node = h(bold !== undefined ? "strong" : italic !== undefined ? "em" : "s");
      inline(bold ?? italic ?? strike, env, node);
      out.append(node);
    }
  }
  if (rest) out.append(words(rest));
}

function reference(token, env) {
  const [target, label] = token.split(/\|(.*)/s);
  if (target.startsWith("@")) return h("span.mention", {}, `@${env.users[target.slice(1)]?.name || label || target.slice(1)}`);
  if (target.startsWith("#")) return h("span.mention", {}, `#${env.channels[target.slice(1)] || label || target.slice(1)}`);
  if (target.startsWith("!date^")) return document.createTextNode(dated(target, label, env));
  if (target.startsWith("!subteam^")) return h("span.mention", {}, label || "@group");
  if (target.startsWith("!")) return h("span.mention", {}, `@${target.slice(1)}`);
  if (!/^(https?:|mailto:)/i.test(target)) return document.createTextNode(words(`<${token}>`));
  return h("a", { href: plainEntities(target), target: "_blank", rel: "noopener noreferrer" }, words(label || target.replace(/^mailto:/, "")));
}

// <!date^1813827600^{date_short_pretty} at {time}^link|fallback> in the reader's own zone
function dated(target, fallback, env) {
  const [, seconds, pattern] = target.split("^");
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime())) return fallback || "";
  const f = (options) => format(date, env.zone, options);
  const forms = {
    date: () => f({ year: "numeric", month: "long", day: "numeric" }), date_num: () => f({ year: "numeric", month: "2-digit", day: "2-digit" }),
    date_short: () => f({ day: "numeric", month: "short", year: "numeric" }), date_long: () => f({ weekday: "long", day: "numeric", month: "long", year: "numeric" }),
    time: () => f({ hour: "2-digit", minute: "2-digit" }), time_secs: () => f({ hour: "2-digit", minute: "2-digit", second: "2-digit" }),
    day_divider_pretty: () => f({ weekday: "long", day: "numeric", month: "long" }), ago: () => f({ day: "numeric", month: "short" }),
  };
  return pattern.replace(/\{(\w+)\}/g, (all, name) => (forms[name] || forms[name.replace("_pretty", "")] || (() => all))());
}

export function textObject(object, env) {
  if (!object) return null;
  if (object.type === "mrkdwn") return mrkdwn(object.text, env);
  return h("div.text", {}, plain(object.text, object.emoji !== false));
}

// Block Kit as elements. `act(control, value, node, label)` is called when a person clicks or chooses;
// `form` (in modals) collects what is typed: {block_id: {action_id: value}}.
import { h } from "./dom.js";
import { mrkdwn, plain, textObject } from "./mrkdwn.js";

export function blocks(list, env) {
  return h("div.blocks", {}, list.map((block) => one(block, env)));
}

function one(block, env) {
  switch (block.type) {
    case "header": return h("div.header-block", { role: "heading", "aria-level": 3 }, plain(block.text.text));
    case "divider": return h("hr");
    case "section": return section(block, env);
    case "context": return h("div.context", {}, block.elements.map((e) => (e.type === "image" ? image(e) : textObject(e, env))));
    case "actions": return h("div.actions", {}, block.elements.map((e) => element(e, block, env)));
    case "image": return h("figure", {}, block.title && h("figcaption", {}, plain(block.title.text)), image(block, "big"));
    case "input": return input(block, env);
    case "rich_text": return h("div.text", {}, block.elements.map((e) => rich(e, env)));
    default: return h("div.hint.unknown", {}, `(${block.type})`);
  }
}

const image = (node, size) => h(size ? `img.${size}` : "img", { src: node.image_url || `/sandbox/file/${node.slack_file.id}`, alt: node.alt_text, title: node.alt_text, loading: "lazy" });

function section(block, env) {
  return h("div.section", {},
    h("div", {}, textObject(block.text, env), block.fields && h("div.fields", {}, block.fields.map((f) => textObject(f, env)))),
    block.accessory && (block.accessory.type === "image" ? image(block.accessory) : element(block.accessory, block, env)));
}

function input(block, env) {
  const grouped = ["checkboxes", "radio_buttons"].includes(block.element.type) || block.element.type.startsWith("multi_");
  const id = `f-${block.block_id}`;
  const field = element(block.element, block, env, id);
  const error = env.errors?.[block.block_id];
  if (error) { field.setAttribute?.("aria-invalid", "true"); field.setAttribute?.("aria-describedby", `${id}-e`); }
  const name = [plain(block.label.text), block.optional && h("span.optional", {}, " (optional)")];
  return h("div.input", {},
    grouped ? h("div.label", {}, name) : h("label", { htmlFor: id }, name), field,
    error && h("div.error", { id: `${id}-e`, role: "alert" }, error), block.hint && h("div.hint", {}, plain(block.hint.text)));
}

function rich(node, env) {
  const kids = () => (node.elements || []).map((e) => rich(e, env));
  switch (node.type) {
    case "rich_text_section": return h("div", {}, kids());
    case "rich_text_quote": return h("blockquote", {}, kids());
    case "rich_text_preformatted": return h("pre", {}, kids());
    case "rich_text_list": {
      const list = h(node.style === "ordered" ? "ol" : "ul", {}, (node.elements || []).map((e) => h("li", {}, rich(e, env))));
      list.style.cssText = `list-style: ${node.style === "ordered" ? "decimal" : "disc"}; padding-left: ${20 + 20 * (node.indent || 0)}px`;
      return list;
    }
    case "link": return h("a", { href: node.url, target: "_blank", rel: "noopener noreferrer" }, node.text || node.url);
    case "user": return mrkdwn(`<@${node.user_id}>`, env).firstChild;
    case "channel": return mrkdwn(`<#${node.channel_id}>`, env).firstChild;
    case "broadcast": return h("span.mention", {}, `@${node.range}`);
    case "emoji": return document.createTextNode(plain(`:${node.name}:`));
    case "date": return mrkdwn(`<!date^${node.timestamp}^${node.format}|${node.fallback || ""}>`, env).firstChild;
    case "text": {
      let out = document.createTextNode(node.text);
      for (const [key, tag] of [["code", "code"], ["bold", "strong"], ["italic", "em"], ["strike", "s"]]) if (node.style?.[key]) out = h(tag, {}, out);
      return out;
    }
    default: return document.createTextNode("");
  }
}

// Elements

function element(e, block, env, id) {
  const key = { block_id: block.block_id, action_id: e.action_id, confirm: e.confirm };
  const stored = env.values?.[block.block_id]?.[e.action_id];
  const act = (value, node, label, isTyping) => env.act(key, value, node, label, block, isTyping);
  const make = MAKERS[e.type];
  const enter = block.dispatch_action && env.enter ? (node) => env.enter(key, node) : null;
  return make ? make(e, { act, enter, stored, id, env, key, block }) : h("span.hint.unknown", {}, `(${e.type})`);
}

function button(e, { act }) {
  const look = e.style ? `.${e.style}` : "";
  const label = plain(e.text.text);
  const node = h(`button.b${look}`, { type: "button", "aria-label": e.accessibility_label, onclick: () => { if (e.url) window.open(e.url, "_blank", "noopener"); act(e.value, node, label); } }, label);
  return node;
}

export function menu(trigger, items, { side = "", search } = {}) {
  const wrap = h("span.menu-wrap", {}, trigger);
  let open = null;
  const close = (refocus) => { open?.remove(); open = null; trigger.setAttribute("aria-expanded", "false"); if (refocus) trigger.focus(); };
  const show = () => {
    if (open) return close(true);
    open = h(`div.menu${side}`, { role: "menu" }, search && search(close), items(close));
    open.addEventListener("keydown", (event) => {
      const rows = [...open.querySelectorAll("button")];
      const at = rows.indexOf(document.activeElement);
      if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); close(true); }
      else if (event.key === "ArrowDown") { event.preventDefault(); rows[(at + 1) % rows.length]?.focus(); }
      else if (event.key === "ArrowUp") { event.preventDefault(); rows[(at - 1 + rows.length) % rows.length]?.focus(); }
    });
    wrap.append(open);
    const box = open.getBoundingClientRect();
    const pane = trigger.closest(".scroll, .body")?.getBoundingClientRect();
    if (pane && box.top < pane.top) open.classList.add("down");
    if (pane && box.left < pane.left) open.classList.add("left");
    trigger.setAttribute("aria-expanded", "true");
    (open.querySelector("input") || open.querySelector("button"))?.focus();
  };
  trigger.addEventListener("click", show);
  trigger.setAttribute("aria-haspopup", "menu");
  document.addEventListener("pointerdown", (event) => { if (open && !wrap.contains(event.target)) close(false); });
  return wrap;
}

const row = (option, pick) => h("button", { type: "button", role: "menuitem", onclick: pick }, plain(option.text.text), option.description && h("small", {}, plain(option.description.text)));

function overflow(e, { act }) {
  const trigger = h("button.b", { type: "button", "aria-label": "More actions" }, "⋯");
  return menu(trigger, (close) => e.options.map((o) => row(o, () => { close(true); if (o.url) window.open(o.url, "_blank", "noopener"); act(o.value, trigger, plain(o.text.text)); })));
}

const allOptions = (e) => [...(e.options || []), ...(e.option_groups || []).flatMap((g) => g.options)];

function select(e, { act, stored, id, env, block }) {
  const first = chosen(stored, e);
  const option = (o) => h("option", { value: o.value, selected: o.value === first }, plain(o.text.text));
  const people = () => Object.entries(env.users).filter(([, u]) => !u.bot).map(([key, u]) => ({ value: key, text: { text: u.name } }));
  const places = () => Object.entries(env.channels).map(([key, name]) => ({ value: key, text: { text: `#${name}` } }));
  const list = e.type === "users_select" ? people() : e.type === "static_select" ? e.options || [] : places();
  const node = h("select", { id, "aria-label": id ? null : plain(e.placeholder?.text || "Choose"), onchange: () => { if (node.value || block.optional) act(node.value || null, node, node.selectedOptions[0].textContent); } },
    h("option", { value: "", selected: !first }, plain(e.placeholder?.text || "Choose…")), list.map(option),
    (e.option_groups || []).map((g) => h("optgroup", { label: plain(g.label.text) }, g.options.map(option))));
  return node;
}

function chosen(stored, e) {
  const s = stored || {};
  const option = s.selected_option !== undefined ? s.selected_option : e.initial_option;
  return option?.value ?? s.selected_user ?? s.selected_channel ?? s.selected_conversation ?? e.initial_user ?? e.initial_channel ?? e.initial_conversation;
}

function external(e, { act, stored, env, key }) {
  const trigger = h("button.b", { type: "button" }, plain(stored?.selected_option?.text?.text || e.initial_option?.text.text || e.placeholder?.text || "Choose…"));
  const list = h("div");
  let timer;
  const look = (typed, close) => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const found = await env.suggest(key, typed);
      list.replaceChildren(...(found.length ? found.map((o) => row(o, () => { close(true); trigger.textContent = plain(o.text.text); act(o, trigger, o.text.text); })) : [h("div.hint", {}, "Nothing found")]));
    }, 200);
  };
  return menu(trigger, () => list, { side: ".left.down", search: (close) => { look("", close); return h("input", { type: "search", "aria-label": "Search", oninput: (event) => look(event.target.value, close) }); } });
}

// What was chosen stays as chips, each with its way out; the search adds to them.
function externals(e, { act, stored, id, env, key }) {
  let picked = stored?.selected_options || e.initial_options || [];
  const chips = h("span.chips");
  const node = h("div.externals", { id, role: "group" });
  const tell = () => act(picked, node, "");
  const draw = () => chips.replaceChildren(...picked.map((o) => h("button.chip", { type: "button", "aria-label": `Remove ${plain(o.text.text)}`, onclick: () => { picked = picked.filter((p) => p !== o); draw(); tell(); } }, plain(o.text.text), " ✕")));
  const trigger = h("button.b", { type: "button" }, plain(e.placeholder?.text || "Search…"));
  const list = h("div");
  let timer;
  const add = (o) => { if (!picked.some((p) => p.value === o.value) && picked.length < (e.max_selected_items || 100)) picked = [...picked, o]; draw(); tell(); };
  const look = (text, close) => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const found = await env.suggest(key, text);
      list.replaceChildren(...(found.length ? found.map((o) => row(o, () => { close(true); add(o); })) : [h("div.hint", {}, "Nothing found")]));
    }, 200);
  };
  draw();
  node.append(chips, menu(trigger, () => list, { side: ".left.down", search: (close) => { look("", close); return h("input", { type: "search", "aria-label": "Search", oninput: (event) => look(event.target.value, close) }); } }));
  return node;
}

function fileInput(e, { act, stored, id, env }) {
  const said = h("span.hint", {}, stored?.files?.map((f) => f.name).join(", ") || "");
  const node = h("input", { type: "file", id, accept: (e.filetypes || []).map((kind) => `.${kind}`).join(","), multiple: (e.max_files || 10) > 1, onchange: async () => {
    const ids = [];
    for (const file of node.files) {
      const kept = await env.upload(file);
      if (kept.ok) ids.push(kept.id); else said.textContent = kept.said;
    }
    act(ids, node, "");
  } });
  return h("div", {}, node, said);
}

let serial = 0;
function choices(kind, many) {
  return (e, { act, stored, id, env }) => {
    const people = e.type === "multi_users_select" ? Object.entries(env.users).filter(([, u]) => !u.bot).map(([value, u]) => ({ value, text: { text: u.name } })) : null;
    const places = /channels|conversations/.test(e.type) ? Object.entries(env.channels).map(([value, name]) => ({ value, text: { text: `#${name}` } })) : null;
    const list = people || places || allOptions(e);
    const first = many
      ? (stored?.selected_options || e.initial_options || []).map((o) => o.value).concat(stored?.selected_users || e.initial_users || [], stored?.selected_channels || [], stored?.selected_conversations || [])
      : [chosen(stored, e)];
    const name = `${id || "c"}-${e.action_id}-${serial++}`; // no two groups of a page are one
    const node = h("div.choices", { id, role: many ? "group" : "radiogroup" }, list.map((o) => h("label", {},
      h("input", { type: kind, name, value: o.value, checked: first.includes(o.value), onchange: () => {
        const picked = [...node.querySelectorAll("input:checked")].map((i) => i.value);
        act(many ? picked : picked[0], node, plain(o.text.text));
      } }),
      h("span", {}, o.text.type === "mrkdwn" ? mrkdwn(o.text.text, env) : plain(o.text.text), o.description && h("small", {}, ` ${plain(o.description.text)}`)))));
    return node;
  };
}

// What is picked is told at once, as Slack tells it; what is typed once the field is left, since each digit makes a date.
function picker(type, key, initial) {
  return (e, { act, stored, id }) => {
    const isMoment = type === "datetime-local";
    let first = (stored && key in stored ? stored[key] : e[initial]) ?? "";
    if (isMoment && first) first = new Date(first * 1000).toISOString().slice(0, 16);
    let isTyping = false;
    const tell = () => act(node.value ? (isMoment ? Math.floor(new Date(`${node.value}Z`).getTime() / 1000) : node.value) : null, node, node.value, isTyping);
    const left = (event) => {
      const isChanged = isTyping && node.value !== first;
      isTyping = false;
      if (isChanged && event.relatedTarget?.type !== "submit") tell(); // a submitted form brings it along
    };
    const node = h("input", { type, id, value: first, "aria-label": id ? null : plain(e.placeholder?.text || "Choose a date"), onkeydown: (event) => { isTyping = event.key !== "Enter"; }, onchange: tell, onblur: left });
    return node;
  };
}

function typed(type) {
  return (e, { act, enter, stored, id }) => {
    const node = h(e.multiline ? "textarea" : "input", {
      id, value: stored?.value ?? e.initial_value ?? "", placeholder: plain(e.placeholder?.text || ""), maxLength: e.max_length || 3000,
      oninput: () => act(node.value, node, "", true), autofocus: e.focus_on_load,
      onkeydown: (event) => { if (enter && !e.multiline && event.key === "Enter" && !event.isComposing) { event.preventDefault(); enter(node); } },
    });
    if (e.multiline) node.rows = 4; else node.type = type;
    return node;
  };
}

const MAKERS = {
  button, overflow, static_select: select, users_select: select, channels_select: select, conversations_select: select, external_select: external, multi_external_select: externals, file_input: fileInput,
  multi_static_select: choices("checkbox", true), multi_users_select: choices("checkbox", true), multi_channels_select: choices("checkbox", true),
  multi_conversations_select: choices("checkbox", true), checkboxes: choices("checkbox", true), radio_buttons: choices("radio", false),
  datepicker: picker("date", "selected_date", "initial_date"), timepicker: picker("time", "selected_time", "initial_time"),
  datetimepicker: picker("datetime-local", "selected_date_time", "initial_date_time"),
  plain_text_input: typed("text"), email_text_input: typed("email"), url_text_input: typed("url"), number_input: typed("number"),
};

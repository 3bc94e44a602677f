// Workflow Builder: a menu of the app's steps; each opens as a form with its inputs, and says there what came of it.
import { menu } from "./blocks.js";
import { get, h, post, toast } from "./dom.js";
import { field, form } from "./lead.js";

const USER = "slack#/types/user_id";

// `who` gives who is at the page, and the names of all who could be.
export function workflow(who) {
  const trigger = h("button.plain", { type: "button", title: "Run one of Fermata’s steps as a workflow of Slack’s Workflow Builder does" }, "Workflow step ▾");
  const list = h("div");
  return menu(trigger, (close) => {
    get("sandbox/steps").then(({ steps }) => list.replaceChildren(...steps.map((step) => h("button", { type: "button", role: "menuitem", onclick: () => { close(true); open(step, who()); } },
      step.title, h("small", {}, step.description))))).catch(() => toast("The sandbox does not answer. Is it still running?"));
    return list;
  }, { side: ".left" });
}

function open(step, who) {
  const told = h("div.came", { role: "status" });
  const inputs = step.inputs.map((one) => [one, input(one, who)]);
  form(`Workflow step: ${step.title}`, "Run", [
    h("p.hint", {}, step.description),
    ...inputs.map(([one, node]) => field(node.id, [one.title, !one.is_required && h("span.optional", {}, " (optional)")], node, one.description)),
    told,
  ], async () => {
    told.replaceChildren(h("p.hint", {}, "Running…"));
    const answer = await post("sandbox/step", { callback_id: step.callback_id, inputs: Object.fromEntries(inputs.map(([one, node]) => [one.name, node.value])) });
    told.replaceChildren(...came(answer));
    const body = told.closest(".body");
    body.scrollTop = body.scrollHeight;
    return false; // what came of it stays in view
  }, { hint: "Steps need one of Slack’s paid plans", close: "Close" });
}

function input(one, who) {
  const props = { id: `w-${one.name}`, required: one.is_required };
  if (one.type !== USER) return h("input", { type: "text", ...props });
  return h("select", props, !one.is_required && h("option", { value: "" }, "nobody"), who.people.map(([id, name]) => h("option", { value: id, selected: id === who.me }, name)));
}

function came(answer) {
  if (!answer.ok) return [h("p.error", {}, answer.said)];
  if (answer.error) return [h("b.error", {}, "The step failed"), h("p", {}, answer.error), h("p.hint", {}, "The workflow ends here, and Slackbot tells this to whoever ran it.")];
  return [h("b", {}, "✓ The step is done"), h("dl", {}, answer.outputs.flatMap(([title, value]) => [h("dt", {}, title), h("dd", {}, value)])), h("p.hint", {}, "Later steps of the workflow can use both.")];
}

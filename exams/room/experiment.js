// The experiment of an item: its controls, a run by the server's model, and the trace that comes of it.

import { LocalModel, mount } from "./afm_host.js";
import { Refusal } from "./api.js";
import { h } from "./dom.js";
import { t } from "./strings.js";

const LANGUAGE = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
const LONGEST_MS = 35_000; // longer than the server tries (exams/simulator.py)

/** What was tried last in each item, so that going to another question and back loses nothing. */
const tried = new Map();

const decimals = (step) => (String(step).split(".")[1] ?? "").length;

/** One number: a slider and a field that follow each other; {id, element, value()}. */
function control({ id, name, unit, low, high, step, value }, kept) {
  const label = `${name[LANGUAGE]} (${unit})`;
  const bounds = { min: low, max: high, step };
  const slider = h("input", { type: "range", ...bounds, "aria-label": label, tabindex: -1 });
  const field = h("input", { type: "number", inputmode: "decimal", required: true, id: `control-${id}`, ...bounds });
  slider.value = field.value = (kept ?? value).toFixed(decimals(step));
  slider.addEventListener("input", () => (field.value = slider.valueAsNumber.toFixed(decimals(step))));
  field.addEventListener("input", () => field.validity.valid && (slider.value = field.value));
  const range = h("span", { class: "quiet", id: `range-${id}` }, t("{low} to {high}", { low, high }));
  field.setAttribute("aria-describedby", range.id);
  return { id, element: h("div", { class: "control" }, h("label", { for: field.id }, label), h("div", { class: "set" }, slider, field), range), value: () => field.valueAsNumber };
}

const axis = ({ name, ...rest }) => ({ name: name[LANGUAGE], ...rest });

/** The trace's traits (widgets/trace.py) for a run. */
function traits({ x_axis: across, y_axis: up }, { run, labels }) {
  const samples = new Float32Array([...run.x, ...run.y]);
  return { x_axis: axis(across), y_axis: axis(up), names: [axis(up).name], samples: new DataView(samples.buffer), bands: run.bands, marks: [], cursor: null, labels };
}

/** Show the experiment of `item` in `element`; resolves to a function that takes it away. */
export async function experiment(item, { api, base, element }) {
  const { asset } = item;
  const before = tried.get(item.id);
  const controls = asset.controls.map((one) => control(one, before?.values[one.id]));
  const said = h("p", { class: "hint", role: "status" });
  const button = h("button", { class: "button" }, t("Run the experiment"));
  const stage = h("div", { class: "stage empty" }, h("p", { class: "quiet" }, t("Set the values and run the experiment; the trace appears here.")));
  let model = null;
  let dispose = () => {};
  let gone = false;
  const draw = async (answer) => {
    const state = traits(asset, answer);
    if (model) for (const [name, value] of Object.entries(state)) model.set(name, value);
    else {
      model = new LocalModel(state);
      stage.classList.remove("empty");
      stage.replaceChildren();
      const take = await mount(`${base}widgets/trace.js`, model, stage);
      if (gone) take();
      else dispose = take;
    }
  };
  const run = async () => {
    const values = Object.fromEntries(controls.map(({ id, value }) => [id, value()]));
    button.disabled = true;
    said.textContent = t("The experiment is being run.");
    try {
      const answer = await api.post(`items/${encodeURIComponent(item.id)}/runs`, { values }, LONGEST_MS);
      tried.set(item.id, { values, answer });
      await draw(answer);
      said.textContent = asset.controls.map(({ id, name, unit }) => `${name[LANGUAGE]} ${values[id]} ${unit}`).join(t(", "));
    } catch (error) {
      said.textContent = error instanceof Refusal ? error.message : t("The experiment cannot be run at the moment. Go on with other questions and come back; your answers are kept.");
    }
    button.disabled = false;
  };
  const form = h("form", { class: "controls", onsubmit: (event) => { event.preventDefault(); run(); } }, ...controls.map((one) => one.element), h("div", { class: "actions" }, button, said));
  element.replaceChildren(h("div", { class: "experiment" }, stage, form));
  if (before) await draw(before.answer);
  return () => {
    gone = true;
    dispose();
  };
}

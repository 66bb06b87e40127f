// An electrocardiogram on paper: 25 mm/s and 10 mm/mV, small squares of 1 mm (40 ms by 0.1 mV), bold lines every 5 mm, a
// calibration pulse before each row. Calipers are the shared measuring overlay; their points are millimetres on the paper.
// An AFM module. Model: signals {fs, leads: [{name, unit, samples}]}, measurements, labels.

import css from "./ecg.css";
import { Measures } from "./measure.js";
import measureCss from "./measure.css";
import { arrow } from "./measure.js";
import { layout, MM_PER_MV, MM_PER_S, PULSE_MM, trace, worth } from "./ecg_paper.js";
import { button, element, helpSheet, language, mark, openSheet, style, svg, translator } from "./ui.js";
import uiCss from "./ui.css";

const TOOLS = { interval: mark("Interval"), amplitude: mark("Amplitude") };
const KEYS = { interval: "T", amplitude: "V" };
const STEP_MM = 0.25; // one press of an arrow key: 10 ms, 0.025 mV
const ZOOM = { least: 2, most: 14, step: 1.25 }; // CSS pixels a millimetre

class Ecg {
  constructor(model, root) {
    this.model = model;
    this.root = root;
    this.t = translator(model.get("labels"));
    this.tool = "interval";
    this.build();
    this.measures = new Measures(this.measureHost());
    this.sheet.append(this.measures.root);
    this.listen();
    this.begin();
  }

  build() {
    const { t } = this;
    this.paper = svg("svg", { class: "xv-paper", role: "img" });
    this.sheet = element("div", { class: "xv-sheet" }, this.paper);
    this.stage = element("div", { class: "xv-scroller", tabindex: 0, role: "application", "aria-roledescription": t("ECG paper") }, this.sheet);
    this.live = element("div", { class: "xv-live", "aria-live": "polite" });
    this.help = helpSheet(t("Keys and gestures"), [
      ["T", t("calipers: interval in ms")], ["V", t("calipers: amplitude in mV")],
      ["↑ ↓ ← →", t("move the cross by 10 ms or 0.025 mV (Shift: ten times as far)")],
      ["Enter", t("set a point at the cross")], [t("mouse"), t("drag from one end to the other")],
      [t("finger"), t("tap both ends, one after the other; drag an end to move it; swipe to scroll the paper")], ["Esc", t("cancel; from a measurement back to the paper")],
      ["Tab", t("go to the measurements: arrow keys move one, Enter chooses its point, Delete removes it")],
      ["+ -", t("zoom in, zoom out")], ["R", t("Reset")],
    ], t("Close"));
    this.buttons = Object.fromEntries(Object.entries(TOOLS).map(([tool, name]) => [tool, button(tool, t(name), KEYS[tool], () => this.use(tool))]));
    const bar = element("div", { class: "xv-bar", role: "toolbar", "aria-label": t("Tools") }, ...Object.values(this.buttons), element("div", { class: "xv-gap" }),
      button("zoom", t("Zoom in"), "+", () => this.zoomBy(ZOOM.step)), button("reset", t("Reset"), "R", () => this.reset()),
      button("remove", t("Delete"), "Delete", () => this.measures.remove()),
      element("div", { class: "xv-spring" }), button("help", t("Help"), "?", () => openSheet(this.help)));
    const foot = element("div", { class: "xv-paper-note" }, t("{speed} mm/s   {gain} mm/mV   small square 40 ms × 0.1 mV   large square 200 ms × 0.5 mV", { speed: MM_PER_S, gain: MM_PER_MV }));
    this.root.replaceChildren(style(uiCss, measureCss, css), element("section",
      { class: "xv", lang: language() === "en" ? "en" : "zh-CN", "data-lm-suppress-shortcuts": "true", "aria-label": t("Electrocardiogram") },
      bar, this.stage, foot, this.live, this.help));
  }

  /** Draw the model's signals anew. */
  begin() {
    this.signals = this.model.get("signals");
    this.plan = layout(this.signals);
    this.drawPaper();
    this.use(this.tool);
    this.reset();
    this.measures.set(this.model.get("measurements") ?? []);
  }

  drawPaper() {
    const { width, height, rows } = this.plan;
    const names = this.signals.leads.map(({ name }) => name).join(", ");
    this.paper.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.paper.setAttribute("aria-label", `${this.t("Electrocardiogram")}: ${names}`);
    this.stage.setAttribute("aria-label", `${this.t("Electrocardiogram")}: ${names}`);
    const line = (step) => {
      let path = "";
      for (let x = 0; x <= width; x += step) path += `M${x} 0V${height}`;
      for (let y = 0; y <= height; y += step) path += `M0 ${y}H${width}`;
      return path;
    };
    const pulse = ({ y }) => `M1 ${y}h1v${-MM_PER_MV}h${PULSE_MM}v${MM_PER_MV}h1`;
    this.paper.replaceChildren(
      svg("path", { class: "xv-small", d: line(1) }), svg("path", { class: "xv-large", d: line(5) }),
      ...rows.flatMap((row) => [
        svg("path", { class: "xv-trace", d: pulse(row) }),
        ...row.parts.flatMap((part) => {
          const name = svg("text", { x: part.x + 1, y: row.y - MM_PER_MV - 1.5 });
          name.textContent = part.lead.name;
          const edge = part.first ? [] : [svg("path", { class: "xv-edge", d: `M${part.x} ${row.y - 4}v8` })];
          return [...edge, svg("path", { class: "xv-trace", d: trace(part, row.y, this.signals.fs) }), name];
        }),
      ]),
    );
  }

  use(tool) {
    this.tool = tool;
    for (const [name, node] of Object.entries(this.buttons)) node.setAttribute("aria-pressed", name === tool);
    this.measures.use(tool);
    this.sheet.classList.add("xv-drawing");
  }

  /** The whole paper in the width there is, but no square smaller than can be read. */
  reset() {
    this.setScale(Math.max(3.2, (this.stage.clientWidth - 2) / this.plan.width));
    this.stage.scrollTo(0, 0);
  }

  zoomBy(factor) {
    const middle = (this.stage.scrollLeft + this.stage.clientWidth / 2) / this.scale;
    this.setScale(this.scale * factor);
    this.stage.scrollLeft = middle * this.scale - this.stage.clientWidth / 2;
  }

  setScale(scale) {
    this.scale = Math.min(ZOOM.most, Math.max(ZOOM.least, scale));
    this.sheet.style.width = `${this.plan.width * this.scale}px`;
    this.sheet.style.height = `${this.plan.height * this.scale}px`;
    this.measures.draw();
  }

  at(event) {
    const box = this.sheet.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  measureHost() {
    const { t } = this;
    return {
      toScreen: (point) => point.map((part) => part * this.scale),
      toPicture: (at) => at.map((part) => part / this.scale),
      at: (event) => this.at(event),
      limit: ([x, y]) => [[x, this.plan.width], [y, this.plan.height]].map(([part, most]) => Math.round(Math.min(most, Math.max(0, part)) * 100) / 100),
      step: () => STEP_MM,
      middle: () => [(this.stage.scrollLeft + this.stage.clientWidth / 2) / this.scale, this.plan.rows[0].y],
      frame: () => 0,
      name: (kind) => t(TOOLS[kind]),
      worth: (measurement) => worth(measurement, t),
      pointed: ([x]) => this.reveal(x),
      focus: () => this.stage.focus(),
      changed: (list, measurement) => {
        this.model.set("measurements", list);
        this.model.save_changes();
        if (measurement) this.live.textContent = worth(measurement, t).text.join(", ");
      },
      t,
    };
  }

  /** Scroll so that the keyboard's cross stays in sight. */
  reveal(x) {
    const at = x * this.scale - this.stage.scrollLeft;
    if (at < 30 || at > this.stage.clientWidth - 30) this.stage.scrollLeft += at - this.stage.clientWidth / 2;
  }

  listen() {
    const { stage, sheet, model } = this;
    const point = (event) => [this.measures.host.toPicture(this.at(event)), this.at(event)];
    sheet.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !event.isPrimary) return this.measures.cancel();
      stage.focus({ preventScroll: true });
      event.preventDefault();
      sheet.setPointerCapture(event.pointerId);
      return this.measures.press(...point(event));
    });
    sheet.addEventListener("pointermove", (event) => this.measures.follow(...point(event)));
    sheet.addEventListener("pointerup", (event) => this.measures.release(...point(event)));
    sheet.addEventListener("pointercancel", () => this.measures.cancel());
    stage.addEventListener("keydown", (event) => this.key(event));
    this.changed = [["change:signals", () => this.begin()], ["change:measurements", () => this.measures.set(model.get("measurements") ?? [])]];
    for (const [event, act] of this.changed) model.on(event, act);
    this.resize = new ResizeObserver(() => this.measures.draw());
    this.resize.observe(stage);
  }

  key(event) {
    if (event.target !== this.stage || event.ctrlKey || event.altKey || event.metaKey) return;
    const acts = {
      t: () => this.use("interval"), v: () => this.use("amplitude"), "+": () => this.zoomBy(ZOOM.step), "=": () => this.zoomBy(ZOOM.step),
      "-": () => this.zoomBy(1 / ZOOM.step), r: () => this.reset(), "?": () => openSheet(this.help),
      delete: () => this.measures.remove(), backspace: () => this.measures.remove(),
    };
    const act = acts[event.key.toLowerCase()];
    if (!arrow(event) && act) act();
    else if (!this.measures.crossKey(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  close() {
    this.resize.disconnect();
    for (const [event, act] of this.changed) this.model.off(event, act);
  }
}

export default {
  render({ model, el }) {
    const ecg = new Ecg(model, el);
    return () => ecg.close();
  },
};

// The image viewer: a stack of 16-bit frames with window/level, zoom, pan and measuring. An AFM module: JupyterLab, Voila
// and the exam room host it alike. Model: series, index, window, tool, measurements, labels; frames come by messages
// {kind: "frame", index} answered with the frame's bytes.

import css from "./dicom_viewer.css";
import { Frames } from "./frames.js";
import { angle, ellipseArea, ellipseStats, length, probe } from "./geometry.js";
import { Measures, POINTS } from "./measure.js";
import measureCss from "./measure.css";
import { painter } from "./pixels.js";
import { button, element, helpSheet, language, openSheet, same, style, translator } from "./ui.js";
import uiCss from "./ui.css";
import { listen } from "./viewer_input.js";
import { Notes } from "./viewer_notes.js";
import { CT_WINDOWS, TOOL_KEYS, TOOLS, helpRows } from "./viewer_tools.js";

const ZOOM = { least: 0.25, most: 24 };
const SAVE_MS = 120; // a drag tells the model this often at most: a kernel need not see every pixel of it
const BEFORE = ["pointerdown", "keydown"];

class Viewer {
  constructor(model, root) {
    this.model = model;
    this.root = root;
    this.t = translator(model.get("labels"));
    this.off = [];
    [this.width, this.height] = [0, 0]; // until the stage has a size, measurements made before are drawn at one point
    this.build();
    this.measures = new Measures(this.measureHost());
    this.stage.append(this.measures.root);
    this.off.push(listen(this));
    this.follow();
    this.resize = new ResizeObserver(() => this.fit());
    this.resize.observe(this.stage);
    this.begin();
  }

  // --- the page ----------------------------------------------------------------------------------------------------

  build() {
    const { t } = this;
    this.canvas = element("canvas", { "aria-hidden": "true" });
    this.notes = new Notes(this);
    this.message = element("div", { class: "xv-message", hidden: true, role: "alert" });
    this.live = element("div", { class: "xv-live", "aria-live": "polite" });
    this.stage = element("div", { class: "xv-stage", tabindex: 0, role: "application", "aria-roledescription": t("image viewer") },
      this.canvas, ...this.notes.nodes);
    this.buttons = Object.fromEntries(Object.entries(TOOLS).map(([tool, name]) => [tool, button(tool, t(name), TOOL_KEYS[tool], () => this.use(tool))]));
    this.help = helpSheet(t("Keys and gestures"), helpRows(t), t("Close"));
    this.slider = element("input", { type: "range", min: 1, step: 1, "aria-label": t("Slice"), input: () => this.show(this.slider.valueAsNumber - 1) });
    this.count = element("output");
    this.foot = element("div", { class: "xv-foot" }, element("span", {}, t("Slice")), this.slider, this.count);
    this.chips = element("div", { class: "xv-chips", role: "group", "aria-label": t("Window presets") });
    this.notices = element("ul", { class: "xv-notices", hidden: true });
    const gap = () => element("div", { class: "xv-gap" });
    const [view, tools] = [["scroll", "window", "zoom", "pan"], ["probe", "length", "angle", "ellipse"]].map((names) => names.map((name) => this.buttons[name]));
    const bar = element("div", { class: "xv-bar", role: "toolbar", "aria-label": t("Tools") }, ...view, gap(), ...tools, gap(),
      button("remove", t("Delete"), "Delete", () => this.measures.remove()), button("invert", t("Invert"), "I", () => this.invert()),
      button("reset", t("Reset"), "R", () => this.reset()), element("div", { class: "xv-spring" }), button("help", t("Help"), "?", () => openSheet(this.help)));
    this.root.replaceChildren(style(uiCss, measureCss, css), element("section",
      { class: "xv", lang: language() === "en" ? "en" : "zh-CN", "data-lm-suppress-shortcuts": "true", "aria-label": t("Image viewer") },
      bar, this.stage, this.foot, this.chips, this.notices, this.live, this.help));
  }

  // --- series ------------------------------------------------------------------------------------------------------

  /** Show the model's series from the start. */
  begin() {
    this.frames?.close();
    const { model, t } = this;
    this.series = model.get("series");
    const { frames, rows, columns, spacing } = this.series;
    this.index = Math.min(Math.max(0, model.get("index") ?? 0), frames - 1);
    this.ratio = spacing ? spacing[0] / spacing[1] : 1;
    const common = this.series.unit === "HU" ? CT_WINDOWS : [];
    const own = this.series.windows.filter(([, ...window]) => !common.some(([, ...other]) => same(window, other)));
    this.presets = [...common.map(([name, ...window]) => [t(name), ...window]), ...own.map(([name, ...window], i) => [t(name) + (i ? ` ${i + 1}` : ""), ...window])];
    const window = model.get("window");
    this.window = window?.length === 2 ? [...window] : this.ownWindow();
    Object.assign(this, { zoom: 1, pan: [0, 0], inverted: Boolean(this.series.inverted), loaded: null, hover: null, news: null });
    this.frames = new Frames({
      count: frames, pixels: rows * columns,
      request: (index) => model.send({ kind: "frame", index }),
      arrived: (index) => { if (index === this.index) this.schedule(); },
      failed: (index) => { if (index === this.index) this.unreachable(index); },
    });
    this.slider.max = frames;
    this.foot.hidden = frames < 2;
    this.chips.replaceChildren(...this.presets.map(([name, ...window]) =>
      element("button", { type: "button", class: "xv-chip", click: () => this.setWindow(window, true) }, name)));
    const notices = [...this.series.notices.map((notice) => notice[language()]), ...(spacing ? [] : [t("The image has no pixel spacing: lengths are in pixels.")])];
    this.notices.replaceChildren(...notices.map((notice) => element("li", {}, notice)));
    this.notices.hidden = !notices.length;
    if (!this.painter) this.paintWith();
    this.notes.begin(this.series.title[language()]);
    this.use(model.get("tool") in TOOLS ? model.get("tool") : "scroll");
    this.measures.set(model.get("measurements") ?? []);
    this.frames.want(this.index);
    this.slow = setTimeout(() => this.frames.get(this.index) || this.tell(t("Loading the image …")), 400);
    this.schedule();
  }

  ownWindow() {
    const [, center, width] = this.series.windows[0] ?? ["", 40, 400];
    return [center, width];
  }

  paintWith() {
    this.painter = painter(this.canvas);
    this.canvas = this.painter.canvas;
    this.canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault();
      if (this.closed) return;
      this.tell(this.t("The graphics driver has stopped; the image comes back as soon as it does."), this.t("Try again"), () => this.restore());
    });
    this.canvas.addEventListener("webglcontextrestored", () => {
      this.painter.build();
      this.restore();
    });
  }

  restore() {
    this.loaded = null;
    this.tell(null);
    this.schedule();
  }

  unreachable(index) {
    this.tell(this.t("Slice {number} does not arrive: check the network.", { number: index + 1 }), this.t("Try again"), () => {
      this.tell(this.t("Loading the image …"));
      this.frames.retry(index);
    });
  }

  /** Say `text` over the image, with a button where there is something to do; null takes it away. */
  tell(text, action, act) {
    this.message.hidden = !text;
    this.message.replaceChildren(...(text ? [element("div", {}, text)] : []), ...(action ? [element("button", { type: "button", click: act }, action)] : []));
    if (text && !this.message.isConnected) this.stage.append(this.message);
  }

  // --- the model ---------------------------------------------------------------------------------------------------

  follow() {
    const { model } = this;
    const on = (event, act) => {
      model.on(event, act);
      this.off.push(() => model.off(event, act));
    };
    on("change:series", () => { if (!same(model.get("series"), this.series)) { this.begin(); this.fit(); } });
    on("change:index", () => this.show(model.get("index"), false));
    on("change:window", () => { if (model.get("window")?.length === 2 && !same(model.get("window"), this.window)) this.setWindow(model.get("window"), false); });
    on("change:tool", () => { if (model.get("tool") in TOOLS && model.get("tool") !== this.tool) this.use(model.get("tool")); });
    on("change:measurements", () => this.measures.set(model.get("measurements") ?? []));
    this.first = () => this.settle();
    for (const kind of BEFORE) document.addEventListener(kind, this.first, true);
    on("msg:custom", (message, buffers) => {
      if (message.kind === "frame" && (message.series ?? this.series.id) === this.series.id) this.frames.receive(message.index, buffers[0]);
      if (message.kind === "error") this.tell(message.text[language()] ?? message.text.en);
    });
  }

  /** Set model fields at once, and tell the host soon. */
  keep(values) {
    for (const [name, value] of Object.entries(values)) this.model.set(name, value);
    this.news = { ...this.news, ...values };
    this.saving ??= setTimeout(() => this.flush(), SAVE_MS);
  }

  /** Tell the host now. */
  flush() {
    if (!this.saving) return;
    clearTimeout(this.saving);
    this.saving = null;
    this.model.save_changes();
  }

  /** Whatever is pressed next, the host must know before it what was measured; a message is never held back. */
  settle() {
    this.flush();
    if (this.news) this.model.send({ kind: "now", state: this.news });
    this.news = null;
  }

  // --- what can be done --------------------------------------------------------------------------------------------

  use(tool) {
    this.tool = tool;
    for (const [name, node] of Object.entries(this.buttons)) node.setAttribute("aria-pressed", name === tool);
    const kind = tool in POINTS ? tool : null;
    this.measures.use(kind);
    this.stage.dataset.tool = tool;
    this.stage.classList.toggle("xv-drawing", Boolean(kind));
    this.keep({ tool });
  }

  show(index, own = true) {
    const next = Math.min(Math.max(0, Math.round(index)), this.series.frames - 1);
    if (next === this.index || Number.isNaN(next)) return;
    this.index = next;
    this.measures.cancel();
    this.tell(null);
    this.frames.want(next);
    if (own) this.keep({ index: next });
    this.schedule();
  }

  setWindow([center, width], own = true) {
    this.window = [Math.round(center * 10) / 10, Math.max(1, Math.round(width * 10) / 10)];
    if (own) this.keep({ window: this.window });
    this.schedule();
  }

  /** Zoom by `factor` so that the picture under `anchor` (CSS pixels in the stage) stays there. */
  zoomBy(factor, anchor = [this.width / 2, this.height / 2]) {
    const before = this.toPicture(anchor);
    this.zoom = Math.min(ZOOM.most, Math.max(ZOOM.least, this.zoom * factor));
    const after = this.toScreen(before);
    this.panBy(anchor[0] - after[0], anchor[1] - after[1]);
  }

  panBy(dx, dy) {
    this.pan = [this.pan[0] + dx, this.pan[1] + dy];
    this.schedule();
  }

  invert() {
    this.inverted = !this.inverted;
    this.schedule();
  }

  reset() {
    Object.assign(this, { zoom: 1, pan: [0, 0], inverted: Boolean(this.series.inverted) });
    this.setWindow(this.ownWindow());
  }

  /** The reader points at `point` of the picture (null: at nothing): its value is shown. */
  pointed(point) {
    this.hover = point;
    this.schedule();
  }

  // --- the picture -------------------------------------------------------------------------------------------------

  fit() {
    const box = this.stage.getBoundingClientRect();
    if (!box.width) return;
    [this.width, this.height] = [box.width, box.height];
    const dense = window.devicePixelRatio || 1;
    Object.assign(this.canvas, { width: Math.round(box.width * dense), height: Math.round(box.height * dense) });
    this.draw();
  }

  /** CSS pixels of one picture pixel, [x, y]. */
  pixelSize() {
    const { rows, columns } = this.series;
    const scale = this.zoom * Math.min(this.width / columns, this.height / (rows * this.ratio));
    return [scale, scale * this.ratio];
  }

  origin([sx, sy] = this.pixelSize()) {
    const { rows, columns } = this.series;
    return [(this.width - (columns - 1) * sx) / 2 + this.pan[0], (this.height - (rows - 1) * sy) / 2 + this.pan[1]];
  }

  toScreen([x, y]) {
    const [sx, sy] = this.pixelSize();
    const [ox, oy] = this.origin([sx, sy]);
    return [ox + x * sx, oy + y * sy];
  }

  toPicture([x, y]) {
    const [sx, sy] = this.pixelSize();
    const [ox, oy] = this.origin([sx, sy]);
    return [(x - ox) / sx, (y - oy) / sy];
  }

  schedule() {
    this.due ??= requestAnimationFrame(() => {
      this.due = null;
      this.draw();
    });
  }

  draw() {
    if (!this.width || this.closed) return;
    const frame = this.frames.get(this.index);
    if (frame) {
      const { columns, rows, slope, intercept } = this.series;
      if (this.loaded !== frame) {
        this.painter.load(frame, columns, rows);
        this.loaded = frame;
        if (!this.message.querySelector("button")) this.tell(null);
      }
      const dense = this.canvas.width / this.width;
      const scaled = (pair) => pair.map((part) => part * dense);
      // (0, 0) of the picture is the centre of a pixel, as gl_FragCoord's are
      this.painter.draw({ origin: scaled(this.origin()), scale: scaled(this.pixelSize()), center: this.window[0], width: this.window[1], slope, intercept, inverted: this.inverted });
      this.stage.dataset.shown = this.index;
    }
    this.notes.draw(frame);
    this.measures.draw();
  }

  // --- measuring ---------------------------------------------------------------------------------------------------

  number(value) {
    const unit = this.series.unit;
    return `${(Math.round(value * 10) / 10).toFixed(Number.isInteger(value) ? 0 : 1)}${unit ? ` ${unit}` : ""}`;
  }

  measureHost() {
    return {
      toScreen: (point) => this.toScreen(point),
      toPicture: (point) => this.toPicture(point),
      at: (event) => this.at(event),
      limit: ([x, y]) => [x, y].map((part, i) => Math.round(Math.min([this.series.columns, this.series.rows][i] - 0.5, Math.max(-0.5, part)) * 100) / 100),
      step: () => Math.max(0.25, Math.round(4 / this.pixelSize()[0]) / 4),
      middle: () => this.toPicture([this.width / 2, this.height / 2]),
      frame: () => this.index,
      name: (kind) => this.t(TOOLS[kind]),
      worth: (measurement) => this.worth(measurement),
      pointed: (point) => this.pointed(point),
      focus: () => this.stage.focus(),
      changed: (list, measurement) => {
        this.keep({ measurements: list });
        if (measurement) this.live.textContent = `${this.t(TOOLS[measurement.kind])} ${this.worth(measurement).text.join(", ")}`;
      },
      t: this.t,
    };
  }

  /** Position of a pointer event in the stage, CSS pixels. */
  at(event) {
    const box = this.stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  /** What a measurement comes to: {text, value, unit} (and sd, area, pixels of a region). */
  worth({ kind, points, frame: index }) {
    const { t, series } = this;
    const { spacing, slope, intercept, columns } = series;
    const unit = spacing ? "mm" : "px";
    const frame = this.frames.get(index);
    if (points.length < Math.min(2, POINTS[kind])) return { text: [] };
    if (kind === "length") {
      const value = length(points, spacing);
      return { text: [`${value.toFixed(1)} ${unit}`], value, unit };
    }
    if (kind === "angle") {
      const value = points.length === 3 ? angle(points, spacing) : NaN;
      return Number.isNaN(value) ? { text: [] } : { text: [`${value.toFixed(1)}°`], value, unit: "°" };
    }
    if (!frame) return { text: ["…"] };
    if (kind === "probe") {
      const value = probe(frame, columns, points[0], slope, intercept);
      return { text: [value == null ? "–" : this.number(value)], value, unit: series.unit };
    }
    const stats = ellipseStats(frame, columns, points, slope, intercept);
    const area = ellipseArea(points, spacing);
    if (!stats) return { text: [t("too small")], value: null, unit: series.unit };
    const { mean, sd, pixels } = stats;
    return { text: [`${t("mean")} ${this.number(Number(mean.toFixed(1)))}`, `SD ${sd.toFixed(1)}`, `${area.toFixed(1)} ${unit}²`], value: mean, unit: series.unit, sd, area, pixels };
  }

  close() {
    this.closed = true;
    this.resize.disconnect();
    for (const stop of this.off) stop();
    this.frames.close();
    this.painter.close();
    clearTimeout(this.slow);
    cancelAnimationFrame(this.due);
    for (const kind of BEFORE) document.removeEventListener(kind, this.first, true);
    this.flush();
  }
}

export default {
  render({ model, el }) {
    const viewer = new Viewer(model, el);
    return () => viewer.close();
  },
};

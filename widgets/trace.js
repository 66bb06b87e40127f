// Live curves in a canvas, with a cursor that reads them by pointer or keyboard. An AFM module.
// Model: x_axis, y_axis {name, unit, low, high}, names, samples (float32: a row of x, then a row a curve), bands, marks, cursor.

import css from "./trace.css";
import { linear, nearest, ticks } from "./trace_scale.js";
import { element, language, style, translator } from "./ui.js";

const COLORS = ["#1f6f54", "#b3541e", "#3557a8", "#7a3b8f"];
const MARGIN = { left: 62, right: 16, top: 14, bottom: 44 };
const FONT = '13px system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif';

class Trace {
  constructor(model, root) {
    this.model = model;
    this.t = translator(model.get("labels"));
    this.canvas = element("canvas", { class: "xt-canvas", tabindex: 0, role: "img" });
    this.keys = element("span", { class: "xt-keys" });
    this.reading = element("output", { class: "xt-read", "aria-live": "polite" });
    root.replaceChildren(style(css), element("section", { class: "xt", lang: language() === "en" ? "en" : "zh-CN", "data-lm-suppress-shortcuts": "true" },
      this.canvas, element("div", { class: "xt-foot" }, this.keys, this.reading)));
    this.canvas.addEventListener("pointerdown", (event) => this.point(event));
    this.canvas.addEventListener("pointermove", (event) => { if (event.pointerType === "mouse" || event.buttons) this.point(event); });
    this.canvas.addEventListener("keydown", (event) => this.press(event));
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.canvas);
    for (const trait of ["samples", "x_axis", "y_axis", "marks", "bands", "cursor"]) model.on(`change:${trait}`, () => this.later());
    this.draw();
  }

  /** Several traits change together: one picture is enough. */
  later() {
    this.pending ??= requestAnimationFrame(() => { this.pending = null; this.draw(); });
  }

  rows() {
    const bytes = this.model.get("samples");
    const names = this.model.get("names");
    const view = bytes?.buffer ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : new Uint8Array(bytes ?? []);
    const all = new Float32Array(view.slice().buffer);
    const n = all.length / (names.length + 1);
    return { n, x: all.subarray(0, n), curves: names.map((_, i) => all.subarray((i + 1) * n, (i + 2) * n)) };
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width) return;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.font = FONT;
    const [x, y] = [this.model.get("x_axis"), this.model.get("y_axis")];
    this.across = linear(x.low, x.high, MARGIN.left, width - MARGIN.right);
    this.up = linear(y.low, y.high, height - MARGIN.bottom, MARGIN.top);
    this.data = this.rows();
    this.drawBands(pen, height);
    this.drawAxes(pen, width, height, x, y);
    pen.save();
    pen.beginPath();
    pen.rect(MARGIN.left, MARGIN.top, width - MARGIN.left - MARGIN.right, height - MARGIN.top - MARGIN.bottom);
    pen.clip();
    this.drawCurves(pen);
    pen.restore();
    this.drawMarks(pen);
    this.drawCursor(pen, height);
    this.describe(x, y);
  }

  drawBands(pen, height) {
    pen.fillStyle = "#fbe6c0";
    for (const [from, to] of this.model.get("bands")) {
      const left = this.across.at(from);
      pen.fillRect(left, MARGIN.top, Math.max(2, this.across.at(to) - left), height - MARGIN.top - MARGIN.bottom);
    }
  }

  drawAxes(pen, width, height, x, y) {
    const bottom = height - MARGIN.bottom;
    pen.lineWidth = 1;
    pen.fillStyle = "#44544e";
    pen.strokeStyle = "#e3eae6";
    pen.textAlign = "center";
    const along = ticks(x.low, x.high, width / 90);
    for (const value of along.values) {
      this.line(pen, this.across.at(value), MARGIN.top, this.across.at(value), bottom);
      pen.fillText(value.toFixed(along.digits), this.across.at(value), bottom + 17);
    }
    pen.fillText(`${x.name} (${x.unit})`, (MARGIN.left + width - MARGIN.right) / 2, height - 8);
    pen.textAlign = "right";
    const upward = ticks(y.low, y.high, height / 60);
    for (const value of upward.values) {
      this.line(pen, MARGIN.left, this.up.at(value), width - MARGIN.right, this.up.at(value));
      pen.fillText(value.toFixed(upward.digits), MARGIN.left - 7, this.up.at(value) + 4);
    }
    pen.save();
    pen.translate(15, (MARGIN.top + bottom) / 2);
    pen.rotate(-Math.PI / 2);
    pen.textAlign = "center";
    pen.fillText(`${y.name} (${y.unit})`, 0, 0);
    pen.restore();
  }

  line(pen, x1, y1, x2, y2) {
    pen.beginPath();
    pen.moveTo(Math.round(x1) + 0.5, Math.round(y1) + 0.5);
    pen.lineTo(Math.round(x2) + 0.5, Math.round(y2) + 0.5);
    pen.stroke();
  }

  drawCurves(pen) {
    const { n, x, curves } = this.data;
    pen.lineWidth = 2.2;
    pen.lineJoin = "round";
    curves.forEach((curve, which) => {
      pen.strokeStyle = COLORS[which % COLORS.length];
      pen.beginPath();
      for (let i = 0; i < n; i += 1) pen.lineTo(this.across.at(x[i]), this.up.at(curve[i]));
      pen.stroke();
    });
  }

  drawMarks(pen) {
    pen.textAlign = "left";
    for (const [x, y, text] of this.model.get("marks")) {
      pen.fillStyle = "#a23a1c";
      pen.beginPath();
      pen.arc(this.across.at(x), this.up.at(y), 4.5, 0, 2 * Math.PI);
      pen.fill();
      pen.fillText(text, this.across.at(x) + 9, this.up.at(y) - 7);
    }
  }

  drawCursor(pen, height) {
    const cursor = this.model.get("cursor");
    this.reading.textContent = "";
    if (cursor == null || !this.data.n) return;
    const i = nearest(this.data.x, cursor);
    pen.strokeStyle = "#44544e";
    pen.setLineDash([5, 4]);
    this.line(pen, this.across.at(this.data.x[i]), MARGIN.top, this.across.at(this.data.x[i]), height - MARGIN.bottom);
    pen.setLineDash([]);
    const [x, y] = [this.model.get("x_axis"), this.model.get("y_axis")];
    const values = this.data.curves.map((curve, which) => `${this.model.get("names")[which]} = ${curve[i].toFixed(1)} ${y.unit}`);
    this.reading.textContent = [`${x.name} = ${this.data.x[i].toFixed(2)} ${x.unit}`, ...values].join("   ");
  }

  describe(x, y) {
    const names = this.model.get("names");
    this.canvas.setAttribute("aria-label", this.t("{y} over {x}; arrow keys move the cursor", { y: `${y.name} (${y.unit})`, x: `${x.name} (${x.unit})` }));
    if (this.keys.childElementCount === names.length) return;
    this.keys.replaceChildren(...names.map((name, which) => element("span", { class: "xt-key", style: `--xt-color: ${COLORS[which % COLORS.length]}` }, name)));
  }

  point(event) {
    this.move(this.across.back(event.offsetX));
  }

  press(event) {
    const { low, high } = this.model.get("x_axis");
    const step = ((high - low) / 600) * (event.shiftKey ? 10 : 1);
    const from = this.model.get("cursor") ?? low;
    const targets = { ArrowLeft: from - step, ArrowRight: from + step, Home: low, End: high };
    if (event.key === "Escape") this.move(null);
    else if (event.key in targets) this.move(targets[event.key]);
    else return;
    event.preventDefault();
  }

  /** The cursor is the browser's own affair: it is not sent to the kernel at every pixel. */
  move(x) {
    const { low, high } = this.model.get("x_axis");
    this.model.set("cursor", x == null ? null : Math.min(high, Math.max(low, x)));
    this.later();
  }
}

function render({ model, el }) {
  const trace = new Trace(model, el);
  return () => trace.observer.disconnect();
}

export default { render };

// The measuring overlay that the image viewer, the ECG paper and hotspot items share: an SVG over the picture on which
// measurements are drawn, selected, moved and deleted with mouse, touch and keyboard.
//
// A measurement is {kind, frame, points: [[x, y], ...]} in the picture's own coordinates; its host gives the way to the
// screen and back and says what a measurement is worth.

import { same, svg } from "./ui.js";

/** How many points each kind has. */
export const POINTS = { length: 2, angle: 3, ellipse: 2, probe: 1, point: 1, interval: 2, amplitude: 2 };

const MOVED = 4; // a press that wanders less than this many pixels is a tap
const NUDGE_FAST = 10;
const LABEL_ROOM = 150; // pixels a label may need

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** The step of an arrow key in picture units, ten times with Shift; null for other keys. */
export function arrow(event) {
  const step = STEPS[event.key];
  return step && step.map((part) => part * (event.shiftKey ? NUDGE_FAST : 1));
}

export class Measures {
  /**
   * host: {toScreen(point), toPicture(point), limit(point), step (picture units of one key press),
   *   worth(measurement) -> {text: [lines], ...fields to keep in the measurement}, changed(list), t, frame()}.
   */
  constructor(host) {
    this.host = host;
    this.items = []; // {measurement, node}
    this.tool = null;
    this.draft = null;
    this.cursor = null;
    this.layer = svg("g");
    this.cross = svg("path", { class: "xv-cross", d: "M-14 0h10M4 0h10M0-14v10M0 4v10" });
    this.root = svg("svg", { class: "xv-measures", width: "100%", height: "100%" }, this.layer, this.cross);
    this.root.addEventListener("pointerdown", (event) => this.grab(event));
    this.root.addEventListener("keydown", (event) => this.key(event));
  }

  /** The measurements as JSON. */
  list() {
    return this.items.map(({ measurement }) => measurement);
  }

  /** Take measurements from outside; those on the screen stay untouched where they are the same. */
  set(list) {
    if (same(list, this.list())) return;
    for (const { node } of this.items) node.remove();
    this.items = list.map((measurement) => this.item({ ...measurement }));
    this.draw();
  }

  /** Choose what a press draws; null for nothing. */
  use(kind) {
    this.tool = kind;
    this.cancel();
  }

  cancel() {
    this.draft?.item.node.remove();
    this.draft = null;
    this.draw();
  }

  item(measurement) {
    const node = svg("g", { class: `xv-measure xv-${measurement.kind}`, tabindex: 0, role: "button" });
    node.classList.add("xv-measure");
    this.layer.append(node);
    return { measurement, node, handle: -1 };
  }

  // --- drawing a new one -------------------------------------------------------------------------------------------

  /** A press at `point` of the picture begins a measurement or fixes the next point of the one begun. */
  press(point, screen) {
    const at = this.host.limit(point);
    if (!this.draft) {
      const item = this.item({ kind: this.tool, frame: this.host.frame(), points: [at] });
      item.node.classList.add("xv-draft");
      this.draft = { item, fixed: 0 };
    }
    this.draft.pressed = screen;
    this.draft.wandered = false;
    this.follow(point, screen);
  }

  /** The pointer moves: the point not yet fixed goes with it. */
  follow(point, screen) {
    if (!this.draft) return;
    const { item, fixed, pressed } = this.draft;
    if (pressed && Math.hypot(screen[0] - pressed[0], screen[1] - pressed[1]) > MOVED && !this.draft.wandered) {
      this.draft.wandered = true;
      if (fixed === 0 && POINTS[item.measurement.kind] > 1) this.draft.fixed = 1; // a drag draws from where it began
    }
    item.measurement.points[this.draft.fixed] = this.host.limit(point);
    this.draw();
  }

  /** The press ends: the point stays; with the last one the measurement is done. */
  release(point, screen) {
    if (!this.draft?.pressed) return;
    this.follow(point, screen);
    this.draft.pressed = null;
    const { item } = this.draft;
    this.draft.fixed += 1;
    if (this.draft.fixed < POINTS[item.measurement.kind]) return;
    this.draft = null;
    item.node.classList.remove("xv-draft");
    if (this.empty(item.measurement)) {
      item.node.remove();
      return this.draw();
    }
    this.items.push(item);
    this.changed(item);
  }

  /** Whether all points fell together, so that nothing was measured. */
  empty({ points }) {
    return points.length > 1 && points.every((point) => same(point, points[0]));
  }

  /** The keyboard's cross: arrows move it, Enter presses there. Returns whether the key was used. */
  crossKey(event) {
    const { host } = this;
    if (!this.tool) return false;
    const step = arrow(event);
    if (step) {
      const from = this.cursor ?? host.middle();
      this.cursor = host.limit([from[0] + step[0] * host.step(), from[1] + step[1] * host.step()]);
      this.follow(this.cursor, host.toScreen(this.cursor));
      this.draw();
      host.pointed(this.cursor);
    } else if (event.key === "Enter" || event.key === " ") {
      this.cursor ??= host.middle();
      const screen = host.toScreen(this.cursor);
      this.press(this.cursor, screen);
      this.release(this.cursor, screen);
    } else if (event.key === "Escape" && this.draft) {
      this.cancel();
    } else {
      return false;
    }
    return true;
  }

  // --- changing one that is there ----------------------------------------------------------------------------------

  grab(event) {
    const item = this.items.find(({ node }) => node.contains(event.target));
    if (!item || event.button !== 0 || this.draft) return;
    event.stopPropagation();
    event.preventDefault();
    item.node.focus();
    item.handle = Number(event.target.dataset.handle ?? -1);
    const start = this.host.toPicture(this.host.at(event));
    const points = item.measurement.points;
    const move = (next) => {
      const to = this.host.toPicture(this.host.at(next));
      this.shift(item, points, [to[0] - start[0], to[1] - start[1]]);
    };
    // the parts of the item are drawn anew while it moves, so the layer, which stays, holds the pointer
    this.root.setPointerCapture(event.pointerId);
    this.root.addEventListener("pointermove", move);
    this.root.addEventListener("lostpointercapture", () => {
      this.root.removeEventListener("pointermove", move);
      this.changed(item);
    }, { once: true });
  }

  /** Move the chosen handle, or the whole, by `delta` from `points`. */
  shift(item, points, delta) {
    const moved = ([x, y]) => this.host.limit([x + delta[0], y + delta[1]]);
    item.measurement.points = points.map((point, i) => (item.handle < 0 || item.handle === i ? moved(point) : point));
    this.draw();
  }

  key(event) {
    const item = this.items.find(({ node }) => node === event.target);
    if (!item) return;
    const step = arrow(event);
    if (step) {
      this.shift(item, item.measurement.points, step.map((part) => part * this.host.step()));
      this.changed(item);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.remove(item);
    } else if (event.key === "Enter" || event.key === " ") {
      item.handle = item.handle + 1 < item.measurement.points.length ? item.handle + 1 : -1;
      this.draw();
    } else if (event.key === "Escape") {
      this.host.focus();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** Delete one measurement: that given, else the one last focused, else the last. */
  remove(item = this.items.find(({ node }) => node === this.last) ?? this.items.at(-1)) {
    if (!item) return;
    this.items = this.items.filter((other) => other !== item);
    item.node.remove();
    this.changed();
    this.host.focus();
  }

  changed(item) {
    this.draw();
    this.host.changed(this.list(), item?.measurement);
  }

  // --- the picture -------------------------------------------------------------------------------------------------

  /** Bring the SVG in step with the measurements, the view and the frame on show. */
  draw() {
    for (const item of this.draft ? [...this.items, this.draft.item] : this.items) {
      const here = item.measurement.frame === this.host.frame();
      item.node.style.display = here ? "" : "none";
      if (here) this.drawItem(item);
    }
    const shown = this.tool && this.cursor;
    this.cross.style.display = shown ? "" : "none";
    if (shown) this.cross.setAttribute("transform", `translate(${this.host.toScreen(this.cursor).join()})`);
  }

  drawItem(item) {
    const { measurement, node } = item;
    const at = measurement.points.map((point) => this.host.toScreen(point));
    const { text, ...fields } = this.host.worth(measurement);
    Object.assign(measurement, fields);
    const path = OUTLINES[measurement.kind](at);
    const [x, y, anchor] = this.labelPlace(at, measurement.kind);
    const focused = document.activeElement === node;
    if (focused) this.last = node;
    node.setAttribute("aria-label", `${this.host.name(measurement.kind)}: ${text.join(", ")}`);
    node.setAttribute("aria-description", this.host.t("Arrow keys move it, Enter chooses a point, Delete removes it."));
    node.replaceChildren(
      svg("path", { class: "xv-grip", d: path }),
      svg("path", { class: "xv-shade", d: path }),
      svg("path", { class: "xv-line", d: path }),
      ...at.flatMap(([cx, cy], i) => [
        svg("circle", { class: i === item.handle ? "xv-handle xv-chosen" : "xv-handle", cx, cy, r: 4 }),
        svg("circle", { class: "xv-grip-point", cx, cy, r: 16, "data-handle": i }),
      ]),
      svg("text", { x, y, "text-anchor": anchor }, ...text.map((line, i) => {
        const part = svg("tspan", { x, dy: i ? "1.25em" : 0 });
        part.textContent = line;
        return part;
      })),
    );
  }

  /** Where a measurement's text stands: beside its rightmost point, on the left of it where the picture ends. */
  labelPlace(at, kind) {
    const right = at.reduce((best, point) => (point[0] > best[0] ? point : best));
    const top = kind === "interval" ? at[0][1] : Math.min(...at.map(([, y]) => y));
    const y = Math.min(Math.max((kind === "ellipse" ? top : right[1]) - 8, 16), this.root.clientHeight - 56);
    const left = Math.min(...at.map(([x]) => x));
    return right[0] > this.root.clientWidth - LABEL_ROOM ? [left - 12, y, "end"] : [right[0] + 12, y, "start"];
  }
}

const polyline = (at) => `M${at.map((point) => point.join(" ")).join("L")}`;
const mark = ([[x, y]]) => `M${x - 9} ${y}h18M${x} ${y - 9}v18`;
const REACH = 4000; // a caliper's lines cross any screen

const OUTLINES = {
  length: polyline,
  angle: polyline,
  probe: mark,
  point: mark,
  ellipse([[x0, y0], [x1, y1] = [x0, y0]]) {
    const [rx, ry] = [Math.abs(x1 - x0) / 2, Math.abs(y1 - y0) / 2];
    const y = (y0 + y1) / 2;
    const [left, right] = [Math.min(x0, x1), Math.max(x0, x1)];
    return `M${left} ${y}A${rx} ${ry} 0 0 1 ${right} ${y}A${rx} ${ry} 0 0 1 ${left} ${y}Z`;
  },
  interval([[x0, y0], [x1] = [x0]]) {
    return `M${x0} ${-REACH}V${REACH}M${x1} ${-REACH}V${REACH}M${x0} ${y0}H${x1}`;
  },
  amplitude([[x0, y0], [, y1] = [x0, y0]]) {
    return `M${-REACH} ${y0}H${REACH}M${-REACH} ${y1}H${REACH}M${x0} ${y0}V${y1}`;
  },
};

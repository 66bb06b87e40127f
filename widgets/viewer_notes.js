// What is written over and around the image: title, slice, window, value under the pointer, directions, scale.

import { letters, probe, roundLength } from "./geometry.js";
import { element, language, same } from "./ui.js";

const note = (place, extra = "") => element("div", { class: `xv-note xv-${place}${extra}`, "aria-hidden": extra ? "true" : null });

export class Notes {
  constructor(viewer) {
    this.viewer = viewer;
    this.corners = Object.fromEntries(["nw", "ne", "sw", "se"].map((place) => [place, note(place)]));
    this.letters = Object.fromEntries(["n", "s", "w", "e"].map((place) => [place, note(place, " xv-letter")]));
    this.scale = element("div", { class: "xv-scale", "aria-hidden": "true" }, element("span"));
    this.nodes = [...Object.values(this.corners), ...Object.values(this.letters), this.scale];
  }

  /** Once for a series: its title, labels and directions. */
  begin(name) {
    const { t, series, painter } = this.viewer;
    const tags = [
      series.synthetic && ["xv-tag", t("Synthetic")],
      !series.spacing && ["xv-tag xv-warn", t("No spacing: pixels")],
      painter.plain && ["xv-tag xv-warn", t("Simple display (no WebGL2)")],
    ].filter(Boolean);
    this.name = name;
    this.corners.nw.replaceChildren(name, ...tags.flatMap(([look, text]) => [element("br"), element("span", { class: look }, text)]));
    this.directions(series.orientation);
  }

  directions(orientation) {
    const [row, column] = orientation ? [orientation.slice(0, 3), orientation.slice(3)] : [];
    const away = (direction) => direction.map((part) => -part);
    const found = row ? { e: letters(row), w: letters(away(row)), s: letters(column), n: letters(away(column)) } : {};
    for (const [place, node] of Object.entries(this.letters)) node.textContent = found[place] ?? "";
  }

  /** Bring everything in step with the view; `frame` is undefined while it is on its way. */
  draw(frame) {
    const { t, series, index, window, presets, slider, count, chips, stage } = this.viewer;
    const { ne, sw, se } = this.corners;
    const place = `${index + 1} / ${series.frames}`;
    const [sx] = this.viewer.pixelSize();
    ne.textContent = series.positions ? `${place}\n${series.positions[index].toFixed(1)} mm` : place;
    sw.textContent = `${t("W")} ${window[1]}  ${t("L")} ${window[0]}`;
    se.textContent = `${this.value(frame)}\n${t("Zoom")} ${Math.round(sx * 100)}%`;
    slider.value = index + 1;
    slider.setAttribute("aria-valuetext", place);
    count.textContent = place;
    for (const [i, chip] of [...chips.children].entries()) chip.setAttribute("aria-pressed", same(presets[i].slice(1), window));
    const where = t("slice {number} of {count}", { number: index + 1, count: series.frames });
    stage.setAttribute("aria-label", `${this.name}, ${where}, ${sw.textContent}`);
    this.drawScale(series.spacing, sx);
  }

  /** The value under the pointer, with its place. */
  value(frame) {
    const { series, hover } = this.viewer;
    const value = frame && hover && probe(frame, series.columns, hover, series.slope, series.intercept);
    return value == null || value === "" ? "" : `(${Math.round(hover[0])}, ${Math.round(hover[1])})  ${this.viewer.number(value)}`;
  }

  drawScale(spacing, sx) {
    this.scale.style.display = spacing ? "" : "none";
    if (!spacing) return;
    const mm = roundLength(spacing[1] / sx, this.viewer.width / 4);
    this.scale.style.width = `${(mm / spacing[1]) * sx}px`;
    this.scale.firstChild.textContent = mm >= 10 ? `${mm / 10} cm` : `${mm} mm`;
  }
}

// Where a mark on an image earns points: circles and polygons, in pixels of the frame, one a row.

import { h } from "../room/dom.js";
import { t } from "../room/page.js";

const corner = (point) => point.split(/[,，]/).map(Number);

/** The regions as rows: shape, its numbers, the frames it holds on and its points; the last two may be left out. */
export function regions(field, value, part) {
  const list = h("ol", { class: "region-list" });
  const row = (region) => {
    const circle = !region.polygon;
    const shape = h("select", { "aria-label": t("Shape") }, h("option", { value: "circle" }, t("Circle")), h("option", { value: "polygon" }, t("Polygon")));
    shape.value = circle ? "circle" : "polygon";
    const numbers = h("input", {
      type: "text",
      value: circle ? (region.circle ?? []).join(",") : region.polygon.map((point) => point.join(",")).join(" "),
      "aria-label": t("Circle: x,y,radius; polygon: x,y x,y x,y; in pixels"),
      placeholder: "160,350,30",
    });
    const frames = h("input", { type: "text", value: region.frames?.join("-") ?? "", "aria-label": t("Frames, as 0-23; blank: the one shown"), placeholder: "0-23" });
    const points = h("input", { type: "number", step: "any", value: region.points ?? "", "aria-label": t("Points") });
    const item = h("li", {}, shape, numbers, frames, points,
      h("button", { type: "button", class: "quiet", "aria-label": t("Remove"), onclick: () => (item.remove(), part.changed()) }, "×"));
    item.read = () => ({
      ...(frames.value.trim() === "" ? {} : { frames: frames.value.split(/[-–]/).map(Number) }),
      [shape.value]: shape.value === "circle" ? corner(numbers.value) : numbers.value.trim().split(/\s+/).filter(Boolean).map(corner),
      ...(points.value === "" ? {} : { points: Number(points.value) }),
    });
    return item;
  };
  const more = h("button", { type: "button", class: "quiet", onclick: () => (list.append(row({})), list.lastElementChild.querySelector("select").focus(), part.changed()) }, t("One more region"));
  list.append(...(value ?? [{}]).map(row));
  return { element: h("div", {}, list, more), read: () => [...list.children].map((item) => item.read()) };
}

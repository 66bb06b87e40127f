// The rubric on the screen: for each criterion what earns its points, and a button for every number of them.

import { h } from "../room/dom.js";
import { t } from "../room/strings.js";
import { choices } from "./points.js";

export class Criteria {
  /** rubric: [{points, text}]; onChoose(place, value): by mouse, finger or a screen reader's own keys. */
  constructor(element, rubric, step, onChoose) {
    this.rows = rubric.map(({ points, text }, place) => {
      const radios = choices(points, step).map((value) =>
        h("label", { class: "gives" },
          h("input", { type: "radio", name: `criterion-${place}`, value, onchange: () => onChoose(place, value) }),
          h("span", {}, String(value))));
      return h("fieldset", { class: "criterion", "data-place": place },
        h("legend", {}, h("span", { class: "number" }, String(place + 1)), h("span", {}, text), " ", h("span", { class: "worth" }, t("worth {points}", { points }))),
        h("div", { class: "chips" }, ...radios));
    });
    element.replaceChildren(...this.rows);
  }

  /** The points as they are; `focus`: put it where the next digit goes. */
  draw(points, focus) {
    this.rows.forEach((row, place) => {
      row.classList.toggle("at", place === points.at);
      row.classList.toggle("given", points.given[place] !== null);
      for (const radio of row.querySelectorAll("input")) radio.checked = Number(radio.value) === points.given[place];
    });
    const here = this.rows[points.at];
    if (focus) (here.querySelector("input:checked") ?? here.querySelector("input")).focus({ preventScroll: true });
    here.scrollIntoView({ block: "nearest" });
  }

  /** Nothing can be given now. */
  disable(off) {
    for (const row of this.rows) row.disabled = off;
  }
}

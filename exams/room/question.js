// One question on the screen: what it shares with its neighbours, its text, its image, its answer.

import { answer, answeredInImage } from "./answer.js";
import { h } from "./dom.js";
import { t } from "./strings.js";
import { show } from "./tools.js";

const KINDS = {
  A1: () => t("One best answer"),
  A2: () => t("One best answer, case"),
  A3: () => t("Case with several questions"),
  A4: () => t("Case with several questions"),
  B1: () => t("Shared options"),
  X: () => t("Several answers"),
  numeric: () => t("Number"),
  ecg: () => t("Electrocardiogram"),
  measurement: () => t("Measurement in the image"),
  hotspot: () => t("Mark on the image"),
  short: () => t("Short answer"),
  code: () => t("Program"),
};

const MEASURES = {
  length: () => t("Measure the length in the image. Your last length counts."),
  angle: () => t("Measure the angle in the image. Your last angle counts."),
  ellipse: () => t("Draw the ellipse in the image. Your last ellipse counts."),
  probe: () => t("Put the probe on the image. Your last probe counts."),
};

/** What is to be done in the image of an item that is answered there. */
const task = (item) => item.type === "hotspot"
  ? t("Mark the place in the image: click or tap it, or move the cross with the arrow keys and press Enter. A new mark takes the place of the old one.")
  : MEASURES[item.measure]();

/** "3–5" for the questions that share a group with items[index]. */
function span(items, index) {
  const numbers = items.flatMap((item, place) => (item.group === items[index].group ? [place + 1] : []));
  return numbers.length > 1 ? `${numbers[0]}–${numbers.at(-1)}` : `${numbers[0]}`;
}

function shared(items, index) {
  const item = items[index];
  if (!item.group) return null;
  const title = item.group_stem
    ? t("Case for questions {span}", { span: span(items, index) })
    : t("Questions {span} share the same options", { span: span(items, index) });
  return h("section", { class: item.group_stem ? "shared" : "shared brief", "aria-label": title },
    h("h3", {}, title), item.group_stem ? h("p", {}, item.group_stem) : null);
}

/** What the reader must know of a case that goes forward only; null where there is nothing to know. */
function forward(items, index, closed) {
  const { group, forward_only: forwardOnly } = items[index];
  const last = items[index + 1]?.group !== group;
  if (!forwardOnly || (last && !closed)) return null;
  const text = closed
    ? t("Closed: you have gone on to the next question of this case. Your answer counts as it stands.")
    : t("When you go on to the next question of this case, this one is closed.");
  return h("p", { class: "forward", id: "forward" }, text);
}

/** Where a mark is, in the numbers that the viewer shows: slices from 1, pixels from 0. */
function at({ frame, points: [[x, y]] }) {
  return t("slice {slice}, column {x}, row {y}", { slice: frame + 1, x: Math.round(x), y: Math.round(y) });
}

/** The measurement or mark so far, in words. */
function reading(item, value) {
  if (item.type === "hotspot") return value ? t("Marked: {place}", { place: at(value) }) : t("No mark yet.");
  if (!value) return t("No measurement yet.");
  const number = typeof value.value === "number" ? value.value : value.value?.mean;
  return number === undefined ? t("Measured.") : t("Measured: {value} {unit}", { value: Number(number.toFixed(2)), unit: value.unit ?? "" });
}

/**
 * Question `index` of `items` in `main`; {choose(letter), focus(), dispose()}.
 *
 * value: what holds so far. closed: it cannot be changed any more. change(value, typing): called with every change.
 * api, base: for images and scripts.
 */
export function question(main, items, index, value, { closed, change, api, base }) {
  const item = items[index];
  const said = h("p", { class: "hint", role: "status" }, answeredInImage(item) ? reading(item, value) : "");
  const changed = (next, typing = false) => {
    if (answeredInImage(item)) said.textContent = reading(item, next);
    change(next, typing);
  };
  const part = answer(item, value, changed, closed);
  const picture = item.asset ? h("div", { class: "asset" }) : null;
  const code = item.type.length <= 2 ? [item.type] : [];
  const note = forward(items, index, closed);
  const heading = h("h2", { tabindex: -1, id: "question-title" },
    h("span", { class: "number" }, t("Question {number} of {total}", { number: index + 1, total: items.length })),
    h("span", { class: "kind" }, [...code, KINDS[item.type](), t("Points: {points}", { points: item.points })].join(" · ")));
  main.replaceChildren(
    h("article", { class: picture ? "question with-asset" : "question", "aria-labelledby": "question-title" },
      heading,
      shared(items, index),
      note,
      h("p", { class: "stem", id: "stem" }, item.stem),
      picture,
      part?.element ?? h("div", { class: "measure" }, h("p", {}, task(item)), said)));
  part?.element.setAttribute("aria-describedby", note ? "stem forward" : "stem");
  let dispose = () => {};
  let gone = false;
  if (picture)
    show(item, value, { api, base, change: changed, element: picture })
      .then((take) => (gone ? take() : (dispose = take)))
      .catch((error) => {
        const retry = h("button", { type: "button", class: "button second", onclick: () => main.dispatchEvent(new Event("again")) }, t("Try again"));
        picture.replaceChildren(h("p", { class: "hint", role: "alert" }, t("The image could not be shown: {reason}", { reason: error.message })), retry);
      });
  main.scrollTop = 0;
  return {
    choose: (letter) => part?.choose(letter),
    dispose: () => {
      gone = true;
      dispose();
    },
    focus: () => heading.focus({ preventScroll: false }),
  };
}

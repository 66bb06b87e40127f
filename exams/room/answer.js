// What a candidate answers with: options, boxes, a number, a text. Measurements and marks are made in the image itself.

import { code } from "./code.js";
import { h } from "./dom.js";
import { t } from "./strings.js";
import { text } from "./text.js";

/** An option is shown with the letter of its place, which is another for each candidate; its answer is its id. */
export const LETTERS = "ABCDEFGH";

/** Whether the answer is given in the item's image and not beside it. */
export const answeredInImage = (item) => item.type === "measurement" || item.type === "hotspot";

/** Whether a value answers nothing; the same rule as the server's. */
export const blank = (value) =>
  value === null || value === undefined || (Array.isArray(value) ? value.length === 0 : typeof value === "string" && !value.trim());

/** Options of which one, or with `many` several, can be chosen; of a closed question they can only be read. */
function options(item, value, change, many, closed) {
  const chosen = new Set(many ? (value ?? []) : blank(value) ? [] : [value]);
  const inputs = item.options.map((option) =>
    h("input", {
      type: many ? "checkbox" : "radio",
      name: "answer",
      value: option.id,
      onchange: () => change(many ? inputs.filter((input) => input.checked).map((input) => input.value).sort() : option.id),
    }),
  );
  inputs.forEach((input) => (input.checked = chosen.has(input.value)));
  const rows = item.options.map((option, index) =>
    h("label", { class: "option" }, inputs[index], h("span", { class: "letter" }, LETTERS[index]), h("span", {}, option.text)),
  );
  const clear = closed ? null : h("button", {
    type: "button",
    class: "quiet clear",
    onclick: () => {
      inputs.forEach((input) => (input.checked = false));
      change(many ? [] : null);
      inputs[0].focus();
    },
  }, t("Clear the answer"));
  const legend = many ? t("Choose all that are right.") : t("Choose one answer.");
  return {
    element: h("fieldset", { class: "options", disabled: closed }, h("legend", {}, legend), ...rows, clear),
    choose: (letter) => inputs[LETTERS.indexOf(letter)]?.click(),
  };
}

const NUMBER = /^[+\-\u2212]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,2})?$/i;

/** A number with its unit. */
function number(item, value, change) {
  const hint = h("p", { id: "number-hint", class: "hint", role: "status" });
  const field = h("input", {
    id: "answer-number", type: "text", inputmode: "decimal", autocomplete: "off", maxlength: 40, "aria-describedby": "number-hint",
  });
  const check = () => {
    const plain = field.value.normalize("NFKC").trim();
    hint.textContent = plain && !NUMBER.test(plain) ? t("This is not a number yet. Write digits, such as 0.16; the unit is already there.") : "";
  };
  field.value = value ?? "";
  field.addEventListener("input", () => (check(), change(field.value, true)));
  check();
  const label = h("label", { for: "answer-number" }, t("Your answer"));
  const unit = h("span", { class: "unit" }, item.unit ?? "");
  return { element: h("div", { class: "number" }, label, h("div", { class: "with-unit" }, field, unit), hint), choose: () => {} };
}

/**
 * The part of a question that takes the answer: {element, choose(letter)}; null where the image takes it.
 * change(value, typing) is called with every new value; typing says that the next is likely to follow at once.
 * closed: it cannot be changed any more; only questions with options can be closed.
 */
export function answer(item, value, change, closed) {
  if (answeredInImage(item)) return null;
  if (item.type === "short") return text(item, value, change);
  if (item.type === "code") return code(item, value, change);
  if (item.options.length) return options(item, value, change, item.type === "X", closed);
  return number(item, value, change);
}

// A plain editor for code: Tab indents, Enter keeps the indentation, and Escape lets Tab leave the field again. What is
// counted and kept is as for any written answer (text.js).

import { h } from "./dom.js";
import { t } from "./strings.js";
import { text } from "./text.js";

const INDENT = "    ";

/** The start of the line that a place in a text is in. */
const lineStart = (all, place) => all.lastIndexOf("\n", place - 1) + 1;

/** Put `words` in place of what is from `start` to `end`, and tell whoever listens. */
function put(field, words, start, end) {
  field.setRangeText(words, start, end, "end");
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
}

/** Indent the chosen lines, or with `back` take four spaces from each; without a choice of several lines Tab writes spaces. */
function indent(field, back) {
  const { value, selectionStart: from, selectionEnd: to } = field;
  if (!back && !value.slice(from, to).includes("\n")) return put(field, INDENT, from, to);
  const start = lineStart(value, from);
  const lines = value.slice(start, to).split("\n").map((line) => (back ? line.replace(/^ {1,4}/, "") : line && INDENT + line));
  put(field, lines.join("\n"), start, to);
  return from === to ? undefined : field.setSelectionRange(start, start + lines.join("\n").length);
}

/** A new line that begins where this one does, deeper after a colon. */
function breakLine(field) {
  const { value, selectionStart: from, selectionEnd: to } = field;
  const line = value.slice(lineStart(value, from), from);
  put(field, `\n${line.match(/^ */)[0]}${/:\s*$/.test(line) ? INDENT : ""}`, from, to);
}

/** The field for code: {element, choose(letter)}. */
export function code(item, value, change) {
  const made = text(item, value ?? item.starter, change);
  const field = made.element.querySelector("textarea");
  let leaving = false;
  Object.assign(field, { spellcheck: false, rows: 10, wrap: "off", autocapitalize: "off", autocomplete: "off" });
  field.setAttribute("autocorrect", "off");
  field.setAttribute("aria-describedby", "code-keys text-count");
  field.classList.add("code");
  field.addEventListener("blur", () => (leaving = false));
  field.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      leaving = true;
      return;
    }
    if (event.key === "Shift") return;
    const stays = !leaving;
    leaving = false;
    if (event.key === "Tab" && stays) indent(field, event.shiftKey);
    else if (event.key === "Enter" && !event.shiftKey) breakLine(field);
    else return;
    event.preventDefault();
  });
  const keys = h("p", { id: "code-keys", class: "note" }, t("Tab indents. To leave the field, press Escape and then Tab."));
  made.element.prepend(
    ...(item.examples ? [h("p", { class: "note" }, t("Your code is tried with this, and with more:")), h("pre", { class: "code-shown", tabindex: 0 }, item.examples)] : []),
  );
  made.element.append(keys);
  return made;
}

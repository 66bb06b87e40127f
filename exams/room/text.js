// A written answer with the count of its characters in sight. Nothing is cut off: what is beyond the limit stays in the
// field and is kept, and the reader is told that it is not marked (exams/paper.py marks as many characters).

import { bytes, characters } from "./characters.js";
import { h } from "./dom.js";
import { t } from "./strings.js";

const NEAR = 20; // characters left: worth saying
const MOST_BYTES = 18_000; // as JSON; the server takes 20,000 (exams/response.py)
const SAID_AFTER_MS = 700; // a pause in typing; who listens is not told of every key

/** What to say of `count` characters; "" while the limit is far. */
function remark(count, limit) {
  if (count > limit) return t("{over} characters too many: only the first {limit} are marked.", { over: count - limit, limit });
  if (count === limit) return t("The limit is reached.");
  return limit - count <= NEAR && count > 0 ? t("{left} characters left.", { left: limit - count }) : "";
}

/** The field for a written answer: {element, choose(letter)}. */
export function text(item, value, change) {
  const limit = item.max_length;
  const count = h("p", { id: "text-count", class: "hint" });
  const said = h("p", { id: "text-remark", class: "hint", role: "status" });
  const field = h("textarea", { id: "answer-text", rows: 8, "aria-describedby": "text-count" });
  let taken = value ?? "";
  let timer = null;
  const measure = () => {
    const now = characters(field.value);
    count.textContent = t("{count} of {limit} characters", { count: now, limit });
    count.classList.toggle("over", now > limit);
  };
  const say = (words, wait = SAID_AFTER_MS) => {
    clearTimeout(timer);
    timer = setTimeout(() => said.textContent !== words && (said.textContent = words), wait);
  };
  const read = () => {
    const far = bytes(field.value) > MOST_BYTES;
    if (far) field.value = taken;
    taken = field.value;
    measure();
    say(far ? t("This was too much to be taken: the answer is as it was before. Insert a shorter part.") : remark(characters(taken), limit), far ? 0 : SAID_AFTER_MS);
    if (!far) change(taken, true);
  };
  field.value = taken;
  // what an input method is still composing is no text yet; its letters would be counted
  field.addEventListener("input", (event) => event.isComposing || read());
  field.addEventListener("compositionend", read);
  measure();
  said.textContent = remark(characters(taken), limit);
  const label = h("label", { for: "answer-text" }, t("Your answer"));
  return { element: h("div", { class: "text" }, label, field, h("div", { class: "counting" }, said, count)), choose: () => {} };
}

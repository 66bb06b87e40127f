// The keyboard: an answer is marked without leaving it.

import { h } from "../room/dom.js";
import { t } from "../room/strings.js";

const writes = (target) => target.matches("textarea, input[type=text], input[type=search], select");

/**
 * Listen; `act` has digit(value), half(), erase(), move(by), change(by), next(), back(), handOn(), comment(), leave(),
 * model() and help(). Enter belongs to a button or link that has the focus; in the comment it means next.
 */
export function listen(act) {
  const named = {
    ".": act.half, "。": act.half, Backspace: act.erase,
    ArrowLeft: () => act.move(-1), ArrowRight: () => act.move(1), ArrowUp: () => act.change(1), ArrowDown: () => act.change(-1),
    PageUp: act.back, h: act.handOn, H: act.handOn, m: act.model, M: act.model, "/": act.comment, "?": act.help, Escape: act.leave,
  };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]") || event.target.closest(".asset")) return;
    const writing = writes(event.target);
    let deed = null;
    if (event.key === "Enter") deed = event.shiftKey || event.target.closest("a, button, summary") ? null : act.next;
    else if (writing) deed = event.key === "Escape" ? act.leave : null;
    else if (/^[0-9]$/.test(event.key)) deed = () => act.digit(Number(event.key));
    else deed = named[event.key];
    if (!deed) return;
    event.preventDefault();
    deed();
  });
}

/** The keys, to be read in a dialog. */
export function help() {
  const keys = [
    ["0–9", t("Points for the criterion at hand, and on to the next")],
    [".", t("Half a point more")],
    ["Backspace", t("Take the points back")],
    ["← →", t("Another criterion")],
    ["↑ ↓", t("Half a point more or less")],
    ["Enter", t("Next answer")],
    ["Page Up", t("Back to what you marked before")],
    ["/", t("Comment")],
    ["M", t("Model answer")],
    ["H", t("Hand on")],
    ["Esc", t("Out of the comment; out of an earlier answer")],
  ];
  return h("dl", { class: "keys" }, ...keys.flatMap(([key, text]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, text)]));
}

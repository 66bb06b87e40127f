// The keyboard: everything in the room can be done with it.

import { LETTERS } from "./answer.js";

/** Whether a key belongs to where the focus is: someone writes, or works in an image. */
function belongsToFocus(event) {
  const target = event.target;
  if (target.closest(".asset")) return true;
  const writes = target.matches("textarea, input[type=text], input[type=search], select");
  return writes && event.key !== "PageUp" && event.key !== "PageDown";
}

/** Which option a key names: "b" and "2" are B; F is the flag, so beyond E only digits do. */
function letterOf(key) {
  if (/^[a-e]$/i.test(key)) return key.toUpperCase();
  return /^[1-8]$/.test(key) ? LETTERS[Number(key) - 1] : null;
}

/** Listen; `act` has choose(letter), previous(), next(), flag(), map(), help(), leave(). */
export function listen(act) {
  const named = {
    ArrowLeft: act.previous, PageUp: act.previous, ArrowRight: act.next, PageDown: act.next,
    f: act.flag, F: act.flag, m: act.map, M: act.map, "?": act.help, Escape: act.leave,
  };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]") || belongsToFocus(event)) return;
    const deed = named[event.key];
    const letter = letterOf(event.key);
    if (deed === undefined && letter === null) return;
    event.preventDefault();
    if (deed) deed();
    else act.choose(letter);
  });
}

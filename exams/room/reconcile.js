// What this browser kept unsaved, set against what the server holds, when a page enters the exam.

import { closed } from "./forward.js";

const sequences = (latest) => new Map(latest.map((response) => [response.item, response.sequence]));
const newer = (held) => (response) => response.sequence > (held.get(response.item) ?? 0);

/** The kept responses that the server does not have and will not take: to questions that were closed meanwhile. */
export function late(pending, latest) {
  const held = sequences(latest);
  return pending.filter(newer(held)).filter((response) => closed(held, response.item));
}

/**
 * The kept responses that are still worth sending, in order, with sequences above all that the server has.
 *
 * pending: responses by ascending sequence. latest: the server's latest response to each item. maximum: the highest
 * sequence the server has. A kept response stays out where the server has it already, has a later one to that item, or
 * knows that the candidate went on from the item: what a browser kept and sent in order was there before that.
 */
export function reconcile(pending, latest, maximum) {
  const held = sequences(latest);
  let next = maximum;
  return pending
    .filter(newer(held))
    .filter((response) => !closed(held, response.item))
    .map((response) => {
      next = Math.max(next + 1, response.sequence);
      return { ...response, sequence: next };
    });
}

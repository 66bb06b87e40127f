// What this browser kept unsaved, set against what the server holds, when a page enters the exam.

/**
 * The kept responses that are still worth sending, in order, with sequences above all that the server has.
 *
 * pending: responses by ascending sequence. latest: the server's latest response to each item. maximum: the highest
 * sequence the server has. A kept response stays out where the server has it already, or has a later one to that item.
 */
export function reconcile(pending, latest, maximum) {
  const held = new Map(latest.map((response) => [response.item, response.sequence]));
  let next = maximum;
  return pending
    .filter((response) => response.sequence > (held.get(response.item) ?? 0))
    .map((response) => {
      next = Math.max(next + 1, response.sequence);
      return { ...response, sequence: next };
    });
}

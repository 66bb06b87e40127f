// Cases that go forward only: opening a question of one closes those of it that come before.
//
// Going on is a response of its own, under the name passed(item) and without a value, so that the log of a sitting alone
// says what is closed, on any machine (exams/response.py).

const PASSED = "#passed";

/** The name under which a log says that the candidate went on from `item`. */
export const passed = (item) => item + PASSED;

/** Whether an item is closed; held: names of responses that hold. */
export const closed = (held, item) => held.has(passed(item));

/** The items that opening items[index] closes, and that are not closed yet. */
export function closing(items, index, held) {
  const { group, forward_only: forwardOnly } = items[index];
  if (!forwardOnly) return [];
  return items.slice(0, index).filter((item) => item.group === group && !closed(held, item.id));
}

/** Whether the candidate knows already what going on means: something of the case is closed. */
export const warned = (items, index, held) => items.some((item) => item.group === items[index].group && closed(held, item.id));

// What the pages of the marking desk have in common.

import { connect } from "../room/api.js";
import { Clock } from "../room/clock.js";
import { byId } from "../room/dom.js";

/** What the server put into the page for its script. */
export const data = JSON.parse(byId("data").textContent);

/** The API of one exam's marking. */
export const api = connect(`${data.prefix}api/${data.exam}/marking/`, new Clock());

/** Tell those who read the page, and those who listen to it; `more`: elements after the text. */
export function tell(element, text, ...more) {
  element.hidden = !text;
  element.replaceChildren(text, ...more);
}

// What a candidate sees: the room's own question, map and styles, over items that are not in any paper yet.

import { blank } from "../room/answer.js";
import { connect } from "../room/api.js";
import { Clock } from "../room/clock.js";
import { byId } from "../room/dom.js";
import { listen } from "../room/keys.js";
import { QuestionMap } from "../room/map.js";
import { question } from "../room/question.js";

const { api: base, base: scripts, items, index } = JSON.parse(byId("data").textContent);
const main = byId("main");
const api = connect(base, new Clock());
const held = new Map();
let at = index;
let shown = null;

function states() {
  return items.map((item) => ({ answered: !blank(held.get(item.id)), flagged: false, unsaved: false }));
}

const map = new QuestionMap(byId("map"), items.length, (place) => go(place));

function go(place) {
  if (place < 0 || place >= items.length) return;
  at = place;
  shown?.dispose();
  const item = items[at];
  const change = (value) => {
    held.set(item.id, value);
    map.draw(states(), at);
  };
  shown = question(main, items, at, held.get(item.id) ?? null, { change, api, base: scripts });
  map.draw(states(), at);
}

main.addEventListener("again", () => go(at));
listen({ choose: (letter) => shown.choose(letter), previous: () => go(at - 1), next: () => go(at + 1) });
go(index);

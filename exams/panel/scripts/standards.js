// Check scripts: the lead chooses answers, and marks them; markers are held against that without knowing which they are.

import { worded } from "../room/ask.js";
import { h } from "../room/dom.js";
import { t } from "../room/page.js";
import { Criteria } from "./criteria.js";
import { Points } from "./points.js";
import { client } from "./sending.js";

const STEP = 0.5;

/** The dialog of one item: answers to choose from, then the rubric for the one that was chosen. */
export async function checkScripts(api, item) {
  const body = h("div", { class: "standards" }, h("p", { class: "quiet" }, t("Answers are being fetched.")));
  const close = h("button", { type: "button", class: "button second", onclick: () => dialog.close() }, t("Close"));
  const dialog = h("dialog", { class: "large", "aria-labelledby": "standards-title" }, h("h2", { id: "standards-title" }, t("Check scripts of {item}", { item: item.id })), body, h("div", { class: "actions" }, close));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  await list(api, item, body);
}

async function list(api, item, body) {
  let sheets = [];
  try {
    ({ sheets } = await api.get(`items/${encodeURIComponent(item.id)}/sheets`));
  } catch (error) {
    body.replaceChildren(h("p", { class: "hint", role: "alert" }, worded(error)));
    return;
  }
  const row = (sheet) => {
    const total = sheet.standard?.[0].reduce((sum, one) => sum + one, 0);
    const button = h("button", { type: "button", class: "button second", onclick: () => mark(api, item, sheet, body) }, sheet.standard ? t("Change the standard") : t("Make it a check script"));
    return h("li", { class: sheet.standard ? "card chosen" : "card" },
      sheet.standard ? h("span", { class: "pill in" }, t("Standard: {total}", { total })) : null,
      h("p", {}, sheet.text), button);
  };
  body.replaceChildren(
    h("p", { class: "quiet" }, t("Choose answers that show the standard well: a good one, a middling one, one at the border. Markers meet each once, among the others.")),
    h("ul", { class: "cards" }, ...sheets.map(row)));
  body.querySelector("button")?.focus();
}

function mark(api, item, sheet, body) {
  const points = new Points(item.rubric.map((one) => one.points), STEP, sheet.standard?.[0]);
  const rubric = h("div");
  const problem = h("p", { class: "hint", role: "alert" });
  const comment = h("textarea", { id: "standard-comment", rows: 2, maxlength: 1000 });
  comment.value = sheet.standard?.[1] ?? "";
  const criteria = new Criteria(rubric, item.rubric, STEP, (place, value) => {
    points.choose(place, value);
    criteria.draw(points, false);
  });
  const save = async () => {
    if (points.missing() >= 0) {
      problem.textContent = t("Criterion {number} has no points yet.", { number: points.missing() + 1 });
      return;
    }
    const { code, edition } = sheet;
    try {
      await api.post(`items/${encodeURIComponent(item.id)}/standard`, { code, edition, client: client(), points: points.given, comment: comment.value });
      await list(api, item, body);
    } catch (error) {
      problem.textContent = worded(error);
    }
  };
  body.replaceChildren(
    h("p", { class: "written" }, sheet.text), rubric,
    h("label", { class: "remark", for: "standard-comment" }, t("Comment for the candidate")), comment, problem,
    h("div", { class: "actions" },
      h("button", { type: "button", class: "button second", onclick: () => list(api, item, body) }, t("Cancel")),
      h("button", { type: "button", class: "button", id: "save-standard", onclick: save }, t("Set the standard"))));
  criteria.draw(points, true);
}

// A dialog on the desk that asks and then does.

import { Unreachable } from "./api.js";
import { h } from "./dom.js";
import { t } from "./page.js";

/** A dialog with `fields` that posts; `post(values)` resolves to a sentence, which `say` shows. Returns the dialog. */
export function ask(title, fields, post, say) {
  const problem = h("p", { class: "hint", role: "alert" });
  const go = h("button", { class: "button" }, t("Do it"));
  const form = h("form", {}, ...fields, problem,
    h("div", { class: "actions" }, h("button", { type: "button", class: "button second", onclick: () => dialog.close() }, t("Cancel")), go));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    go.disabled = true;
    problem.textContent = t("At work…");
    try {
      const sentence = await post(new FormData(form));
      dialog.close();
      say(sentence);
    } catch (error) {
      problem.textContent = error instanceof Unreachable ? t("The server cannot be reached. Try again in a moment.") : error.message;
      go.disabled = false;
    }
  });
  const dialog = h("dialog", { "aria-labelledby": "ask-title" }, h("h2", { id: "ask-title" }, title), form);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** The field in which the reason is said. */
export const reason = (required) => h("label", {}, t("Reason"), h("input", { name: "reason", required, maxlength: 500 }));

/** A field for a number of minutes. */
export const minutes = () => h("label", {}, t("Minutes"), h("input", { name: "minutes", type: "number", min: 1, max: 240, value: 5, required: true }));

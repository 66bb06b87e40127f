// A dialog on the desk that asks and then does.

import { Unreachable } from "./api.js";
import { h } from "./dom.js";
import { t } from "./page.js";

/** An error in words. */
export const worded = (error) => (error instanceof Unreachable ? t("The server cannot be reached. Try again in a moment.") : error.message);

/** A dialog with `fields`; `act(values)` does what `button` says, and resolves when the dialog may close. */
export function ask(title, fields, act, button = t("Do it")) {
  const problem = h("p", { class: "hint", role: "alert" });
  const go = h("button", { class: "button" }, button);
  const form = h("form", {}, ...fields, problem,
    h("div", { class: "actions" }, h("button", { type: "button", class: "button second", onclick: () => dialog.close() }, t("Cancel")), go));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    go.disabled = true;
    problem.textContent = t("At work…");
    try {
      await act(new FormData(form));
      dialog.close();
    } catch (error) {
      problem.textContent = worded(error);
      go.disabled = false;
    }
  });
  const dialog = h("dialog", { "aria-labelledby": "ask-title" }, h("h2", { id: "ask-title" }, title), form);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** The field in which the reason is said. */
export const reason = (required) => h("label", {}, t("Reason"), h("input", { name: "reason", required, maxlength: 500 }));

/** A field for a number of minutes. */
export const minutes = () => h("label", {}, t("Minutes"), h("input", { name: "minutes", type: "number", min: 1, max: 240, value: 5, required: true }));

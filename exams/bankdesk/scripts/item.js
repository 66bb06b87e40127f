// An item's page: the preview in its frame, and the deeds.

import { byId, h } from "../room/dom.js";
import { t } from "../room/page.js";
import { ask } from "../room/ask.js";
import { api, data, page, say } from "./common.js";

const SIZES = { computer: [1366, 768], phone: [390, 760] };
const NARROW = 700; // of this page, below which the phone comes first

const frame = byId("preview");
const stage = byId("stage");
let size = innerWidth < NARROW ? "phone" : "computer";

/** The frame has a candidate's screen inside and is drawn as large as there is room. */
function fit() {
  const [width, height] = SIZES[size];
  const scale = Math.min(1, stage.clientWidth / width);
  frame.style.width = `${width}px`;
  frame.style.height = `${height}px`;
  frame.style.transform = `scale(${scale})`;
  frame.style.marginLeft = `${Math.max(0, (stage.clientWidth - width * scale) / 2)}px`;
  stage.style.height = `${height * scale}px`;
  for (const button of document.querySelectorAll("[data-size]")) button.setAttribute("aria-pressed", String(button.dataset.size === size));
}

for (const button of document.querySelectorAll("[data-size]"))
  button.addEventListener("click", () => {
    size = button.dataset.size;
    fit();
  });
addEventListener("resize", fit);
fit();

for (const button of document.querySelectorAll("[data-deed]"))
  button.addEventListener("click", () =>
    ask(button.textContent, [h("label", {}, t("Note, kept with the item (may be left out)"), h("input", { name: "note", maxlength: 500 }))], async (values) => {
      await api.post(`items/${data.item}/deeds/${button.dataset.deed}`, { version: data.version, note: values.get("note") });
      sessionStorage.setItem("xinglin-bank-said", t("Done: {deed}.", { deed: button.textContent }));
      location.reload();
    }, button.textContent));

byId("back").href = page(sessionStorage.getItem(`xinglin-bank-list/${data.bank}`) ?? "");
const said = sessionStorage.getItem("xinglin-bank-said");
sessionStorage.removeItem("xinglin-bank-said");
if (said) say(said, true);

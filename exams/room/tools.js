// The image or tracing of an item, through the same widgets as in the labs.

import { LocalModel, mount } from "./afm_host.js";
import { answeredInImage } from "./answer.js";
import { h } from "./dom.js";
import { experiment } from "./experiment.js";
import { t } from "./strings.js";

const MODULES = { dicom: "dicom_viewer", ecg: "ecg" };

/** The measurement that answers an item: the newest of its kind, as the server takes it. */
export function measured(item, measurements) {
  const fitting = measurements.filter((measurement) => measurement.kind === item.measure);
  if (!fitting.length) return null;
  const { kind, frame, points, value, unit } = fitting.at(-1);
  return { kind, frame, points, value, unit };
}

/** A hotspot item has one mark: the newest takes the place of those before; what was measured besides stays. */
function onlyNewest(item, measurements) {
  const newest = measurements.findLast((measurement) => measurement.kind === item.measure);
  return measurements.filter((measurement) => measurement.kind !== item.measure || measurement === newest);
}

/** The widget's first state: what the server tells, the item's slice and window, and the measurement made before. */
async function initial(item, value, api) {
  const path = `items/${encodeURIComponent(item.id)}`;
  if (item.asset.kind === "ecg") return { measurements: [], ...(await api.get(`${path}/signals`)) };
  return {
    index: value?.frame ?? item.asset.frame ?? 0,
    window: item.asset.window ?? [],
    tool: item.measure ?? "scroll",
    measurements: answeredInImage(item) && value ? [value] : [],
    ...(await api.get(`${path}/series`)),
  };
}

/**
 * Show the image, tracing or experiment of `item` in `element`; resolves to a function that takes it away.
 *
 * change(value): called with the measurement or mark that answers an item in its image, null when it is removed.
 */
export async function show(item, value, { api, base, change, element }) {
  if (item.asset.kind === "simulation") return experiment(item, { api, base, element });
  const status = h("p", { class: "quiet", role: "status" }, t("The image is being fetched."));
  element.replaceChildren(status);
  const state = await initial(item, value, api);
  const frame = (index) => api.bytes(`items/${encodeURIComponent(item.id)}/frames/${index}`);
  const model = new LocalModel(state, frame);
  if (answeredInImage(item))
    model.on("saved", (changed) => {
      if (!changed.includes("measurements")) return;
      const given = measured(item, model.get("measurements"));
      if (item.type === "hotspot") model.set("measurements", onlyNewest(item, model.get("measurements")));
      change(given);
    });
  const stage = h("div", { class: "stage" });
  element.replaceChildren(stage);
  model.on("failed", (error) => stage.after(h("p", { class: "hint", role: "alert" }, error.message)));
  return mount(`${base}widgets/${MODULES[item.asset.kind]}.js`, model, stage);
}

// The viewer's tools, their keys and the windows it offers.

import { mark } from "./ui.js";

/** Tool -> its name. */
export const TOOLS = {
  scroll: mark("Scroll"), window: mark("Window"), zoom: mark("Zoom"), pan: mark("Pan"),
  probe: mark("Probe"), length: mark("Length"), angle: mark("Angle"), ellipse: mark("Ellipse"),
};

/** Tool -> the key that chooses it. */
export const TOOL_KEYS = { scroll: "S", window: "W", zoom: "Z", pan: "P", probe: "V", length: "L", angle: "A", ellipse: "E" };

/** Windows for CT in HU, [name, center, width], in the ranges radiology textbooks give (Prokop and Galanski 2003). */
export const CT_WINDOWS = [
  [mark("Lung"), -600, 1500], [mark("Bone"), 500, 2000], [mark("Brain"), 40, 80], [mark("Soft tissue"), 40, 400],
];

/** Names a series' own windows may have: its DICOM's, computed from the picture, all of 8 bits. */
export const OWN_WINDOWS = [mark("DICOM"), mark("auto"), mark("full")];

/** The rows of the help sheet: [keys, what they do]. */
export function helpRows(t) {
  return [
    ["↑ ↓ ← →", t("with the chosen tool: change slice, window, zoom or position; with a measuring tool move the cross (Shift: ten times as far)")],
    ["Enter", t("set a point at the cross")], ["Esc", t("cancel; from a measurement back to the image")],
    ["PgUp PgDn Home End", t("previous, next, first, last slice")], ["1 2 3 4 …", t("window presets, in their order")],
    ["+ -", t("zoom in, zoom out")], ...Object.entries(TOOL_KEYS).map(([tool, key]) => [key, t(TOOLS[tool])]),
    ["I", t("Invert")], ["R", t("Reset")],
    ["Tab", t("go to the measurements: arrow keys move one, Enter chooses its point, Delete removes it")],
    [t("wheel"), t("change slice; with Ctrl zoom")], [t("right-drag"), t("window: left-right width, up-down level")],
    [t("middle-drag"), t("pan")], [t("two-fingers"), t("zoom and pan")],
  ];
}

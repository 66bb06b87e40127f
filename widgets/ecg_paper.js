// The ECG paper's maths: where each lead stands, its line, what calipers measure. Everything in millimetres of paper.

/** Standard speed and gain (AHA/ACCF/HRS recommendations 2007, part I; IEC 60601-2-25). */
export const MM_PER_S = 25;
export const MM_PER_MV = 10;
/** Width of the calibration pulse, 200 ms. */
export const PULSE_MM = 5;

const LEFT_MM = 9; // room for the calibration pulse
const ROW_MM = 30; // 3 mV between base lines
const TOP_MM = 20;
const TWELVE = [["I", "aVR", "V1", "V4"], ["II", "aVL", "V2", "V5"], ["III", "aVF", "V3", "V6"]];

const named = (leads, name) => leads.find((lead) => lead.name.toUpperCase() === name.toUpperCase());

/**
 * The sheet for signals: the usual 3 rows of 4 leads with a rhythm strip of II where all twelve are there, else one row a
 * lead. {width, height, rows: [{y, parts: [{lead, x, from, to, first}]}]}, samples from..to.
 */
export function layout({ fs, leads }) {
  const samples = Math.min(...leads.map((lead) => lead.samples.length));
  const mm = (count) => (count / fs) * MM_PER_S;
  const whole = (lead) => [{ lead, x: LEFT_MM, from: 0, to: samples, first: true }];
  const twelve = TWELVE.flat().every((name) => named(leads, name));
  const quarter = Math.floor(samples / 4);
  const parts = twelve
    ? [...TWELVE.map((names) => names.map((name, i) => ({ lead: named(leads, name), x: LEFT_MM + mm(i * quarter), from: i * quarter, to: (i + 1) * quarter, first: i === 0 }))), whole(named(leads, "II"))]
    : leads.map(whole);
  const rows = parts.map((row, i) => ({ y: TOP_MM + i * ROW_MM, parts: row }));
  const fives = (length) => Math.ceil(length / 5) * 5;
  return { width: fives(LEFT_MM + mm(samples) + 2), height: fives(TOP_MM + (rows.length - 1) * ROW_MM + 16), rows };
}

/** The path of one part of a row whose base line is at `y`; samples in mV, those that are not numbers leave a gap. */
export function trace({ lead, x, from, to }, y, fs) {
  let path = "";
  let pen = "M";
  for (let i = from; i < to; i++) {
    const value = lead.samples[i];
    if (!Number.isFinite(value)) {
      pen = "M";
      continue;
    }
    path += `${pen}${(x + ((i - from) / fs) * MM_PER_S).toFixed(2)} ${(y - value * MM_PER_MV).toFixed(2)}`;
    pen = "L";
  }
  return path;
}

/** What calipers measure: {text, value, unit}; an interval in ms with the rate it would be, an amplitude in mV. */
export function worth({ kind, points }, t) {
  if (points.length < 2) return { text: [] };
  const [[x0, y0], [x1, y1]] = points;
  if (kind === "amplitude") {
    const value = Math.abs(y1 - y0) / MM_PER_MV;
    return { text: [`${value.toFixed(2)} mV`], value, unit: "mV" };
  }
  const value = (Math.abs(x1 - x0) / MM_PER_S) * 1000;
  const rate = value >= 200 ? [t("{rate} /min", { rate: Math.round(60000 / value) })] : [];
  return { text: [`${Math.round(value)} ms`, ...rate], value, unit: "ms" };
}

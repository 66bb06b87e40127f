// Measuring maths, the same conventions as courses/measure.py: points are [x, y] in pixels, (0, 0) the centre of the
// first pixel; spacing is [row, column] in mm or null (results are then in pixels).

/** Millimetres from one point to another, as [dx, dy]. */
function vector(start, end, spacing) {
  const [row, column] = spacing ?? [1, 1];
  return [(end[0] - start[0]) * column, (end[1] - start[1]) * row];
}

/** Distance of two points in mm. */
export function length(points, spacing) {
  return Math.hypot(...vector(points[0], points[1], spacing));
}

/** Angle in degrees at the second of three points; NaN where a side has no length. */
export function angle(points, spacing) {
  const [ax, ay] = vector(points[1], points[0], spacing);
  const [bx, by] = vector(points[1], points[2], spacing);
  if (!(Math.hypot(ax, ay) && Math.hypot(bx, by))) return NaN;
  return (Math.atan2(Math.abs(ax * by - ay * bx), ax * bx + ay * by) * 180) / Math.PI;
}

/** Area in mm² of the ellipse in the box of two opposite corners. */
export function ellipseArea(points, spacing) {
  const [width, height] = vector(points[0], points[1], spacing);
  return (Math.PI / 4) * Math.abs(width * height);
}

/**
 * Mean, population SD, minimum, maximum (real values) and pixel count of the pixels whose centre lies in the ellipse;
 * null where there is none. `frame` holds stored values row by row.
 */
export function ellipseStats(frame, columns, points, slope, intercept) {
  const rows = frame.length / columns;
  const [[x0, y0], [x1, y1]] = points;
  const [rx, ry] = [Math.abs(x1 - x0) / 2, Math.abs(y1 - y0) / 2];
  const [cx, cy] = [(x0 + x1) / 2, (y0 + y1) / 2];
  let [pixels, sum, squares, minimum, maximum] = [0, 0, 0, Infinity, -Infinity];
  if (rx && ry) {
    for (let y = Math.max(0, Math.ceil(cy - ry)); y <= Math.min(rows - 1, cy + ry); y++) {
      for (let x = Math.max(0, Math.ceil(cx - rx)); x <= Math.min(columns - 1, cx + rx); x++) {
        if (((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 > 1) continue;
        // stored values are 16-bit integers, so both sums stay exact
        const stored = frame[y * columns + x];
        pixels += 1;
        sum += stored;
        squares += stored * stored;
        if (stored < minimum) minimum = stored;
        if (stored > maximum) maximum = stored;
      }
    }
  }
  if (!pixels) return null;
  const mean = sum / pixels;
  const sd = Math.sqrt(Math.max(0, squares / pixels - mean * mean)) * Math.abs(slope);
  const ends = [minimum * slope + intercept, maximum * slope + intercept].sort((a, b) => a - b);
  return { mean: mean * slope + intercept, sd, minimum: ends[0], maximum: ends[1], pixels };
}

/** Real value of the pixel nearest to `point`; null outside the image. */
export function probe(frame, columns, point, slope, intercept) {
  const [x, y] = [Math.floor(point[0] + 0.5), Math.floor(point[1] + 0.5)];
  if (x < 0 || y < 0 || x >= columns || y >= frame.length / columns) return null;
  return frame[y * columns + x] * slope + intercept;
}

/** Brightness 0 to 1 of a real value: the linear VOI function of DICOM PS3.3 C.11.2.1.2.1. */
export function brightness(value, center, width) {
  if (width <= 1) return value <= center - 0.5 ? 0 : 1;
  return Math.min(1, Math.max(0, (value - (center - 0.5)) / (width - 1) + 0.5));
}

const AXES = [["R", "L"], ["A", "P"], ["F", "H"]];

/** Letters of a direction in the patient's coordinates (x to the left, y to the back, z to the head), nearest axis first. */
export function letters(direction) {
  return direction
    .map((part, axis) => ({ size: Math.abs(part), letter: AXES[axis][part > 0 ? 1 : 0] }))
    .filter(({ size }) => size > 0.2)
    .sort((a, b) => b.size - a.size)
    .slice(0, 2)
    .map(({ letter }) => letter)
    .join("");
}

/** A round length in mm (1, 2 or 5 times a power of ten) whose bar is at most `room` pixels long. */
export function roundLength(mmPerPixel, room) {
  const most = mmPerPixel * room;
  const power = 10 ** Math.floor(Math.log10(most));
  return [5, 2, 1].map((step) => step * power).find((candidate) => candidate <= most);
}

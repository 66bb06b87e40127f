// The arithmetic of an axis: round ticks, and the way between values and pixels.

/** Round tick values from low to high, about `wanted` of them. */
export function ticks(low, high, wanted) {
  const rough = (high - low) / Math.max(wanted, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999);
  const values = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k += 1) values.push(k * step);
  return { values, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

/** The linear way from [low, high] to [from, to]. */
export function linear(low, high, from, to) {
  const slope = (to - from) / (high - low);
  return { at: (value) => from + (value - low) * slope, back: (pixel) => low + (pixel - from) / slope };
}

/** The index of the value of ascending `xs` nearest to x. */
export function nearest(xs, x) {
  let low = 0;
  let high = xs.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] < x) low = middle;
    else high = middle;
  }
  return x - xs[low] <= xs[high] - x ? low : high;
}

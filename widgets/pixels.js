// Stored values to grey on a canvas: WebGL2 with a 16-bit integer texture, or a plain 2-D canvas where there is none.
// Both take `view`: {origin: [x, y], scale: [x, y]} in device pixels (screen = origin + scale * pixel), {center, width},
// {slope, intercept}, inverted. Brightness is the linear VOI function of DICOM PS3.3 C.11.2.1.2.1.

import { brightness } from "./geometry.js";

const VERTEX = `#version 300 es
void main() { gl_Position = vec4(vec2((gl_VertexID << 1) & 2, gl_VertexID & 2) * 2.0 - 1.0, 0.0, 1.0); }`;

// Integer textures cannot be filtered by the sampler, so the four neighbours are mixed here; the window is applied after.
const FRAGMENT = `#version 300 es
precision highp float;
precision highp int;
precision highp isampler2D;
uniform isampler2D image;
uniform vec2 origin, scale, size;
uniform float height, center, width, slope, intercept;
uniform bool inverted;
out vec4 colour;
float stored(ivec2 at) { return float(texelFetch(image, clamp(at, ivec2(0), ivec2(size) - 1), 0).r); }
void main() {
  vec2 at = (vec2(gl_FragCoord.x, height - gl_FragCoord.y) - origin) / scale;
  if (any(lessThan(at, vec2(-0.5))) || any(greaterThanEqual(at, size - 0.5))) { colour = vec4(0, 0, 0, 1); return; }
  ivec2 cell = ivec2(floor(at));
  vec2 part = fract(at);
  float above = mix(stored(cell), stored(cell + ivec2(1, 0)), part.x);
  float below = mix(stored(cell + ivec2(0, 1)), stored(cell + ivec2(1, 1)), part.x);
  float value = mix(above, below, part.y) * slope + intercept;
  float grey = width <= 1.0 ? step(center - 0.5, value) : clamp((value - (center - 0.5)) / (width - 1.0) + 0.5, 0.0, 1.0);
  if (inverted) grey = 1.0 - grey;
  colour = vec4(grey, grey, grey, 1.0);
}`;

const UNIFORMS = ["origin", "scale", "size", "height", "center", "width", "slope", "intercept", "inverted"];

/** Draws with WebGL2. Throws where the browser has none. */
class Shader {
  constructor(canvas) {
    this.canvas = canvas;
    this.gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false, powerPreference: "low-power" });
    if (!this.gl) throw new Error("no WebGL2");
    this.build();
  }

  build() {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [type, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program) ?? "no shader");
    gl.useProgram(program);
    this.at = Object.fromEntries(UNIFORMS.map((name) => [name, gl.getUniformLocation(program, name)]));
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    for (const [name, value] of [["MIN_FILTER", "NEAREST"], ["MAG_FILTER", "NEAREST"], ["WRAP_S", "CLAMP_TO_EDGE"], ["WRAP_T", "CLAMP_TO_EDGE"]]) {
      gl.texParameteri(gl.TEXTURE_2D, gl[`TEXTURE_${name}`], gl[value]);
    }
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 2);
    this.size = null;
  }

  load(frame, columns, rows) {
    const { gl } = this;
    if (this.size?.[0] === columns && this.size?.[1] === rows) {
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, columns, rows, gl.RED_INTEGER, gl.SHORT, frame);
    } else {
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.R16I, columns, rows, 0, gl.RED_INTEGER, gl.SHORT, frame);
      this.size = [columns, rows];
    }
  }

  draw(view) {
    const { gl, at, canvas } = this;
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.uniform2fv(at.origin, view.origin);
    gl.uniform2fv(at.scale, view.scale);
    gl.uniform2fv(at.size, this.size);
    gl.uniform1f(at.height, canvas.height);
    for (const name of ["center", "width", "slope", "intercept"]) gl.uniform1f(at[name], view[name]);
    gl.uniform1i(at.inverted, view.inverted ? 1 : 0);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  /** Browsers allow some 16 contexts a page, so one that is no longer shown is given back at once. */
  close() {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

/** Draws without WebGL: every pixel through a table of 65,536 greys, slower but everywhere. */
class Table {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.sheet = document.createElement("canvas");
  }

  load(frame, columns, rows) {
    this.frame = frame;
    if (this.sheet.width !== columns || this.sheet.height !== rows) Object.assign(this.sheet, { width: columns, height: rows });
    this.painted = null;
  }

  paint(view) {
    const key = [view.center, view.width, view.slope, view.intercept, view.inverted].join();
    if (this.painted === key) return;
    const greys = new Uint8ClampedArray(65536);
    for (let stored = -32768; stored < 32768; stored++) {
      const grey = brightness(stored * view.slope + view.intercept, view.center, view.width);
      greys[stored + 32768] = Math.round(255 * (view.inverted ? 1 - grey : grey));
    }
    const context = this.sheet.getContext("2d");
    const data = context.createImageData(this.sheet.width, this.sheet.height);
    const pixels = new Uint32Array(data.data.buffer);
    for (let i = 0; i < pixels.length; i++) pixels[i] = 0xff000000 | (greys[this.frame[i] + 32768] * 0x010101);
    context.putImageData(data, 0, 0);
    this.painted = key;
  }

  draw(view) {
    this.paint(view);
    const { context, canvas, sheet } = this;
    context.fillStyle = "#000";
    context.fillRect(0, 0, canvas.width, canvas.height);
    const [x, y] = [view.origin[0] - view.scale[0] / 2, view.origin[1] - view.scale[1] / 2];
    context.drawImage(sheet, x, y, sheet.width * view.scale[0], sheet.height * view.scale[1]);
  }

  close() {}
}

/** The best painter for `canvas`: WebGL2, else the table; `.plain` says that it is the slow one. */
export function painter(canvas) {
  try {
    return Object.assign(new Shader(canvas), { plain: false });
  } catch {
    // a canvas that refused WebGL2 still gives a 2-D context; one whose shader failed does not, so it is replaced
    const fresh = canvas.cloneNode();
    canvas.replaceWith(fresh);
    return Object.assign(new Table(fresh), { plain: true });
  }
}

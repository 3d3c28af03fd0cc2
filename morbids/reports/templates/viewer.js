// The interactive brain: three planes, a menu of maps, and every participant's values at the crosshair.
{
const packs = (window.morbidsPacks ??= {});
const COLOURS = {
  signed: [[5, 72, 136], [67, 147, 195], [209, 229, 240], [247, 247, 247], [253, 219, 199], [214, 96, 77], [140, 10, 37]],
  positive: [[10, 5, 40], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]],
};
COLOURS.p = COLOURS.positive;
// World axes of a plane: the one it holds fixed, the one that runs right, the one that runs up.
const PLANES = [["axial", 2, 0, 1], ["coronal", 1, 0, 2], ["sagittal", 0, 1, 2]];
// Width of the widest slice, in pixels of the canvas: lines and letters are as fine on coarse grids.
const WIDEST = 330;
const SVG = Object.assign(document.createElement("div"), { innerHTML: "<svg></svg>" }).firstChild.namespaceURI;

function loadPack(url) {
  const script = document.createElement("script");
  script.src = url;
  if (packs[script.src]) return Promise.resolve(packs[script.src]);
  return new Promise((done, fail) => {
    script.onload = () => (packs[script.src] ? done(packs[script.src]) : fail(new Error(`${url} holds no maps`)));
    script.onerror = () => fail(new Error(`${url} is not beside this page`));
    document.head.append(script);
  });
}
async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
function shade(kind, share) {
  const stops = COLOURS[kind];
  const place = Math.min(Math.max(kind === "signed" ? (share + 1) / 2 : share, 0), 1) * (stops.length - 1);
  const first = Math.min(Math.floor(place), stops.length - 2);
  return stops[first].map((low, channel) => low + (place - first) * (stops[first + 1][channel] - low));
}
const plain = (value, digits) => value.toFixed(digits).replace("-", "−");

class Volume {
  constructor(told, codes) {
    Object.assign(this, told);
    this.codes = codes;
    this.size = told.shape[0] * told.shape[1] * told.shape[2];
  }
  static async read(told) { return new Volume(told, await inflate(told.data)); }
  // Code of the voxel nearest to a place; 0 is not known.
  code(mm, which = 0) {
    let index = 0;
    for (let axis = 0; axis < 3; axis++) {
      const place = Math.round((mm[axis] - this.origin[axis]) / this.step[axis]);
      if (place < 0 || place >= this.shape[axis]) return 0;
      index = index * this.shape[axis] + place;
    }
    return this.codes[which * this.size + index];
  }
  // Share of the range, -1 to 1; NaN where not known.
  share(mm, which = 0) {
    const code = this.code(mm, which);
    if (!code) return NaN;
    return this.kind === "signed" ? (code - 128) / 127 : (code - 1) / 254;
  }
  value(mm, which = 0) {
    const value = this.share(mm, which) * this.high;
    return this.kind === "p" ? 10 ** -value : value;
  }
  // A value as far as one byte tells it.
  words(mm) {
    const value = this.value(mm), share = Math.abs(this.share(mm));
    if (Number.isNaN(value)) return "n/a";
    if (this.kind === "p") return value < 0.001 ? "< .001" : value.toFixed(3).replace("0.", ".");
    const digits = Math.max(0, Math.ceil(-Math.log10(this.high / 127)));
    return (share >= 1 ? "beyond " : "") + plain(value, digits);
  }
}

class Viewer {
  constructor(figure) {
    this.figure = figure;
    this.status = figure.querySelector("[role=status]");
    figure.querySelector("button.open").addEventListener("click", () => this.open());
  }
  // Load and build once; later calls wait for the same.
  open() { return (this.opened ??= this.build().catch((error) => { this.status.textContent = error.message; })); }
  async build() {
    this.status.textContent = "Loading …";
    const { packs: urls, people } = this.figure.dataset;
    const told = await Promise.all(urls.split(" ").map(loadPack));
    this.names = Object.assign({}, ...told.map((pack) => pack.names));
    const volumes = await Promise.all(told.flatMap((pack) => pack.volumes).map(Volume.read));
    this.anatomy = volumes.find((one) => one.kind === "anatomy");
    this.atlas = volumes.find((one) => one.kind === "labels" && one.name !== "claimed");
    this.claimed = volumes.find((one) => one.name === "claimed");
    this.layers = volumes.filter((one) => COLOURS[one.kind]);
    if (people) {
      this.people = await loadPack(people);
      this.values = await Volume.read(this.people.volume);
    }
    const { origin, step, shape } = this.anatomy;
    this.zoom = Math.max(2, Math.round(WIDEST / Math.max(...shape)));
    this.mm = origin.map((low, axis) => low + step[axis] * Math.round(shape[axis] / 2));
    this.addControls();
    this.choose(0);
    this.status.textContent = "";
    this.figure.querySelector("button.open").hidden = true;
    this.figure.dataset.ready = "yes";
  }
  addControls() {
    this.menu = make("select", { "aria-label": "Map" });
    this.layers.forEach((layer, place) => this.menu.append(new Option(layer.name, place)));
    this.menu.addEventListener("change", () => this.choose(Number(this.menu.value)));
    this.threshold = make("input", { type: "range", "aria-label": "Threshold" });
    this.opacity = make("input", { type: "range", min: 0, max: 1, step: 0.05, value: 0.85, "aria-label": "Opacity" });
    this.height = make("output", {});
    for (const slider of [this.threshold, this.opacity]) slider.addEventListener("input", () => this.draw());
    const controls = make("div", { class: "controls" }, make("label", {}, "Map ", this.menu),
      make("label", {}, "Threshold ", this.threshold, this.height), make("label", {}, "Opacity ", this.opacity));
    this.canvases = PLANES.map(([name, , across, up]) => {
      const canvas = make("canvas", { tabindex: 0, role: "img", "aria-label": `${name} slice; arrow keys move the crosshair`,
        width: this.zoom * this.anatomy.shape[across], height: this.zoom * this.anatomy.shape[up] });
      this.listen(canvas, across, up);
      return canvas;
    });
    const planes = make("div", { class: "planes" }, ...this.canvases);
    this.readout = make("p", { class: "readout", "aria-live": "polite" });
    this.chart = make("div", { class: "chart" });
    this.figure.querySelector(".stage").append(controls, planes, this.readout, this.chart);
  }
  listen(canvas, across, up) {
    const { origin, step, shape } = this.anatomy;
    const go = (event) => {
      const box = canvas.getBoundingClientRect();
      const mm = [...this.mm];
      mm[across] = origin[across] + Math.floor((event.clientX - box.left) / box.width * shape[across]) * step[across];
      mm[up] = origin[up] + Math.floor((1 - (event.clientY - box.top) / box.height) * shape[up]) * step[up];
      this.go(mm);
    };
    canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); go(event); });
    canvas.addEventListener("pointermove", (event) => { if (event.buttons) go(event); });
    const keys = { ArrowLeft: [across, -1], ArrowRight: [across, 1], ArrowDown: [up, -1], ArrowUp: [up, 1],
      PageDown: [3 - across - up, -1], PageUp: [3 - across - up, 1] };
    canvas.addEventListener("keydown", (event) => {
      if (!keys[event.key]) return;
      event.preventDefault();
      const [axis, sign] = keys[event.key], mm = [...this.mm];
      mm[axis] += sign * step[axis];
      this.go(mm);
    });
  }
  choose(place) {
    this.layer = this.layers[place];
    this.menu.value = place;
    Object.assign(this.threshold, { min: 0, max: this.layer.high, step: this.layer.high / 200 });
    this.threshold.value = this.layer.threshold;
    this.draw();
    this.tell();
  }
  go(mm) {
    const { origin, step, shape } = this.anatomy;
    this.mm = mm.map((place, axis) => Math.min(Math.max(place, origin[axis]), origin[axis] + step[axis] * (shape[axis] - 1)));
    this.draw();
    this.tell();
  }
  draw() {
    const cut = Number(this.threshold.value), p = this.layer.kind === "p";
    this.height.textContent = p ? `p ≤ ${(10 ** -cut).toPrecision(2)}` : `≥ ${cut.toPrecision(3)}`;
    PLANES.forEach((plane, which) => this.drawPlane(this.canvases[which], plane, cut / this.layer.high));
  }
  drawPlane(canvas, [, fixed, across, up], cut) {
    const { origin, step, shape } = this.anatomy, [width, height] = [shape[across], shape[up]];
    const pixels = new ImageData(width, height), opacity = Number(this.opacity.value), mm = [...this.mm];
    for (let row = 0; row < height; row++) {
      mm[up] = origin[up] + (height - 1 - row) * step[up];
      for (let column = 0; column < width; column++) {
        mm[across] = origin[across] + column * step[across];
        pixels.data.set(this.colour(mm, cut, opacity, across, up), 4 * (row * width + column));
      }
    }
    const small = make("canvas", { width, height });
    small.getContext("2d").putImageData(pixels, 0, 0);
    const context = canvas.getContext("2d");
    context.drawImage(small, 0, 0, canvas.width, canvas.height);
    context.strokeStyle = "#009e73";
    const x = this.zoom * ((this.mm[across] - origin[across]) / step[across] + 0.5);
    const y = this.zoom * (height - 0.5 - (this.mm[up] - origin[up]) / step[up]);
    context.beginPath();
    context.moveTo(x, 0); context.lineTo(x, canvas.height); context.moveTo(0, y); context.lineTo(canvas.width, y);
    context.stroke();
    context.fillStyle = "#556472";
    context.font = "13px sans-serif";
    context.fillText(`${"xyz"[fixed]} ${plain(this.mm[fixed], 0)}`, 4, canvas.height - 5);
    if (across === 0) { context.fillText("L", 4, 14); context.fillText("R", canvas.width - 13, 14); }
  }
  colour(mm, cut, opacity, across, up) {
    const brain = this.anatomy.share(mm);
    let rgb = brain > 0 ? Array(3).fill(70 + 170 * brain) : [255, 255, 255];
    const share = this.layer.share(mm);
    if (Math.abs(share) >= cut && (cut > 0 || share !== 0)) {
      rgb = shade(this.layer.kind, share).map((value, channel) => opacity * value + (1 - opacity) * rgb[channel]);
    }
    if (this.claimed && this.onOutline(mm, across, up)) rgb = [0, 0, 0];
    return [...rgb, 255];
  }
  // A pixel of the plane that is claimed, with a neighbour that is not.
  onOutline(mm, across, up) {
    if (this.claimed.code(mm) !== 1) return false;
    return [across, up].some((axis) => [-1, 1].some((sign) => {
      const beside = [...mm];
      beside[axis] += sign * this.anatomy.step[axis];
      return this.claimed.code(beside) !== 1;
    }));
  }
  tell() {
    const place = this.mm.map((value) => plain(value, 0)).join(", ");
    const label = this.atlas && this.names[this.atlas.code(this.mm)];
    const values = this.layers.map((layer) => `${layer.name} ${layer.words(this.mm)}`).join(" · ");
    this.readout.textContent = `(${place}) mm · ${label || "no label"} · ${values}`;
    if (this.people) this.chart.replaceChildren(...this.drawPeople());
  }
  drawPeople() {
    const { people, conditions, quantity } = this.people, n = people.length;
    const rows = people.map((name, row) => conditions.map((_, column) => this.values.value(this.mm, column * n + row)));
    const known = rows.flat().filter(Number.isFinite);
    if (!known.length) return [make("p", {}, "No participant's map knows this voxel.")];
    const low = Math.min(0, ...known), high = Math.max(...known) || 1;
    const x = (column) => 70 + column * 130, y = (value) => 165 - 145 * (value - low) / (high - low || 1);
    const svg = document.createElementNS(SVG, "svg");
    const width = 140 + 130 * (conditions.length - 1);
    svg.setAttribute("viewBox", `0 0 ${width} 190`);
    svg.setAttribute("width", 1.4 * width);
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", `${quantity} of ${n} participants at the crosshair`);
    const add = (tag, attributes, text) => {
      const element = document.createElementNS(SVG, tag);
      for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
      if (text !== undefined) element.textContent = text;
      svg.append(element);
      return element;
    };
    for (const value of new Set([low, 0, high])) {
      add("line", { x1: 45, x2: x(conditions.length - 1) + 25, y1: y(value), y2: y(value), class: "rule" });
      add("text", { x: 40, y: y(value) + 4, "text-anchor": "end" }, plain(value, 2));
    }
    rows.forEach((row, person) => {
      const line = add("polyline", { points: row.map((value, column) => `${x(column)},${y(value)}`).filter((_, column) =>
        Number.isFinite(row[column])).join(" "), class: "person" });
      row.forEach((value, column) => {
        if (Number.isFinite(value)) add("circle", { cx: x(column), cy: y(value), r: 3.5 })
          .append(Object.assign(document.createElementNS(SVG, "title"), { textContent: `${people[person]}: ${plain(value, 2)}` }));
      });
      line.dataset.person = people[person];
    });
    conditions.forEach((name, column) => add("text", { x: x(column), y: 184, "text-anchor": "middle" }, name));
    const coarse = this.values.step.map((value) => value.toFixed(0)).join(" × ");
    return [make("p", {}, `${quantity} of every participant here (voxels of ${coarse} mm)`), svg];
  }
}

const viewers = new Map([...document.querySelectorAll("figure.viewer")].map((figure) => [figure, new Viewer(figure)]));
for (const button of document.querySelectorAll("button.go")) {
  button.addEventListener("click", async () => {
    let around = button.parentElement;
    while (around && !around.querySelector("figure.viewer")) around = around.parentElement;
    if (!around) return;
    const figure = around.querySelector("figure.viewer"), viewer = viewers.get(figure);
    await viewer.open();
    if (figure.dataset.ready) viewer.go(button.dataset.mm.split(",").map(Number));
    figure.scrollIntoView({ block: "center" });
  });
}
}

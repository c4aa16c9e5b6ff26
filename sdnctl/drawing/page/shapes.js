// Shapes: canvas markers in several forms, so that kinds are told apart without colour too.

const FORMS = {
  circle: (ctx, x, y, r) => ctx.arc(x, y, r, 0, 2 * Math.PI),
  square: (ctx, x, y, r) => ctx.rect(x - r * 0.88, y - r * 0.88, r * 1.76, r * 1.76),
  triangle: (ctx, x, y, r) => polygon(ctx, [[x, y - r * 1.15], [x + r * 1.08, y + r * 0.8], [x - r * 1.08, y + r * 0.8]]),
  wedge: (ctx, x, y, r) => polygon(ctx, [[x, y + r * 1.15], [x + r * 1.08, y - r * 0.8], [x - r * 1.08, y - r * 0.8]]),
  diamond: (ctx, x, y, r) => polygon(ctx, [[x, y - r * 1.25], [x + r * 1.05, y], [x, y + r * 1.25], [x - r * 1.05, y]]),
  cross: (ctx, x, y, r) => {
    const a = r * 0.42;
    const b = r * 1.1;
    polygon(ctx, [
      [x - a, y - b], [x + a, y - b], [x + a, y - a], [x + b, y - a], [x + b, y + a], [x + a, y + a],
      [x + a, y + b], [x - a, y + b], [x - a, y + a], [x - b, y + a], [x - b, y - a], [x - a, y - a],
    ]);
  },
};

function polygon(ctx, points) {
  points.forEach(([x, y], index) => (index ? ctx.lineTo(x, y) : ctx.moveTo(x, y)));
  ctx.closePath();
}

/** A circle marker that may be another form; hit-testing stays that of the circle. */
const Shape = L.CircleMarker.extend({
  _updatePath() {
    const renderer = this._renderer;
    if (!renderer._drawing || this._empty()) return;
    renderer._ctx.beginPath();
    FORMS[this.options.form || 'circle'](renderer._ctx, this._point.x, this._point.y, this._radius);
    renderer._fillStroke(renderer._ctx, this);
  },
});

/** Two strokes that cross. */
const Cross = L.CircleMarker.extend({
  _updatePath() {
    const renderer = this._renderer;
    if (!renderer._drawing || this._empty()) return;
    const { x, y } = this._point;
    const r = this._radius;
    renderer._ctx.beginPath();
    for (const side of [1, -1]) {
      renderer._ctx.moveTo(x - r, y - r * side);
      renderer._ctx.lineTo(x + r, y + r * side);
    }
    renderer._fillStroke(renderer._ctx, this);
  },
  options: { fill: false },
});

function shape(at, options) {
  return new Shape(at, options);
}

/** A form as SVG, for legends and lists. */
function swatch(form, colour, size = 14, stroke = '#fff') {
  const svg = node('svg', { width: size, height: size, viewBox: `0 0 ${size} ${size}`, 'aria-hidden': 'true' });
  const steps = [];
  const recorder = {
    moveTo: (x, y) => steps.push(`M${x.toFixed(1)} ${y.toFixed(1)}`),
    lineTo: (x, y) => steps.push(`L${x.toFixed(1)} ${y.toFixed(1)}`),
    closePath: () => steps.push('Z'),
    rect: (x, y, w, h) => steps.push(`M${x} ${y}h${w}v${h}h${-w}Z`),
    arc: (x, y, r) => steps.push(`M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`),
  };
  FORMS[form](recorder, size / 2, size / 2, size * 0.36);
  svg.append(node('path', { d: steps.join(''), fill: colour, stroke, 'stroke-width': 1 }));
  return svg;
}

/** A stroke as SVG. */
function strokeSwatch(colour, weight, dash = [], length = 26) {
  const svg = node('svg', { width: length, height: 12, viewBox: `0 0 ${length} 12`, 'aria-hidden': 'true' });
  svg.append(node('line', {
    x1: 1, y1: 6, x2: length - 1, y2: 6, stroke: colour, 'stroke-width': weight, 'stroke-dasharray': dash.join(' '),
    'stroke-linecap': 'butt',
  }));
  return svg;
}

/** An SVG element. */
function node(name, attributes) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** An HTML element with attributes (`on…` are listeners) and children; text is text, never markup. */
function h(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else if (key === 'className') made.className = value;
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ''));
  return made;
}

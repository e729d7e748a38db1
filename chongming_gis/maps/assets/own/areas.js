// Areas that a measure found: gaps, where people are left out, and the ground from which a service is reached.
(function () {
  "use strict";

  // Purple of ColorBrewer's PuOr, apart from the blues and oranges of people with every kind of colour vision.
  const GAP = { fill: "rgba(84,39,136,0.16)", stroke: "#542788" };
  const NUMBERED = 10; // as many ranks are written on the map
  cgis.Gaps = cgis.Canvas.extend({
    options: { pane: "gaps", rank: 2.5 },
    unpackAll: function () {
      this._data = cgis.data(this.options.data);
      Object.assign(this, cgis.unpackShapes(this._data.shapes));
    },
    paint: function (context, view) {
      context.fillStyle = GAP.fill;
      context.strokeStyle = GAP.stroke;
      for (let i = this.shapes.length - 1; i >= 0; i--) { // the largest on top
        context.beginPath();
        for (const part of this.shapes[i]) { cgis.trace(context, view, this.xy, part, true); }
        context.lineWidth = i < NUMBERED ? 1.8 : 0.8;
        context.fill("evenodd");
        context.stroke();
      }
      context.font = "600 12px system-ui, sans-serif";
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.lineWidth = 3;
      context.strokeStyle = "#ffffff";
      context.fillStyle = GAP.stroke;
      this.shapes.slice(0, NUMBERED).forEach((shape, i) => {
        const box = shape[0].box;
        const x = ((box[0] + box[2]) / 2) * view.world - view.left, y = ((box[1] + box[3]) / 2) * view.world - view.top;
        context.strokeText(String(i + 1), x, y);
        context.fillText(String(i + 1), x, y);
      });
    },
    hit: function (containerPoint) {
      const at = this._fraction(containerPoint);
      const i = this.shapes.findIndex((shape) => cgis.isInside(this.xy, shape, at.x, at.y));
      if (i < 0) { return null; }
      const rows = this._data.labels.map((label, k) => [label, this._data.values[i][k]]);
      return { title: i + 1 + " · " + this._data.names[i], rows: rows.filter((row) => row[1]) };
    },
    legend: function () {
      const items = [{ symbol: "area", fill: GAP.fill, stroke: GAP.stroke, label: this._data.legend }];
      return { order: 3.3, title: this._data.title, note: this._data.note, items: items };
    },
  });
  cgis.gaps = (options) => new cgis.Gaps(options);

  // Rings from near to far, dark to light: told apart by lightness alone.
  const RINGS = ["#00441b", "#006d2c", "#31a354", "#a1d99b"];
  const fillOf = (k, count) => RINGS[count === 1 ? 1 : k + (count < RINGS.length ? 1 : 0)];
  cgis.Reached = cgis.Canvas.extend({
    options: { pane: "reached", rank: 1.5 },
    unpackAll: function () {
      this._data = cgis.data(this.options.data);
      Object.assign(this, cgis.unpackShapes(this._data.shapes));
    },
    paint: function (context, view) {
      context.globalAlpha = 0.62;
      this.shapes.forEach((shape, k) => {
        context.beginPath();
        for (const inner of k ? [this.shapes[k - 1], shape] : [shape]) { // even-odd: the ring without the one inside
          for (const part of inner) { cgis.trace(context, view, this.xy, part, true); }
        }
        context.fillStyle = fillOf(k, this.shapes.length);
        context.fill("evenodd");
      });
      context.globalAlpha = 1;
      context.strokeStyle = RINGS[0];
      context.lineWidth = 0.7;
      for (const shape of this.shapes) {
        context.beginPath();
        for (const part of shape) { cgis.trace(context, view, this.xy, part, true); }
        context.stroke();
      }
    },
    hit: function (containerPoint) {
      const at = this._fraction(containerPoint);
      const k = this.shapes.findIndex((shape) => cgis.isInside(this.xy, shape, at.x, at.y));
      return k < 0 ? null : { title: this._data.title + " · " + this._data.rings[k], rows: this._data.rows[k] };
    },
    legend: function () {
      const items = this._data.rings.map((label, k) => ({ symbol: "area", fill: fillOf(k, this.shapes.length), stroke: RINGS[0], label: label }));
      return { order: 3.6, title: this._data.title, note: this._data.note, items: items };
    },
  });
  cgis.reached = (options) => new cgis.Reached(options);
})();

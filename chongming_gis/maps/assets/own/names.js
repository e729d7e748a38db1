// Names with a halo, and beneath a township's name its share. Where two would touch, the later one moves to the best free
// place near by and a line leads back from it; with no such place the share goes first, then the name, until one zooms in.
(function () {
  "use strict";
  const FONT = '"Noto Sans CJK SC","Source Han Sans SC","PingFang SC","Microsoft YaHei","WenQuanYi Micro Hei",system-ui,sans-serif';
  const STEP = 15; // from line to line, pixels
  const NARROW = 500; // below this width letters are smaller
  const FARTHEST = 64; // pixels a name may move
  // What it costs to stand in the sea, or in the area of another name, in pixels of moving.
  const COST = { own: 0, sea: 12, other: 70 };

  const PLACES = [[0, 0]];
  for (let far = 8; far <= FARTHEST; far += 8) {
    const around = far < 24 ? 8 : 16;
    for (let k = 0; k < around; k++) {
      const turn = (2 * Math.PI * k) / around;
      PLACES.push([Math.round(1.25 * far * Math.cos(turn)), Math.round(far * Math.sin(turn))]);
    }
  }

  const touch = (a, b) => a[0] < b[2] && a[2] > b[0] && a[1] < b[3] && a[3] > b[1];
  const around = (x, y, size) => [x - size[0] / 2, y - size[1] / 2, x + size[0] / 2, y + size[1] / 2];

  // Where each label goes: {dx, dy, form, box}, or null for one that has to wait. A label has an anchor (x, y) and one or
  // more sizes, the fullest form first; cost(label, x, y) says what standing there costs; moves: whether they may move.
  cgis.placeLabels = function (labels, taken, moves, cost) {
    return labels.map((label) => {
      for (let form = 0; form < label.sizes.length; form++) {
        let best = null, least = Infinity;
        for (const [dx, dy] of moves ? PLACES : PLACES.slice(0, 1)) {
          const far = Math.hypot(dx, dy);
          if (far >= least) { continue; }
          const box = around(label.x + dx, label.y + dy, label.sizes[form]);
          if (taken.some((other) => touch(box, other))) { continue; }
          const price = far + (far ? cost(label, label.x + dx, label.y + dy) : 0);
          if (price < least) { least = price; best = { dx: dx, dy: dy, form: form, box: box }; }
        }
        if (best) {
          taken.push(best.box);
          return best;
        }
      }
      return null;
    });
  };

  cgis.Names = cgis.Canvas.extend({
    options: { pane: "names" },
    unpackAll: function () {
      this._sets = this.options.data.map((key) => {
        const data = cgis.data(key);
        const areas = data.areas ? cgis.unpackShapes(cgis.data(data.areas).shapes) : null;
        return { data: data, xy: cgis.unpackPoints(data.anchors), areas: areas };
      });
    },
    onAdd: function (map) {
      map.on("cgis:view", this.repaint, this);
      cgis.Canvas.prototype.onAdd.call(this, map);
    },
    onRemove: function (map) {
      map.off("cgis:view", this.repaint, this);
      cgis.Canvas.prototype.onRemove.call(this, map);
    },
    paint: function (context, view) {
      const taken = [], shown = this._map.cgisView, scale = this._map.getSize().x < NARROW ? 0.9 : 1;
      this.written = [];
      context.textBaseline = "middle";
      context.textAlign = "center";
      for (const set of this._sets) {
        if (view.zoom < set.data.style.fromZoom) { continue; }
        const figures = set.areas && shown ? shown.areas : null;
        const labels = this._labels(context, view, set, figures, scale);
        const cost = (label, x, y) => this._cost(set, label, (x + view.left) / view.world, (y + view.top) / view.world);
        const placed = cgis.placeLabels(labels, taken, Boolean(set.areas), cost);
        labels.forEach((label, i) => { if (placed[i]) { this._lead(context, label, placed[i], set.data.style.colour); } });
        labels.forEach((label, i) => { if (placed[i]) { this._write(context, label, placed[i], set.data.style.colour, scale); } });
      }
    },
    // The labels in view with the sizes of their forms: name and figure, name alone.
    _labels: function (context, view, set, figures, scale) {
      const style = set.data.style, labels = [];
      const width = (line) => {
        context.font = font(line, scale);
        return context.measureText(line.text).width + 6;
      };
      set.data.names.forEach((name, i) => {
        const x = set.xy[2 * i] * view.world - view.left, y = set.xy[2 * i + 1] * view.world - view.top;
        if (x < 0 || y < 0 || x > view.size.x || y > view.size.y) { return; }
        const first = { text: name, font: style.font, px: style.px };
        const forms = [[first]];
        if (figures && figures[i]) { forms.unshift([first, { text: figures[i].share, font: "", px: style.px - 1 }]); }
        const sizes = forms.map((lines) => [Math.max(...lines.map(width)), STEP * scale * lines.length]);
        labels.push({ x: x, y: y, index: i, forms: forms, sizes: sizes });
      });
      return labels;
    },
    _cost: function (set, label, x, y) {
      if (cgis.isInside(set.areas.xy, set.areas.shapes[label.index], x, y)) { return COST.own; }
      return set.areas.shapes.some((shape) => cgis.isInside(set.areas.xy, shape, x, y)) ? COST.other : COST.sea;
    },
    _lead: function (context, label, place, colour) {
      const box = place.box, x = Math.min(Math.max(label.x, box[0]), box[2]), y = Math.min(Math.max(label.y, box[1]), box[3]);
      if (Math.hypot(label.x - x, label.y - y) < 5) { return; }
      for (const [width, ink] of [[3.5, "rgba(255,255,255,0.85)"], [1, colour]]) {
        context.lineWidth = width;
        context.strokeStyle = context.fillStyle = ink;
        context.beginPath();
        context.moveTo(label.x, label.y);
        context.lineTo(x, y);
        context.stroke();
        context.beginPath();
        context.arc(label.x, label.y, 1 + width / 2, 0, 7);
        context.fill();
      }
    },
    _write: function (context, label, place, colour, scale) {
      const lines = label.forms[place.form], x = label.x + place.dx;
      context.lineWidth = 3.5;
      context.strokeStyle = "rgba(255,255,255,0.9)";
      context.fillStyle = colour;
      lines.forEach((line, k) => {
        context.font = font(line, scale);
        const y = place.box[1] + STEP * scale * (k + 0.5);
        context.strokeText(line.text, x, y);
        context.fillText(line.text, x, y);
      });
      this.written.push({ name: lines[0].text, box: place.box, isFull: place.form === 0, hasMoved: Boolean(place.dx || place.dy) });
    },
  });

  function font(line, scale) {
    return line.font + " " + line.px * scale + "px " + FONT;
  }

  cgis.names = (options) => new cgis.Names(options);
})();

// Dense layers on canvas: decoding of packed data (packing.py), and painters for lines, areas and points.
// Canvases let the pointer through; "inspect" in panels.js asks the layers themselves what lies under it.
var cgis = window.cgis || {};
(function () {
  "use strict";

  const DIGIT = new Uint8Array(128);
  [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"].forEach((letter, value) => {
    DIGIT[letter.charCodeAt(0)] = value;
  });
  const STEPS = 1e5;

  const decoded = new Map();
  cgis.data = function (key) {
    if (!decoded.has(key)) {
      decoded.set(key, JSON.parse(document.getElementById("data-" + key).textContent));
    }
    return decoded.get(key);
  };

  cgis.text = (key) => cgis.data("texts")[key];

  cgis.unpack = function (text) {
    const out = [];
    let value = 0, weight = 1;
    for (let i = 0; i < text.length; i++) {
      const digit = DIGIT[text.charCodeAt(i)];
      value += (digit & 31) * weight;
      if (digit & 32) { weight *= 32; } else { out.push(value); value = 0; weight = 1; }
    }
    return out;
  };

  const unfold = (n) => (n % 2 ? -(n + 1) / 2 : n / 2);

  // Coordinates as a flat array of Web Mercator fractions of the world: x, y, x, y ...
  cgis.unpackPoints = function (text) {
    const steps = cgis.unpack(text), out = new Float64Array(steps.length);
    let lon = 0, lat = 0;
    for (let i = 0; i < steps.length; i += 2) {
      lon += unfold(steps[i]);
      lat += unfold(steps[i + 1]);
      const sin = Math.sin((lat / STEPS) * Math.PI / 180);
      out[i] = lon / STEPS / 360 + 0.5;
      out[i + 1] = 0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI);
    }
    return out;
  };

  // A packed set of shapes: every part (line or ring) with its slice of the coordinates and its box.
  cgis.unpackShapes = function (packed) {
    const xy = cgis.unpackPoints(packed.xy), counts = cgis.unpack(packed.points);
    let from = 0, next = 0;
    const parts = counts.map((count) => {
      const part = { from: from, to: from + 2 * count, box: [Infinity, Infinity, -Infinity, -Infinity] };
      from = part.to;
      for (let i = part.from; i < part.to; i += 2) {
        part.box[0] = Math.min(part.box[0], xy[i]);
        part.box[1] = Math.min(part.box[1], xy[i + 1]);
        part.box[2] = Math.max(part.box[2], xy[i]);
        part.box[3] = Math.max(part.box[3], xy[i + 1]);
      }
      return part;
    });
    const shapes = cgis.unpack(packed.parts).map((count) => {
      next += count;
      return parts.slice(next - count, next);
    });
    return { xy: xy, shapes: shapes };
  };

  cgis.latLng = (x, y) =>
    L.latLng((Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI, (x - 0.5) * 360);

  // A canvas that follows the map. Painters implement paint(context, view); view turns fractions into pixels.
  cgis.Canvas = L.Renderer.extend({
    options: { padding: 0.15, rank: 0 },
    unpackAll: function () {},
    onAdd: function (map) {
      if (!this._isUnpacked) {
        this.unpackAll();
        this._isUnpacked = true;
      }
      cgis.pane(map, this.options.pane);
      L.Renderer.prototype.onAdd.call(this, map);
    },
    _initContainer: function () {
      this._container = L.DomUtil.create("canvas", "cgis-canvas");
      this._container.setAttribute("aria-hidden", "true");
    },
    _destroyContainer: function () {
      L.DomUtil.remove(this._container);
      delete this._container;
    },
    _update: function () {
      if (this._map._animatingZoom && this._bounds) { return; }
      L.Renderer.prototype._update.call(this);
      const size = this._bounds.getSize(), dense = window.devicePixelRatio || 1, canvas = this._container;
      L.DomUtil.setPosition(canvas, this._bounds.min);
      canvas.width = size.x * dense;
      canvas.height = size.y * dense;
      canvas.style.width = size.x + "px";
      canvas.style.height = size.y + "px";
      const context = canvas.getContext("2d");
      context.scale(dense, dense);
      context.lineJoin = context.lineCap = "round";
      const world = 256 * Math.pow(2, this._map.getZoom());
      const origin = this._map.getPixelOrigin().add(this._bounds.min);
      const view = {
        zoom: this._map.getZoom(), world: world, left: origin.x, top: origin.y, size: size,
        box: [origin.x / world, origin.y / world, (origin.x + size.x) / world, (origin.y + size.y) / world],
      };
      this.paint(context, view);
    },
    repaint: function () {
      if (this._map) { this._update(); }
    },
    // Where a point of the map container lies in fractions of the world, and how large a pixel is there.
    _fraction: function (containerPoint) {
      const world = 256 * Math.pow(2, this._map.getZoom());
      const p = this._map.containerPointToLayerPoint(containerPoint).add(this._map.getPixelOrigin());
      return { x: p.x / world, y: p.y / world, pixel: 1 / world };
    },
  });

  // Relative luminance and contrast of two colours "#rrggbb" (WCAG 2).
  const channels = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255);
  function luminance(colour) {
    const [r, g, b] = channels(colour).map((v) => (v <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4)));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }
  cgis.contrast = function (one, other) {
    const a = luminance(one), b = luminance(other);
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };

  // What outlines a sign: white, or for a light one its own colour, darkened until it stands out from the land.
  const LAND = "#f6f3ea", LEAST_CONTRAST = 3, edges = new Map();
  cgis.edge = function (fill) {
    if (!edges.has(fill)) {
      let edge = fill, kept = 1;
      while (cgis.contrast(edge, LAND) < LEAST_CONTRAST) {
        kept -= 0.04;
        edge = "#" + channels(fill).map((v) => Math.round(v * kept * 255).toString(16).padStart(2, "0")).join("");
      }
      edges.set(fill, edge === fill ? "#ffffff" : edge);
    }
    return edges.get(fill);
  };

  // Panes from the ground up; Leaflet's marker pane is 600.
  const PANES = { ground: 210, online: 220, choropleth: 230, reached: 240, roads: 250, borders: 270, demand: 410, after: 411, gaps: 420, uncovered: 430, pies: 440, rounds: 444, drops: 450, carts: 605, names: 610 };
  cgis.pane = function (map, name) {
    if (!map.getPane(name)) {
      const pane = map.createPane(name);
      pane.style.zIndex = PANES[name] || 300;
      pane.style.pointerEvents = "none";
    }
  };

  cgis.trace = function (context, view, xy, part, close) {
    const box = part.box, seen = view.box;
    if (box[2] < seen[0] || box[0] > seen[2] || box[3] < seen[1] || box[1] > seen[3]) { return; }
    let lastX = NaN, lastY = NaN;
    for (let i = part.from; i < part.to; i += 2) {
      const x = xy[i] * view.world - view.left, y = xy[i + 1] * view.world - view.top;
      if (i === part.from) {
        context.moveTo(x, y);
      } else if (i === part.to - 2 || Math.abs(x - lastX) + Math.abs(y - lastY) > 0.7) {
        context.lineTo(x, y);
      } else {
        continue;
      }
      lastX = x;
      lastY = y;
    }
    if (close) { context.closePath(); }
  };

  cgis.isInside = function (xy, shape, x, y) {
    let inside = false;
    for (const part of shape) {
      if (x < part.box[0] || x > part.box[2] || y < part.box[1] || y > part.box[3]) { continue; }
      for (let i = part.from, j = part.to - 2; i < part.to; j = i, i += 2) {
        const above = xy[i + 1] > y;
        if (above !== xy[j + 1] > y && x < ((xy[j] - xy[i]) * (y - xy[i + 1])) / (xy[j + 1] - xy[i + 1]) + xy[i]) {
          inside = !inside;
        }
      }
    }
    return inside;
  };
})();
window.cgis = cgis;

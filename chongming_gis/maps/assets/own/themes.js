// Further themes: three numbers a township as pies, people by how much they can get, places by class, before and after
// with a slider, and sites by the year they are built.
(function () {
  "use strict";

  // Served, no place left, out of reach: blue, yellow and vermillion of Okabe and Ito.
  const PARTS = ["#0072b2", "#f0c93a", "#d55e00"], LARGEST = 26;
  cgis.Pies = cgis.Canvas.extend({
    options: { pane: "pies", rank: 3.5 },
    unpackAll: function () {
      const names = cgis.data(this.options.names);
      this._view = cgis.data(this.options.view);
      this._names = names.names;
      this._xy = cgis.unpackPoints(names.anchors);
      this._sums = this._view.pies.map((parts) => (parts ? parts.reduce((a, b) => a + b, 0) : 0));
      this._most = Math.max(...this._sums, 1e-9);
    },
    radius: function (sum, zoom) { return LARGEST * Math.min(1.4, Math.max(0.55, 0.7 + 0.18 * (zoom - 10))) * Math.sqrt(sum / this._most); },
    _each: function (view, visit) {
      this._view.pies.forEach((parts, i) => {
        if (!this._sums[i]) { return; }
        const r = this.radius(this._sums[i], view.zoom);
        visit(i, parts, this._xy[2 * i] * view.world - view.left, this._xy[2 * i + 1] * view.world - view.top - r - 10, r);
      });
    },
    paint: function (context, view) {
      context.lineWidth = 1;
      context.strokeStyle = "#1f2a30";
      this._drawn = [];
      this._each(view, (i, parts, x, y, r) => {
        let turn = -Math.PI / 2;
        parts.forEach((part, k) => {
          const next = turn + (2 * Math.PI * part) / this._sums[i];
          if (!part) { return; }
          context.beginPath();
          if (part < this._sums[i]) { context.moveTo(x, y); }
          context.arc(x, y, r, turn, next);
          context.closePath();
          context.fillStyle = PARTS[k];
          context.fill();
          context.stroke();
          turn = next;
        });
        this._drawn.push({ i: i, x: (x + view.left) / view.world, y: (y + view.top) / view.world, r: r });
      });
    },
    hit: function (containerPoint) {
      const at = this._fraction(containerPoint);
      const pie = (this._drawn || []).find((d) => Math.hypot(d.x - at.x, d.y - at.y) / at.pixel <= d.r);
      return pie ? { title: this._names[pie.i], rows: this._view.areas[pie.i].rows } : null;
    },
    legend: function () {
      const items = this._view.parts.map((label, k) => ({ symbol: "dot", fill: PARTS[k], label: label }));
      return { order: 1.5, title: this._view.title, note: this._view.note, items: items };
    },
  });
  cgis.pies = (options) => new cgis.Pies(options);

  // People by a score: how much of a service is there for each of them.
  cgis.Scores = cgis.Canvas.extend({
    options: { pane: "demand", rank: 4 },
    unpackAll: function () {
      const view = cgis.data(this.options.view);
      this._view = view;
      this._people = cgis.readPeople({ ...this.options, time: false });
      this._score = cgis.unpack(view.score);
    },
    radius: (zoom) => cgis.People.prototype.radius(zoom),
    paint: function (context, view) { cgis.People.prototype.paint.call(this, context, view); },
    hit: function (containerPoint) {
      const people = this._people, i = cgis.nearestPoint(this, containerPoint, people.at.xy, people.persons, this.radius(this._map.getZoom()) + 3);
      if (i < 0) { return null; }
      const text = cgis.text, demand = people.demand, at = people.at, score = this._score[i];
      const rows = [
        [text("village"), demand.villages[at.village[i]]], [text("township"), demand.townships[at.township[i]]],
        [this._view.who, cgis.personsAt(people, i)],
        [this._view.label, score ? ((score - 1) / this._view.per).toFixed(this._view.decimals) : text("not_reached")],
        [text("class"), this._view.classes[people.cls[i]].label],
      ];
      return { title: demand.names[at.name[i]] || text("place"), rows: rows.filter((row) => row[1]) };
    },
    legend: function () {
      const items = this._view.classes.map((cls) => ({ symbol: "dot", fill: cls.fill, label: cls.label }));
      return { order: 2, title: this._view.title, note: this._view.note, items: items };
    },
  });
  cgis.scores = (options) => new cgis.Scores(options);

  // Places in classes, each with a card; a ring says how far off its position may be.
  const RINGS_FROM = 11.5;
  cgis.Places = cgis.Canvas.extend({
    options: { pane: "demand", rank: 4, size: 3.2 },
    unpackAll: function () {
      const data = cgis.data(this.options.data);
      this._data = data;
      this._xy = cgis.unpackPoints(data.xy);
      this._cls = cgis.unpack(data.cls);
      this._ring = data.ring ? cgis.unpack(data.ring) : null;
    },
    radius: function (zoom) { return this.options.size * Math.pow(1.2, Math.max(0, Math.min(zoom, 14) - 10)); },
    paint: function (context, view) {
      const r = this.radius(view.zoom), xy = this._xy;
      this._data.classes.forEach((cls, k) => {
        for (let i = 0; i < this._cls.length; i++) {
          if (this._cls[i] !== k) { continue; }
          const x = xy[2 * i] * view.world - view.left, y = xy[2 * i + 1] * view.world - view.top;
          if (this._ring && this._ring[i] && view.zoom >= RINGS_FROM) {
            const lat = cgis.latLng(xy[2 * i], xy[2 * i + 1]).lat, metres = (40075016.7 * Math.cos((lat * Math.PI) / 180)) / view.world;
            context.beginPath();
            context.arc(x, y, this._ring[i] / metres, 0, 7);
            context.strokeStyle = cls.fill;
            context.globalAlpha = 0.35;
            context.lineWidth = 1;
            context.stroke();
            context.globalAlpha = 1;
          }
          if (x < -r || y < -r || x > view.size.x + r || y > view.size.y + r) { continue; }
          context.beginPath();
          if (cls.cross) {
            context.moveTo(x - r, y - r);
            context.lineTo(x + r, y + r);
            context.moveTo(x + r, y - r);
            context.lineTo(x - r, y + r);
            context.lineWidth = 1.6;
            context.strokeStyle = cls.fill;
            context.stroke();
          } else {
            context.arc(x, y, r, 0, 7);
            context.fillStyle = cls.fill;
            context.fill();
            context.lineWidth = 0.9;
            context.strokeStyle = cgis.edge(cls.fill);
            context.stroke();
          }
        }
      });
    },
    hit: function (containerPoint) {
      const i = cgis.nearestPoint(this, containerPoint, this._xy, null, this.radius(this._map.getZoom()) + 3);
      if (i < 0) { return null; }
      const data = this._data, rows = data.labels.map((label, k) => [label, data.texts[data.values[i][k]]]);
      return { title: data.names[i] || data.title, rows: rows.filter((row) => row[1]) };
    },
    legend: function () {
      const items = this._data.classes.map((cls) => ({ symbol: cls.cross ? "cross" : "dot", fill: cls.fill, label: cls.label }));
      return { order: 2.5, title: this._data.title, note: this._data.note, items: items };
    },
  });
  cgis.places = (options) => new cgis.Places(options);

  // A line over the map that a slider moves; two layers under it, one to each side.
  cgis.Swipe = L.Layer.extend({
    options: { rank: 4 },
    initialize: function (options) {
      L.setOptions(this, options);
      const shared = { demand: options.demand, persons: options.persons };
      this._before = cgis.people({ ...shared, view: options.before, facilities: options.facilities });
      this._after = cgis.people({ ...shared, view: options.after, facilities: options.then, pane: "after" });
      this._before.isPart = this._after.isPart = true; // this layer answers for both
      this._share = 0.5;
    },
    onAdd: function (map) {
      const text = cgis.text;
      this._map = map;
      this._before.addTo(map);
      this._after.addTo(map);
      const box = (this._box = cgis.element("div", "cgis-swipe")), line = box.appendChild(cgis.element("div", "cgis-line"));
      line.append(cgis.element("span", "is-before", text("before")), cgis.element("span", "is-after", text("after")));
      const slider = (this._slider = box.appendChild(cgis.element("input")));
      slider.type = "range";
      slider.min = 0;
      slider.max = 100;
      slider.value = 100 * this._share;
      slider.setAttribute("aria-label", text("swipe"));
      slider.addEventListener("input", () => { this._share = slider.value / 100; this._clip(); });
      L.DomEvent.disableClickPropagation(slider);
      L.DomEvent.on(slider, "mousedown touchstart pointerdown dblclick keydown", L.DomEvent.stopPropagation);
      map.getContainer().appendChild(box);
      map.on("move zoomend resize viewreset", this._clip, this);
      this._clip();
    },
    onRemove: function (map) {
      map.off("move zoomend resize viewreset", this._clip, this);
      this._box.remove();
      this._before.remove();
      this._after.remove();
      for (const name of ["demand", "after"]) { if (map.getPane(name)) { map.getPane(name).style.clipPath = ""; } }
    },
    // The free part of the map: on wide screens the slider does not run under the panels.
    _range: function () {
      const size = this._map.getSize(), left = size.x >= 700 ? 336 : 0;
      return { left: left, width: size.x - left };
    },
    _at: function () {
      const range = this._range();
      return range.left + range.width * this._share;
    },
    _clip: function () {
      const map = this._map, size = map.getSize(), at = this._at(), range = this._range();
      const from = map.containerPointToLayerPoint([0, 0]), middle = map.containerPointToLayerPoint([at, 0]).x;
      const to = map.containerPointToLayerPoint([size.x, size.y]);
      const cut = (left, right) => "polygon(" + [[left, from.y], [right, from.y], [right, to.y], [left, to.y]].map(([x, y]) => x + "px " + y + "px").join(", ") + ")";
      map.getPane("demand").style.clipPath = cut(from.x, middle);
      map.getPane("after").style.clipPath = cut(middle, to.x);
      this._box.style.setProperty("--cgis-at", at + "px");
      this._box.style.setProperty("--cgis-left", range.left + "px");
    },
    hit: function (point) { return (point.x < this._at() ? this._before : this._after).hit(point); },
    legend: function () {
      const legend = this._before.legend(), seen = new Set(legend.items.map((item) => item.label));
      for (const item of this._after.legend().items) { if (!seen.has(item.label)) { legend.items.push(item); } }
      const rank = (item) => (item.group === "is_covered" ? 0 : 1); // steps of one group stay together
      legend.items.sort((a, b) => rank(a) - rank(b));
      return legend;
    },
  });
  cgis.swipe = (options) => new cgis.Swipe(options);

  // Sites with the year they are built in: a slider over the years shows those that stand by then.
  cgis.Phases = L.LayerGroup.extend({
    initialize: function (options) {
      L.LayerGroup.prototype.initialize.call(this);
      this._key = options.data;
    },
    onAdd: function (map) {
      const data = (this._data = cgis.data(this._key));
      if (!this._markers) {
        const xy = cgis.unpackPoints(data.xy);
        this._markers = data.names.map((name, i) => {
          const icon = L.divIcon({ className: "cgis-site", html: cgis.star(data.marks[i]), iconSize: [26, 26] });
          const marker = L.marker(cgis.latLng(xy[2 * i], xy[2 * i + 1]), { icon: icon, riseOnHover: true, zIndexOffset: 1000 });
          marker.bindPopup(() => cgis.card({ title: name, rows: data.rows[i] }), { minWidth: 270, maxWidth: 340, maxHeight: 420 });
          marker.on("add", () => marker.getElement().setAttribute("aria-label", name));
          return marker;
        });
      }
      L.LayerGroup.prototype.onAdd.call(this, map);
      const panel = cgis.element("div", "cgis-panel cgis-years"), label = panel.appendChild(cgis.element("label"));
      label.appendChild(cgis.element("span", "", data.title));
      const slider = label.appendChild(cgis.element("input")), told = panel.appendChild(cgis.element("output"));
      slider.type = "range";
      slider.min = 0;
      slider.max = data.years.length - 1;
      slider.value = slider.max;
      const show = () => {
        const k = Number(slider.value), year = data.years[k];
        slider.setAttribute("aria-valuetext", String(year.year));
        told.textContent = year.text;
        this._markers.forEach((marker, i) => { if (data.of[i] <= k) { this.addLayer(marker); } else { this.removeLayer(marker); } });
      };
      slider.addEventListener("input", show);
      show();
      this._panel = L.control({ position: "bottomleft" });
      this._panel.onAdd = () => panel;
      L.DomEvent.disableClickPropagation(panel);
      this._panel.addTo(map);
    },
    onRemove: function (map) {
      this._panel.remove();
      L.LayerGroup.prototype.onRemove.call(this, map);
    },
    legend: function () {
      return { order: 0.5, title: this._data.title, items: [{ element: cgis.star(""), size: 20, label: this._data.label }] };
    },
  });
  cgis.phases = (options) => new cgis.Phases(options);
})();

// What is drawn on the map: ground, roads, borders, people by minutes, people left out, areas by share, facilities.
(function () {
  "use strict";

  // Zones are drawn as outlines with a light fill; everything else of the ground is plain.
  const GROUND = {
    land: { fill: "#f6f3ea", stroke: "#a9b7bf", width: 0.8 },
    other: { fill: "#e7e5df", stroke: "#bdbbb4", width: 0.8 },
    town: { fill: "#ead9cf", stroke: "#d9c2b4", width: 0.4 },
    flat: { fill: "#e4ead8", stroke: "#b9c4ad", width: 0.5 },
    water: { fill: "#cfe2ee", stroke: "#a7c6d9", width: 0.6 },
    coast: { stroke: "#8fa1ab", width: 1 },
    zone: { fill: "rgba(90,90,110,0.12)", stroke: "#5d5d72", width: 1, dash: [5, 4] },
  };
  // Zones by what they are, from large to small in the legend; fields are many small ones and have no outline from afar.
  const ZONES = {
    reserve: { fill: "rgba(31,120,80,0.28)", stroke: "#1f7850", width: 1.4, dash: [6, 4] },
    water: { fill: "rgba(40,110,190,0.20)", stroke: "#2a69ad", width: 1.4, dash: [6, 4] },
    farmland: { fill: "rgba(205,180,70,0.38)", stroke: "#8f7a24", width: 0.7, strokeFrom: 12.5 },
    forest: { fill: "rgba(90,150,60,0.45)", stroke: "#5a963c", width: 0.7, strokeFrom: 12.5 },
    port: { fill: "rgba(120,90,140,0.28)", stroke: "#785a8c", width: 1.2, dash: [6, 4] },
    other: GROUND.zone,
  };
  cgis.Ground = cgis.Canvas.extend({
    options: { pane: "ground", rank: 1 },
    unpackAll: function () {
      this._sets = cgis.data(this.options.data).map((set) => ({ ...set, ...cgis.unpackShapes(set.shapes) }));
    },
    paint: function (context, view) {
      for (const set of this._sets) {
        set.shapes.forEach((shape, i) => {
          const style = set.looks ? ZONES[set.looks[i]] : GROUND[set.role];
          context.lineWidth = style.width;
          context.setLineDash(style.dash || []);
          context.beginPath();
          for (const part of shape) { cgis.trace(context, view, set.xy, part, set.closed); }
          if (set.closed && style.fill) {
            context.fillStyle = style.fill;
            context.fill("evenodd");
          }
          if (view.zoom < (style.strokeFrom || 0)) { return; }
          context.strokeStyle = style.stroke;
          context.stroke();
        });
      }
    },
    hit: function (containerPoint) {
      const at = this._fraction(containerPoint);
      for (const set of this._sets) {
        let k = set.names ? set.shapes.length - 1 : -1; // the last drawn, smallest one first
        while (k >= 0 && !cgis.isInside(set.xy, set.shapes[k], at.x, at.y)) { k--; }
        if (k >= 0) { return { title: set.names[k], rows: [[cgis.text("zone_kind"), set.kinds[k]]] }; }
      }
      return null;
    },
    legend: function () {
      const zones = this._sets.filter((set) => set.role === "zone");
      if (!zones.length) { return null; }
      const seen = new Set(zones.flatMap((set) => set.looks || ["other"]));
      const items = Object.keys(ZONES).filter((look) => seen.has(look))
        .map((look) => ({ symbol: "area", fill: ZONES[look].fill, stroke: ZONES[look].stroke, label: cgis.text("zone." + look) }));
      return { order: 5, title: cgis.text("zones"), items: items };
    },
  });
  cgis.ground = (options) => new cgis.Ground(options);

  // Widths in pixels at zoom 10 and their growth a zoom level; "from" is the zoom level where a class appears.
  const ROADS = {
    path: { from: 14.5, colour: "#b9b2a3", width: 0.7, dash: [3, 3] },
    service: { from: 13.5, colour: "#c9c3b5", width: 0.8 },
    minor: { from: 12, colour: "#cdc8bd", width: 0.7 },
    tertiary: { from: 0, colour: "#c4bcaa", width: 0.7 },
    secondary: { from: 0, colour: "#b5a98f", width: 1.1 },
    primary: { from: 0, colour: "#a08f6d", width: 1.6 },
    motorway: { from: 0, colour: "#8a6f52", width: 2.2 },
    tunnel: { from: 0, colour: "#8a6f52", width: 1.6, dash: [6, 5] },
    ferry: { from: 0, colour: "#5b86a8", width: 1.2, dash: [2, 5] },
  };
  cgis.Roads = cgis.Canvas.extend({
    options: { pane: "roads" },
    unpackAll: function () {
      this._classes = cgis.data(this.options.data).map((set) => ({ name: set.name, ...cgis.unpackShapes(set.shapes) }));
    },
    paint: function (context, view) {
      const grown = Math.pow(1.25, Math.max(0, view.zoom - 10));
      for (const set of this._classes) {
        const style = ROADS[set.name];
        if (view.zoom < style.from) { continue; }
        context.beginPath();
        for (const [part] of set.shapes) { cgis.trace(context, view, set.xy, part, false); }
        context.setLineDash(style.dash || []);
        context.strokeStyle = style.colour;
        context.lineWidth = style.width * grown;
        context.stroke();
      }
    },
    legend: function () {
      const items = this._classes.map((set) => set.name).filter((name) => ROADS[name].from === 0).reverse()
        .map((name) => ({ symbol: "line", stroke: ROADS[name].colour, width: ROADS[name].width + 0.6, dash: ROADS[name].dash, label: cgis.text("road." + name) }));
      return { order: 6, title: cgis.text("roads"), items: items, folded: true };
    },
  });
  cgis.roads = (options) => new cgis.Roads(options);

  cgis.Borders = cgis.Canvas.extend({
    options: { pane: "borders", colour: "#6d6a75", width: 1, fromZoom: 0, dash: [] },
    unpackAll: function () { Object.assign(this, cgis.unpackShapes(cgis.data(this.options.data).shapes)); },
    paint: function (context, view) {
      if (view.zoom < this.options.fromZoom) { return; }
      context.strokeStyle = this.options.colour;
      context.lineWidth = this.options.width;
      context.setLineDash(this.options.dash);
      context.beginPath();
      for (const shape of this.shapes) {
        for (const part of shape) { cgis.trace(context, view, this.xy, part, true); }
      }
      context.stroke();
    },
  });
  cgis.borders = (options) => new cgis.Borders(options);

  const SHARES = [
    { upTo: 0.2, fill: "#ffffcc" }, { upTo: 0.4, fill: "#c7e9b4" }, { upTo: 0.6, fill: "#7fcdbb" },
    { upTo: 0.8, fill: "#41b6c4" }, { upTo: Infinity, fill: "#2c7fb8" },
  ]; // the five lighter of ColorBrewer's YlGnBu in six, safe for colour-blind readers
  const NO_SHARE = "#d9d9d9";
  cgis.Choropleth = cgis.Canvas.extend({
    options: { pane: "choropleth", rank: 2 },
    unpackAll: function () {
      Object.assign(this, cgis.unpackShapes(cgis.data(this.options.areas).shapes));
      this._view = cgis.data(this.options.view);
    },
    _fill: function (i) {
      const area = this._view.areas[i];
      if (!area || area.value === null) { return NO_SHARE; }
      return this._view.fills ? this._view.fills[area.value].fill : SHARES.find((c) => area.value < c.upTo).fill;
    },
    paint: function (context, view) {
      context.globalAlpha = 0.72;
      this.shapes.forEach((shape, i) => {
        context.beginPath();
        for (const part of shape) { cgis.trace(context, view, this.xy, part, true); }
        context.fillStyle = this._fill(i);
        context.fill("evenodd");
      });
    },
    hit: function (containerPoint) {
      const at = this._fraction(containerPoint);
      const i = this.shapes.findIndex((shape) => cgis.isInside(this.xy, shape, at.x, at.y));
      return i < 0 ? null : { title: (this._view.names || cgis.data(this.options.areas).names)[i], rows: cgis.areaRows(this._view, i) };
    },
    legend: function () {
      const classes = this._view.fills || SHARES.map((c, k) => ({ fill: c.fill, label: k * 20 + "–" + (k + 1) * 20 + "%" }));
      const items = classes.map((c) => ({ symbol: "area", fill: c.fill, stroke: "#8a8a8a", label: c.label }));
      if (this._view.areas.some((area) => !area || area.value === null)) {
        items.push({ symbol: "area", fill: NO_SHARE, stroke: "#8a8a8a", label: cgis.text("no_share") });
      }
      return { order: 4, title: this._view.shareTitle || cgis.text("share_by_township"), note: this._view.who, items: items };
    },
  });
  cgis.choropleth = (options) => new cgis.Choropleth(options);

  cgis.areaRows = function (view, i) {
    const area = view.areas[i];
    if (!area) { return [[cgis.text("share"), cgis.text("no_figures")]]; }
    if (area.rows) { return area.rows; }
    const rows = [
      [view.who, area.persons], [cgis.text("covered"), area.covered], [cgis.text("uncovered"), area.uncovered],
      [cgis.text("share"), area.share],
    ];
    if (area.unreached !== "0") { rows.push([cgis.text("unreached"), area.unreached]); }
    if (area.shareIgnored) { rows.push([cgis.text("share_ignored"), area.shareIgnored]); }
    return rows.concat(area.more || []);
  };

  // People of one view: where they live, how many, how long they take, and to which facility.
  cgis.readPeople = function (options) {
    const demand = cgis.data(options.demand), view = cgis.data(options.view);
    if (!demand.unpacked) {
      demand.unpacked = {
        xy: cgis.unpackPoints(demand.xy), name: cgis.unpack(demand.name), village: cgis.unpack(demand.village),
        township: cgis.unpack(demand.township),
      };
    }
    const counts = cgis.data(options.persons), tenths = cgis.unpack(counts.tenths);
    const isHidden = counts.hidden ? tenths.map((n) => n === HIDDEN_TENTHS) : null; // discretion.py
    const persons = tenths.map((n) => (isHidden && n === HIDDEN_TENTHS ? counts.hidden : n / 10));
    return {
      isHidden: isHidden, demand: demand, view: view, at: demand.unpacked, persons: persons, time: cgis.unpack(view.time || ""),
      cls: column(view.cls, persons.length), limit: column(view.limit || 0, persons.length),
      facility: cgis.unpack(view.facility || ""), within: column(view.within || 0, persons.length),
      before: view.before ? cgis.unpack(view.before.time) : null,
    };
  };

  const HIDDEN_TENTHS = 1, LEAST_SHOWN = 5; // as in views.py and discretion.py

  // How many people a place has, as far as it may be told.
  cgis.personsAt = (people, i) => (people.isHidden && people.isHidden[i] ? cgis.text("hidden") : number(people.persons[i]));

  // How many people several places have together, "hidden" of them with a number that is not known here.
  function personsOf(sum, hidden) {
    if (!hidden) { return number(Math.round(sum)); }
    return sum < LEAST_SHOWN ? cgis.text("hidden") : cgis.text("about").replace("{n}", Math.round(sum));
  }

  // A packed column, or one number that stands for all rows.
  const column = (packed, length) => (typeof packed === "number" ? new Array(length).fill(packed) : cgis.unpack(packed));

  const number = (value) => (value % 1 ? value.toFixed(1) : String(value));

  const minutesOf = (tenths) => (tenths ? ((tenths - 1) / 10).toFixed(1) + " " + cgis.text("minutes") : cgis.text("not_reached"));

  cgis.personRows = function (people, i, facilities) {
    const view = people.view, text = cgis.text, at = people.at, demand = people.demand;
    const limit = view.limits[people.limit[i]], isCovered = view.classes[people.cls[i]].covered;
    const rows = [
      [text("village"), demand.villages[at.village[i]]], [text("township"), demand.townships[at.township[i]]],
      [view.who, cgis.personsAt(people, i)],
      [text("time") + " · " + limit.mode, minutesOf(people.time[i])],
      [text("standard"), limit.minutes + " " + text("minutes") + " · " + text(isCovered ? "is_covered" : "is_uncovered")],
      [text("nearest"), people.facility[i] ? facilities.names[people.facility[i] - 1] : ""],
      [text("within"), String(people.within[i])],
    ];
    if (people.before) { // of two results: what changed at this place, and the time it took
      rows.splice(3, 0, [view.before.change, view.classes[people.cls[i]].label], [view.before.label, minutesOf(people.before[i])]);
    }
    return rows.filter((row) => row[1]);
  };

  cgis.People = cgis.Canvas.extend({
    options: { pane: "demand", rank: 4 },
    unpackAll: function () { this._people = cgis.readPeople(this.options); },
    radius: (zoom) => Math.min(7, 1.7 * Math.pow(1.28, Math.max(0, zoom - 9.5))),
    paint: function (context, view) {
      const people = this._people, xy = people.at.xy, r = this.radius(view.zoom);
      people.view.classes.forEach((cls, k) => {
        context.beginPath();
        for (let i = 0; i < people.persons.length; i++) {
          if (people.cls[i] !== k || !people.persons[i]) { continue; }
          const x = xy[2 * i] * view.world - view.left, y = xy[2 * i + 1] * view.world - view.top;
          if (x < -r || y < -r || x > view.size.x + r || y > view.size.y + r) { continue; }
          context.moveTo(x + r, y);
          context.arc(x, y, r, 0, 7);
        }
        context.fillStyle = cls.fill;
        context.fill();
        const edge = cgis.edge(cls.fill);
        if (r > 3.5 || edge !== "#ffffff") {
          context.lineWidth = r > 3.5 ? 0.9 : 0.4;
          context.strokeStyle = edge;
          context.stroke();
        }
      });
    },
    hit: function (containerPoint) {
      const people = this._people, i = cgis.nearestPoint(this, containerPoint, people.at.xy, people.persons, this.radius(this._map.getZoom()) + 3);
      if (i < 0) { return null; }
      const rows = cgis.personRows(people, i, cgis.data(this.options.facilities));
      return { title: people.demand.names[people.at.name[i]] || cgis.text("place"), rows: rows };
    },
    legend: function () {
      const groupOf = (cls) => (cls.covered ? "is_covered" : "is_uncovered");
      const items = this._people.view.classes.map((cls) => ({ symbol: "dot", fill: cls.fill, label: cls.label, group: this._people.before ? "" : groupOf(cls) }));
      if (this._people.before) { items.reverse(); } // what changed is drawn last and named first
      return { order: 2, title: this._people.view.title || cgis.text("people_by_minutes"), note: this._people.view.who, items: items };
    },
  });
  cgis.people = (options) => new cgis.People(options);

  // The place nearest to a point of the screen, -1 where none is within reach; places where counts say 0 do not count.
  cgis.nearestPoint = function (layer, containerPoint, xy, counts, reachPixels) {
    const at = layer._fraction(containerPoint);
    let best = -1, least = Math.pow(reachPixels * at.pixel, 2);
    for (let i = 0; 2 * i < xy.length; i++) {
      const dx = xy[2 * i] - at.x, dy = xy[2 * i + 1] - at.y, d = dx * dx + dy * dy;
      if ((!counts || counts[i]) && d < least) { least = d; best = i; }
    }
    return best;
  };

  // People not covered, gathered in cells of the screen so that circles stay apart; single places from zoom 14 on.
  const CELL = 24, SINGLE_FROM = 14;
  cgis.Uncovered = cgis.Canvas.extend({
    options: { pane: "uncovered", rank: 3 },
    unpackAll: function () { this._people = cgis.readPeople(this.options); },
    gather: function (zoom) {
      if (this._gathered && this._gathered.zoom === zoom) { return this._gathered; }
      const people = this._people, xy = people.at.xy, world = 256 * Math.pow(2, zoom), cells = new Map();
      for (let i = 0; i < people.persons.length; i++) {
        const n = people.persons[i];
        if (!n || people.view.classes[people.cls[i]].covered) { continue; }
        const key = zoom >= SINGLE_FROM ? i
          : Math.floor((xy[2 * i] * world) / CELL) + ":" + Math.floor((xy[2 * i + 1] * world) / CELL);
        const cell = cells.get(key) || { persons: 0, places: 0, hidden: 0, x: 0, y: 0, first: i };
        cell.persons += n;
        cell.hidden += people.isHidden && people.isHidden[i] ? 1 : 0;
        cell.places += 1;
        cell.x += n * xy[2 * i];
        cell.y += n * xy[2 * i + 1];
        cells.set(key, cell);
      }
      const list = [...cells.values()].sort((a, b) => b.persons - a.persons);
      for (const cell of list) { cell.x /= cell.persons; cell.y /= cell.persons; }
      this._gathered = { zoom: zoom, cells: list, most: list.length ? list[0].persons : 1 };
      return this._gathered;
    },
    radius: function (persons, most) { return Math.max(1.5, (CELL / 2) * Math.sqrt(persons / most)); },
    paint: function (context, view) {
      const gathered = this.gather(view.zoom);
      context.fillStyle = "rgba(213,94,0,0.55)"; // vermillion of Okabe and Ito
      context.strokeStyle = "#8c3b00";
      context.lineWidth = 0.8;
      for (const cell of gathered.cells) {
        const r = this.radius(cell.persons, gathered.most);
        const x = cell.x * view.world - view.left, y = cell.y * view.world - view.top;
        if (x < -r || y < -r || x > view.size.x + r || y > view.size.y + r) { continue; }
        context.beginPath();
        context.arc(x, y, r, 0, 7);
        context.fill();
        context.stroke();
      }
    },
    hit: function (containerPoint) {
      const at = this._fraction(containerPoint), gathered = this.gather(this._map.getZoom());
      let best = null, least = Infinity;
      for (const cell of gathered.cells) {
        const d = Math.hypot(cell.x - at.x, cell.y - at.y) / at.pixel;
        if (d < this.radius(cell.persons, gathered.most) + 2 && d < least) { least = d; best = cell; }
      }
      if (!best) { return null; }
      const people = this._people, title = people.demand.names[people.at.name[best.first]];
      if (best.places === 1) {
        return { title: title || cgis.text("place"), rows: cgis.personRows(people, best.first, cgis.data(this.options.facilities)) };
      }
      return {
        title: cgis.text("uncovered_here"),
        rows: [[people.view.who, personsOf(best.persons, best.hidden)], [cgis.text("places"), String(best.places)]],
      };
    },
    legend: function () {
      if (!this._map) { return null; }
      const gathered = this.gather(this._map.getZoom()), most = gathered.most;
      if (!gathered.cells.length) { return null; }
      const items = [0.05, 0.3, 1].map((f) => roundDown(most * f)).filter((n, k, all) => n > 0 && all.indexOf(n) === k)
        .map((n) => ({ symbol: "dot", fill: "rgba(213,94,0,0.55)", stroke: "#8c3b00", radius: this.radius(n, most), label: n + " " + cgis.text("persons") }));
      return { order: 3, title: cgis.text("uncovered_people"), note: this._people.view.who, items: items };
    },
  });
  cgis.uncovered = (options) => new cgis.Uncovered(options);

  function roundDown(value) {
    const step = Math.pow(10, Math.floor(Math.log10(Math.max(value, 1))));
    return Math.floor(value / step) * step;
  }

  // Facilities: a square for the district's, a circle for a township's, a triangle for a village's.
  const SYMBOL = {
    district: "M2 2H16V16H2Z",
    township: "M9 2A7 7 0 1 1 8.99 2Z",
    village: "M9 2.5L16.5 15.5H1.5Z",
  };
  const SIZE = { district: 17, township: 14, village: 12 };
  const SVG = "http://www.w3.org/2000/svg";
  cgis.facilitySymbol = function (level, status, kind) {
    const svg = document.createElementNS(SVG, "svg"), path = document.createElementNS(SVG, "path");
    svg.setAttribute("viewBox", "0 0 18 18");
    svg.setAttribute("class", "cgis-symbol");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", SYMBOL[level]);
    path.setAttribute("class", "is-" + status + (kind === "schematic" ? " is-schematic" : ""));
    svg.appendChild(path);
    return svg;
  };

  cgis.Facilities = L.FeatureGroup.extend({
    initialize: function (options) {
      L.FeatureGroup.prototype.initialize.call(this);
      this._key = options.data;
      this._lift = options.lift || 0; // above other facilities
    },
    onAdd: function (map) {
      if (!this._data) { this._fill(cgis.data(this._key)); }
      L.FeatureGroup.prototype.onAdd.call(this, map);
    },
    _fill: function (data) {
      this._data = data;
      const xy = cgis.unpackPoints(data.xy);
      data.names.forEach((name, i) => {
        const kind = this._kind(i), size = SIZE[kind.level];
        const icon = L.divIcon({ className: "cgis-facility", html: cgis.facilitySymbol(kind.level, kind.status, kind.data), iconSize: [size, size] });
        const marker = L.marker(cgis.latLng(xy[2 * i], xy[2 * i + 1]), { icon: icon, keyboard: data.names.length <= 400, riseOnHover: true, zIndexOffset: this._lift });
        marker.bindPopup(() => cgis.card({ title: name, rows: data.rows[i] }), { minWidth: 270, maxWidth: 340, maxHeight: 420 });
        marker.bindTooltip(() => cgis.element("span", "", name), { direction: "top", offset: [0, -size / 2] });
        marker.on("add", () => marker.getElement().setAttribute("aria-label", name));
        this.addLayer(marker);
      });
    },
    _kind: function (i) {
      const data = this._data;
      return { level: data.levels[data.level[i]], status: data.statuses[data.status[i]], data: data.kinds[data.kind[i]] };
    },
    legend: function () {
      const seen = new Map();
      this._data.names.forEach((_, i) => {
        const kind = this._kind(i), isSchematic = kind.data === "schematic";
        const key = [Object.keys(SYMBOL).indexOf(kind.level), kind.status, isSchematic].join();
        if (seen.has(key)) { return; }
        const words = [cgis.text("level." + kind.level)];
        if (kind.status !== "existing") { words.push(cgis.text("status." + kind.status)); }
        if (isSchematic) { words.push(cgis.text("schematic")); }
        seen.set(key, { order: key, element: cgis.facilitySymbol(kind.level, kind.status, kind.data), size: SIZE[kind.level], label: words.join(" · ") });
      });
      const items = [...seen.values()].sort((a, b) => (a.order < b.order ? -1 : 1));
      return { order: 1, title: this._data.title, items: items };
    },
  });
  cgis.facilities = (options) => new cgis.Facilities(options);

  // Slots and views: a view is one choice (a standard, a service); it puts its layers into the slots of the control.
  cgis.slot = () => L.layerGroup();
  cgis.View = L.Layer.extend({
    initialize: function (key, parts) { this._key = key; this._parts = parts; },
    onAdd: function (map) {
      for (const [slot] of this._parts) { slot.clearLayers(); }
      for (const [slot, layer] of this._parts) { slot.addLayer(layer); }
      map.cgisView = cgis.data(this._key);
      map.fire("cgis:view");
    },
    onRemove: function () {
      for (const [slot, layer] of this._parts) { slot.removeLayer(layer); }
    },
  });
  cgis.view = (key, parts) => new cgis.View(key, parts);
})();

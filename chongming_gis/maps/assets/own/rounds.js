// Meals to the door: rounds as lines, drops as circles by what they get, and vehicles that move with a clock.
(function () {
  "use strict";

  const COLOURS = ["#1f6fb4", "#d1495b", "#2e8b57", "#8e5bb5", "#c77700", "#008b8b", "#b0408f", "#5a6b00", "#7a4a2b", "#3a3a9e"];
  const DASHES = [[], [9, 4], [3, 4], [9, 3, 2, 3]]; // by kind of vehicle
  const STATES = { whole: "#0a4a7d", part: "#d99a00", left: "#c9473a", far: "#2b2b2b", none: "#9aa5ab" };

  function read(key) {
    const data = cgis.data(key);
    if (!data.unpacked) {
      data.unpacked = { ...cgis.unpackShapes(data.lines), drops: cgis.unpackPoints(data.drops.xy) };
      data.unpacked.lengths = data.unpacked.shapes.map(([part]) => {
        const xy = data.unpacked.xy, lengths = [0];
        for (let i = part.from + 2; i < part.to; i += 2) {
          lengths.push(lengths[lengths.length - 1] + Math.hypot(xy[i] - xy[i - 2], xy[i + 1] - xy[i - 1]));
        }
        return lengths;
      });
    }
    return data;
  }
  const colour = (data, i) => COLOURS[data.colours[i] % COLOURS.length];
  const isShown = (options, kitchen) => options.kitchen < 0 || options.kitchen === kitchen;

  cgis.Rounds = cgis.Canvas.extend({
    options: { pane: "rounds", rank: 5, kitchen: -1 },
    unpackAll: function () { this._data = read(this.options.data); },
    paint: function (context, view) {
      const data = this._data, at = data.unpacked, width = Math.min(4.5, 1.9 * Math.pow(1.2, Math.max(0, view.zoom - 10)));
      at.shapes.forEach(([part], i) => {
        if (!isShown(this.options, data.kitchen[i])) { return; }
        for (const [stroke, wide, dash] of [["rgba(255,255,255,0.85)", width + 2.2, []], [colour(data, i), width, DASHES[data.vehicle[i] % DASHES.length]]]) {
          context.setLineDash(dash);
          context.strokeStyle = stroke;
          context.lineWidth = wide;
          context.beginPath();
          cgis.trace(context, view, at.xy, part, false);
          context.stroke();
        }
      });
    },
    hit: function (containerPoint) {
      const data = this._data, at = this._fraction(containerPoint), xy = data.unpacked.xy;
      let best = -1, least = 6 * at.pixel;
      data.unpacked.shapes.forEach(([part], i) => {
        const box = part.box;
        if (!isShown(this.options, data.kitchen[i]) || at.x < box[0] - least || at.x > box[2] + least || at.y < box[1] - least || at.y > box[3] + least) { return; }
        for (let k = part.from + 2; k < part.to; k += 2) {
          const dx = xy[k] - xy[k - 2], dy = xy[k + 1] - xy[k - 1], whole = dx * dx + dy * dy;
          const t = whole ? Math.max(0, Math.min(1, ((at.x - xy[k - 2]) * dx + (at.y - xy[k - 1]) * dy) / whole)) : 0;
          const d = Math.hypot(at.x - xy[k - 2] - t * dx, at.y - xy[k - 1] - t * dy);
          if (d < least) { least = d; best = i; }
        }
      });
      return best < 0 ? null : { title: data.names[best], rows: data.rows[best] };
    },
    legend: function () {
      const items = this._data.vehicles.map((name, k) => ({ symbol: "line", stroke: COLOURS[0], width: 3, dash: DASHES[k % DASHES.length].length, label: name }));
      return { order: 0, title: this._data.title, note: this._data.note, items: items };
    },
  });
  cgis.rounds = (options) => new cgis.Rounds(options);

  cgis.Drops = cgis.Canvas.extend({
    options: { pane: "drops", rank: 6, kitchen: -1 },
    unpackAll: function () { this._data = read(this.options.data); },
    radius: (zoom, meals) => Math.min(11, (1.6 + 0.45 * Math.sqrt(meals)) * Math.pow(1.22, Math.max(0, zoom - 9.5))),
    paint: function (context, view) {
      const drops = this._data.drops, xy = this._data.unpacked.drops;
      for (const state of ["none", "whole", "part", "left", "far"]) {
        context.fillStyle = STATES[state];
        context.strokeStyle = cgis.edge(STATES[state]);
        context.lineWidth = 0.9;
        drops.states.forEach((own, i) => {
          if (own !== state || !isShown(this.options, drops.kitchen[i])) { return; }
          const x = xy[2 * i] * view.world - view.left, y = xy[2 * i + 1] * view.world - view.top;
          context.beginPath();
          context.arc(x, y, this.radius(view.zoom, drops.meals[i]), 0, 7);
          context.fill();
          context.stroke();
        });
      }
    },
    hit: function (containerPoint) {
      const drops = this._data.drops, xy = this._data.unpacked.drops, at = this._fraction(containerPoint);
      let best = -1, least = Infinity;
      drops.states.forEach((_, i) => {
        const d = Math.hypot(xy[2 * i] - at.x, xy[2 * i + 1] - at.y) / at.pixel;
        if (isShown(this.options, drops.kitchen[i]) && d < least && d < this.radius(this._map.getZoom(), drops.meals[i]) + 3) { least = d; best = i; }
      });
      return best < 0 ? null : { title: drops.names[best], rows: drops.rows[best] };
    },
    legend: function () {
      const seen = new Set(this._data.drops.states.filter((_, i) => isShown(this.options, this._data.drops.kitchen[i])));
      const items = ["whole", "part", "left", "far", "none"].filter((state) => seen.has(state))
        .map((state) => ({ symbol: "dot", fill: STATES[state], label: cgis.text("drop." + state) }));
      return { order: 1, title: this._data.drops.title, note: this._data.drops.note, items: items };
    },
  });
  cgis.drops = (options) => new cgis.Drops(options);

  cgis.Kitchens = cgis.Facilities.extend({
    legend: function () {
      const items = [{ element: cgis.facilitySymbol("district", "existing", ""), size: 17, label: this._data.title }];
      return { order: 2, title: this._data.title, items: items };
    },
  });
  cgis.kitchens = (options) => new cgis.Kitchens(options);

  // Where a round is so many seconds after midnight; null before it leaves and after it is back.
  function placeOf(data, i, clock) {
    const since = clock - data.depart[i], times = data.times[i], along = data.along[i];
    if (since < 0 || since > times[times.length - 1]) { return null; }
    let k = 1;
    while (k < times.length - 1 && times[k] < since) { k++; }
    const gap = times[k] - times[k - 1], share = gap ? (since - times[k - 1]) / gap : 1;
    const lengths = data.unpacked.lengths[i], [part] = data.unpacked.shapes[i], xy = data.unpacked.xy;
    const aim = (along[k - 1] + share * (along[k] - along[k - 1])) * lengths[lengths.length - 1];
    let n = 1;
    while (n < lengths.length - 1 && lengths[n] < aim) { n++; }
    const step = lengths[n] - lengths[n - 1], t = step ? (aim - lengths[n - 1]) / step : 0, at = part.from + 2 * n;
    return { x: xy[at - 2] + t * (xy[at] - xy[at - 2]), y: xy[at - 1] + t * (xy[at + 1] - xy[at - 1]) };
  }

  cgis.Carts = cgis.Canvas.extend({
    options: { pane: "carts", kitchen: -1 },
    unpackAll: function () { this._data = read(this.options.data); },
    onAdd: function (map) {
      cgis.Canvas.prototype.onAdd.call(this, map);
      map.on("cgis:clock", this.repaint, this);
    },
    onRemove: function (map) {
      map.off("cgis:clock", this.repaint, this);
      cgis.Canvas.prototype.onRemove.call(this, map);
    },
    paint: function (context, view) {
      const data = this._data, clock = this._map.cgisClock;
      if (clock === undefined) { return; }
      data.depart.forEach((_, i) => {
        const at = isShown(this.options, data.kitchen[i]) && placeOf(data, i, clock);
        if (!at) { return; }
        const x = at.x * view.world - view.left, y = at.y * view.world - view.top;
        context.beginPath();
        context.arc(x, y, 6.5, 0, 7);
        context.fillStyle = colour(data, i);
        context.strokeStyle = "#111";
        context.lineWidth = 2;
        context.fill();
        context.stroke();
        context.beginPath();
        context.arc(x, y, 2.2, 0, 7);
        context.fillStyle = "#fff";
        context.fill();
      });
    },
  });
  cgis.carts = (options) => new cgis.Carts(options);

  const clockText = (seconds) => String(Math.floor(seconds / 3600) % 24).padStart(2, "0") + ":" + String(Math.floor(seconds / 60) % 60).padStart(2, "0");
  const STEP_S = 15, TICK_MS = 50;

  // The clock: a button, a slider from the first departure to the last return, and what has been handed over by then.
  cgis.player = function (map, options) {
    const data = read(options.data);
    if (!data.depart.length) { return; }
    const from = Math.min(...data.depart), to = Math.ceil(Math.max(...data.depart.map((d, i) => d + data.times[i][data.times[i].length - 1])) / 60) * 60;
    const box = cgis.element("section", "cgis-panel cgis-player"), row = box.appendChild(cgis.element("div", "cgis-player-row"));
    const button = row.appendChild(cgis.element("button", "", "▶")), clock = row.appendChild(cgis.element("output", "cgis-clock"));
    const slider = row.appendChild(cgis.element("input")), said = box.appendChild(cgis.element("p", "cgis-note"));
    button.type = "button";
    slider.type = "range";
    slider.min = from;
    slider.max = to;
    slider.step = STEP_S;
    slider.setAttribute("aria-label", cgis.text("clock"));
    let timer = null;
    function show(seconds) {
      const view = map.cgisView, kitchen = view && view.kitchen !== undefined ? view.kitchen : -1;
      let meals = 0, out = 0;
      data.depart.forEach((depart, i) => {
        if (kitchen >= 0 && data.kitchen[i] !== kitchen) { return; }
        const since = seconds - depart;
        if (since >= 0 && since <= data.times[i][data.times[i].length - 1]) { out += 1; }
        data.handed[i].forEach(([at, n]) => { if (since >= at) { meals += n; } });
      });
      map.cgisClock = seconds;
      slider.value = seconds;
      clock.textContent = clockText(seconds);
      said.textContent = cgis.text("on_the_way") + " " + out + " · " + cgis.text("handed_over") + " " + data.about + Math.round(meals);
      map.fire("cgis:clock");
    }
    function stop() {
      clearInterval(timer);
      timer = null;
      button.textContent = "▶";
      button.setAttribute("aria-label", cgis.text("play"));
      button.title = cgis.text("play");
    }
    function play() {
      if (map.cgisClock >= to) { show(from); }
      button.textContent = "❚❚";
      button.setAttribute("aria-label", cgis.text("pause"));
      button.title = cgis.text("pause");
      timer = setInterval(() => {
        show(Math.min(to, map.cgisClock + STEP_S));
        if (map.cgisClock >= to) { stop(); }
      }, TICK_MS);
    }
    button.addEventListener("click", () => (timer === null ? play() : stop()));
    slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
    map.on("cgis:view", () => show(map.cgisClock));
    stop();
    const panel = L.control({ position: map.getSize().x >= 700 ? "topright" : "bottomleft" });
    panel.onAdd = () => box;
    L.DomEvent.disableClickPropagation(box);
    L.DomEvent.disableScrollPropagation(box);
    panel.addTo(map);
    show(from + 900);
  };
})();

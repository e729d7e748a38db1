// The row of tools under the title: search by name, measuring, one's own position, printing; and the arrow to the north.
(function () {
  "use strict";

  const MOST_FOUND = 12, CLOSE = 14.5; // zoom level at which a place found is shown
  const ICONS = {
    measure: "M2 13L13 2L17 6L6 17ZM5 10l2 2M8 7l2 2M11 4l2 2",
    locate: "M9.5 5.5a4 4 0 1 1-.01 0ZM9.5 1v4M9.5 14v4M1 9.5h4M14 9.5h4",
    print: "M5 7V2h9v5M5 14H2V7h15v7h-3M5 11.5h9V17H5Z",
  };
  const SVG = "http://www.w3.org/2000/svg";

  function icon(path) {
    const svg = document.createElementNS(SVG, "svg"), line = svg.appendChild(document.createElementNS(SVG, "path"));
    svg.setAttribute("viewBox", "0 0 19 19");
    svg.setAttribute("aria-hidden", "true");
    line.setAttribute("d", path);
    return svg;
  }

  function button(name, className) {
    const made = cgis.element("button", "cgis-tool is-" + className);
    made.type = "button";
    made.title = name;
    made.setAttribute("aria-label", name);
    made.appendChild(icon(ICONS[className]));
    return made;
  }

  // Everything that can be searched for: {name, also, plain, kind, x, y, rows}, "also" in the other language. Read when
  // first asked for.
  function readEntries(data) {
    const entries = [];
    for (const key of data.facilities) {
      const set = cgis.data(key), xy = cgis.unpackPoints(set.xy);
      set.names.forEach((name, i) => entries.push({ name: name, kind: set.title, x: xy[2 * i], y: xy[2 * i + 1], rows: set.rows[i] }));
    }
    for (const key of data.areas) {
      const set = cgis.data(key), xy = cgis.unpackPoints(set.anchors), of = set.of ? cgis.unpack(set.of) : null;
      set.names.forEach((name, i) => {
        const within = of ? set.ofNames[of[i]] : "";
        const rows = [[cgis.text("search_kind"), set.kind], [cgis.text("township"), within]].filter((row) => row[1]);
        const kind = [set.kind, within].filter(Boolean).join(" · "), also = set.also ? set.also[i] : "";
        entries.push({ name: name, also: also, kind: kind, x: xy[2 * i], y: xy[2 * i + 1], rows: rows });
      });
    }
    for (const entry of entries) { entry.plain = [entry.name, entry.also].filter(Boolean).map((name) => name.toLowerCase()); }
    return entries;
  }

  // Names that contain what was typed: those that begin with it first, then the shorter ones.
  cgis.findNames = function (entries, typed) {
    const wanted = typed.trim().toLowerCase();
    if (!wanted) { return []; }
    const found = entries.filter((entry) => entry.plain.some((name) => name.includes(wanted)));
    const rank = (entry) => Math.min(...entry.plain.filter((name) => name.includes(wanted))
      .map((name) => (name.startsWith(wanted) ? 0 : 1000) + name.length));
    return found.sort((a, b) => rank(a) - rank(b));
  };

  function searchBox(map, data, say) {
    const text = cgis.text, box = cgis.element("div", "cgis-search"), input = box.appendChild(cgis.element("input"));
    const list = box.appendChild(cgis.element("ul", "cgis-found"));
    let entries = null, found = [], active = -1;
    list.id = "cgis-found";
    list.hidden = true;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", text("search"));
    input.type = "search";
    input.placeholder = text("search");
    input.autocomplete = "off";
    for (const [name, value] of [["role", "combobox"], ["aria-label", text("search")], ["aria-autocomplete", "list"], ["aria-controls", list.id], ["aria-expanded", "false"]]) {
      input.setAttribute(name, value);
    }
    function close() {
      list.hidden = true;
      active = -1;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    }
    function mark(k) {
      active = k;
      [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === k)));
      if (k >= 0) {
        input.setAttribute("aria-activedescendant", list.children[k].id);
        list.children[k].scrollIntoView({ block: "nearest" });
      }
    }
    function choose(entry) {
      close();
      say("");
      input.value = entry.name;
      const at = cgis.latLng(entry.x, entry.y);
      map.setView(at, Math.max(map.getZoom(), CLOSE), { animate: false });
      cgis.popup(map, at, { title: entry.name, rows: entry.rows });
    }
    function show() {
      entries = entries || readEntries(data);
      const all = cgis.findNames(entries, input.value);
      found = all.slice(0, MOST_FOUND);
      list.replaceChildren(...found.map((entry, i) => {
        const item = cgis.element("li");
        item.id = "cgis-found-" + i;
        item.setAttribute("role", "option");
        item.appendChild(cgis.element("span", "", entry.name)).dir = "auto";
        item.appendChild(cgis.element("small", "", entry.kind)).dir = "auto";
        item.addEventListener("mousedown", (e) => { e.preventDefault(); choose(entry); });
        return item;
      }));
      list.hidden = !found.length;
      input.setAttribute("aria-expanded", String(Boolean(found.length)));
      mark(found.length ? 0 : -1);
      say(!input.value.trim() ? "" : all.length ? text("search_found").replace("{n}", all.length) : text("search_nothing"));
    }
    input.addEventListener("input", show);
    input.addEventListener("focus", () => { if (input.value) { input.select(); } });
    input.addEventListener("blur", () => { close(); say(""); });
    input.addEventListener("keydown", (e) => {
      if (e.isComposing) { return; } // Enter ends the writing of Chinese
      if (e.key === "ArrowDown" || e.key === "ArrowUp") {
        e.preventDefault();
        if (list.hidden) { show(); return; }
        mark((active + (e.key === "ArrowDown" ? 1 : found.length - 1)) % found.length);
      } else if (e.key === "Enter" && !list.hidden && active >= 0) {
        e.preventDefault();
        choose(found[active]);
      } else if (e.key === "Escape") {
        close();
      }
    });
    return box;
  }

  // Metres on the WGS 84 ellipsoid (Vincenty 1975, inverse problem); places of one map are never antipodal.
  cgis.distance = function (from, to) {
    const a = 6378137, f = 1 / 298.257223563, b = a * (1 - f), rad = Math.PI / 180;
    const U1 = Math.atan((1 - f) * Math.tan(from.lat * rad)), U2 = Math.atan((1 - f) * Math.tan(to.lat * rad));
    const s1 = Math.sin(U1), c1 = Math.cos(U1), s2 = Math.sin(U2), c2 = Math.cos(U2), across = (to.lng - from.lng) * rad;
    let lambda = across, sigma = 0, sinS = 0, cosS = 0, cos2A = 0, cosM = 0;
    for (let turn = 0; turn < 100; turn++) {
      const sinL = Math.sin(lambda), cosL = Math.cos(lambda);
      sinS = Math.hypot(c2 * sinL, c1 * s2 - s1 * c2 * cosL);
      if (sinS === 0) { return 0; }
      cosS = s1 * s2 + c1 * c2 * cosL;
      sigma = Math.atan2(sinS, cosS);
      const sinA = (c1 * c2 * sinL) / sinS;
      cos2A = 1 - sinA * sinA;
      cosM = cos2A ? cosS - (2 * s1 * s2) / cos2A : 0; // on the equator
      const C = (f / 16) * cos2A * (4 + f * (4 - 3 * cos2A)), before = lambda;
      lambda = across + (1 - C) * f * sinA * (sigma + C * sinS * (cosM + C * cosS * (2 * cosM * cosM - 1)));
      if (Math.abs(lambda - before) < 1e-12) { break; }
    }
    const u2 = (cos2A * (a * a - b * b)) / (b * b);
    const A = 1 + (u2 / 16384) * (4096 + u2 * (-768 + u2 * (320 - 175 * u2)));
    const B = (u2 / 1024) * (256 + u2 * (-128 + u2 * (74 - 47 * u2)));
    const delta = B * sinS * (cosM + (B / 4) * (cosS * (2 * cosM * cosM - 1) - (B / 6) * cosM * (4 * sinS * sinS - 3) * (4 * cosM * cosM - 3)));
    return b * A * (sigma - delta);
  };

  cgis.lengthInWords = (m) => (m < 1000 ? Math.round(m) + " " + cgis.text("m") : (m / 1000).toFixed(m < 10000 ? 2 : 1) + " " + cgis.text("km"));

  function measuring(map, say) {
    const made = button(cgis.text("measure"), "measure"), line = L.layerGroup(), points = [];
    made.setAttribute("aria-pressed", "false");
    const total = () => points.slice(1).reduce((sum, point, i) => sum + cgis.distance(points[i], point), 0);
    function draw() {
      line.clearLayers();
      const style = { color: "#c2185b", weight: 3, interactive: false };
      L.polyline(points, style).addTo(line);
      points.forEach((point) => L.circleMarker(point, { ...style, radius: 4, fillColor: "#fff", fillOpacity: 1, weight: 2 }).addTo(line));
      if (points.length > 1) {
        L.tooltip({ permanent: true, direction: "top", offset: [0, -6], className: "cgis-length" }).setLatLng(points[points.length - 1])
          .setContent(cgis.element("span", "", cgis.lengthInWords(total()))).addTo(line);
      }
      say(points.length > 1 ? cgis.text("measured") + " " + cgis.lengthInWords(total()) : cgis.text("measure_how"));
    }
    function add(latlng) {
      const last = points[points.length - 1];
      if (last && last.distanceTo(latlng) < 0.5) { return; } // the second click of a double click
      points.push(latlng);
      draw();
    }
    const onClick = (e) => add(e.latlng);
    function onKey(e) {
      const key = e.originalEvent.key;
      if (e.originalEvent.target !== map.getContainer() && key !== "Escape") { return; } // a button's own key
      if (key === "Enter" || key === " ") {
        e.originalEvent.preventDefault();
        add(map.getCenter());
      } else if (key === "Backspace") {
        points.pop();
        draw();
      } else if (key === "Escape") {
        stop();
      }
    }
    function start() {
      map.cgisIsMeasuring = true;
      map.closePopup();
      points.length = 0;
      line.addTo(map);
      made.setAttribute("aria-pressed", "true");
      map.getContainer().classList.add("is-measuring");
      map.doubleClickZoom.disable();
      map.on("click", onClick).on("keydown", onKey).on("dblclick", stop);
      draw();
    }
    function stop() {
      map.cgisIsMeasuring = false;
      made.setAttribute("aria-pressed", "false");
      map.getContainer().classList.remove("is-measuring");
      map.doubleClickZoom.enable();
      map.off("click", onClick).off("keydown", onKey).off("dblclick", stop);
      if (points.length < 2) { line.remove(); say(""); }
    }
    made.addEventListener("click", () => {
      if (map.cgisIsMeasuring) { stop(); } else if (map.hasLayer(line)) { line.remove(); say(""); } else { start(); }
    });
    return made;
  }

  function locating(map, say) {
    const made = button(cgis.text("locate"), "locate"), here = L.layerGroup().addTo(map);
    const refuse = () => say(cgis.text("locate_no"));
    made.addEventListener("click", () => {
      here.clearLayers();
      if (!navigator.geolocation) { refuse(); return; }
      say(cgis.text("locate_wait"));
      navigator.geolocation.getCurrentPosition((found) => {
        const at = L.latLng(found.coords.latitude, found.coords.longitude);
        if (!L.latLngBounds(map.cgisBounds).pad(0.2).contains(at)) { say(cgis.text("locate_outside")); return; }
        const style = { color: "#c2185b", weight: 1, interactive: false };
        L.circle(at, { ...style, radius: found.coords.accuracy, fillOpacity: 0.1 }).addTo(here);
        L.circleMarker(at, { ...style, radius: 6, color: "#fff", weight: 2, fillColor: "#c2185b", fillOpacity: 1 }).addTo(here);
        map.setView(at, CLOSE, { animate: false });
        say(cgis.text("locate_found").replace("{m}", Math.round(found.coords.accuracy)));
      }, refuse, { timeout: 8000, maximumAge: 0 });
    });
    return made;
  }

  // Paper in millimetres without its margins; the browser prints a millimetre as 96 / 25.4 pixels.
  const PAPER = { A4: [279, 192], A3: [402, 279] }, MARGIN_MM = 9;
  function printing(map) {
    const made = button(cgis.text("print"), "print"), box = map.getContainer(), menu = cgis.element("div", "cgis-papers");
    const rule = document.head.appendChild(document.createElement("style"));
    let paper = "A4", before = null;
    function setPaper(name) {
      paper = name;
      rule.textContent = "@page { size: " + name + " landscape; margin: " + MARGIN_MM + "mm; }";
      box.style.setProperty("--cgis-paper-width", PAPER[name][0] + "mm");
      box.style.setProperty("--cgis-paper-height", PAPER[name][1] + "mm");
    }
    setPaper(paper);
    function toPaper() {
      if (before) { return; }
      const legend = box.querySelector(".cgis-legend");
      before = { centre: map.getCenter(), zoom: map.getZoom(), size: map.getSize(), isOpen: legend && legend.open, isWhole: Boolean(map.cgisBounds) && map.getBounds().contains(map.cgisBounds) };
      box.classList.add("is-on-paper");
      if (legend) { legend.open = true; }
      map.invalidateSize({ animate: false, pan: false });
      const now = map.getSize(), grown = Math.log2(Math.min(now.x / before.size.x, now.y / before.size.y));
      if (before.isWhole) { cgis.fitBeside(map); } else { map.setView(before.centre, before.zoom + grown, { animate: false }); }
    }
    function toScreen() {
      if (!before) { return; }
      const legend = box.querySelector(".cgis-legend");
      box.classList.remove("is-on-paper");
      if (legend) { legend.open = before.isOpen; }
      map.invalidateSize({ animate: false, pan: false });
      map.setView(before.centre, before.zoom, { animate: false });
      before = null;
    }
    window.addEventListener("beforeprint", toPaper);
    window.addEventListener("afterprint", toScreen);
    menu.hidden = true;
    for (const name of Object.keys(PAPER)) {
      const choice = menu.appendChild(cgis.element("button", "", name + " " + cgis.text("landscape")));
      choice.type = "button";
      choice.addEventListener("click", () => {
        menu.hidden = true;
        made.setAttribute("aria-expanded", "false");
        setPaper(name);
        window.print();
      });
    }
    made.setAttribute("aria-expanded", "false");
    made.addEventListener("click", () => {
      menu.hidden = !menu.hidden;
      made.setAttribute("aria-expanded", String(!menu.hidden));
    });
    return [made, menu];
  }

  function northArrow(map) {
    const arrow = cgis.element("div", "cgis-north"), svg = arrow.appendChild(icon("M9.5 1L14.5 17.5L9.5 13.5L4.5 17.5Z"));
    svg.setAttribute("class", "cgis-needle");
    arrow.appendChild(cgis.element("span", "", cgis.text("north")));
    arrow.setAttribute("role", "img");
    arrow.setAttribute("aria-label", cgis.text("north_up"));
    cgis.control(map, "bottomright", arrow);
  }

  cgis.tools = function (map, options) {
    const data = cgis.data(options.data), box = cgis.element("div", "cgis-panel cgis-tools");
    const row = cgis.element("div", "cgis-row"), told = cgis.element("p", "cgis-told");
    told.setAttribute("role", "status");
    const say = (text) => { told.textContent = text; };
    row.setAttribute("role", "search");
    row.setAttribute("aria-label", cgis.text("search"));
    row.append(searchBox(map, data, say), measuring(map, say), locating(map, say));
    const [print, menu] = printing(map);
    row.appendChild(print);
    box.append(row, menu, told);
    cgis.control(map, "topleft", box);
    northArrow(map);
    if (map.cgisBounds) { cgis.fitBeside(map); } // this row is part of what the map stands beside
  };
})();

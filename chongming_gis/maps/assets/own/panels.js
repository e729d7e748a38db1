// What stands around the map: the map itself, title panel, legend, layer control, and cards for what is pointed at.
(function () {
  "use strict";
  const NARROW = 700; // as WIDE_PX in layers.py

  const isWide = (map) => map.getSize().x >= NARROW;

  // Facility symbols shrink where the map shows everything and grow to full size around zoom 13.
  const symbolScale = (zoom) => Math.min(1.2, Math.max(0.55, 0.62 + 0.13 * (zoom - 10))).toFixed(2);

  // Inside another page (report, notebook) the wheel scrolls that page until the map is clicked.
  function wheelOnlyWhenUsed(map) {
    map.scrollWheelZoom.disable();
    map.on("click focus", () => map.scrollWheelZoom.enable());
    map.on("mouseout", () => map.scrollWheelZoom.disable());
  }

  // Where the panels of the upper left end, in pixels from the top.
  function panelsEnd(map) {
    const corner = map.getContainer().querySelector(".leaflet-top.leaflet-left");
    return [...corner.children].reduce((y, panel) => Math.max(y, panel.offsetTop + panel.offsetHeight), 0);
  }

  // The study area beside the title on wide screens, below it on narrow ones.
  cgis.fitBeside = function (map) {
    const title = map.getContainer().querySelector(".cgis-title");
    const size = map.getSize(), wide = isWide(map) && size.x > 2.4 * title.offsetWidth;
    map.fitBounds(map.cgisBounds, {
      paddingTopLeft: wide ? [title.offsetWidth + 26, 20] : [8, Math.min(panelsEnd(map) + 8, size.y / 2)],
      paddingBottomRight: wide ? [20, 30] : [8, 60],
      animate: false,
    });
  };

  // All text of the data goes through here: it is set as text, never as HTML.
  cgis.element = function (tag, className, text) {
    const element = document.createElement(tag);
    if (className) { element.className = className; }
    if (text !== undefined) { element.textContent = text; }
    return element;
  };

  cgis.card = function (card) {
    const box = cgis.element("div", "cgis-card");
    const title = box.appendChild(cgis.element("strong", "", card.title));
    title.dir = "auto";
    const list = box.appendChild(cgis.element("dl"));
    for (const [name, value] of card.rows) {
      list.appendChild(cgis.element("dt", "", name));
      list.appendChild(cgis.element("dd", "", value)).dir = "auto";
    }
    return box;
  };

  cgis.map = function (id, frame, options) {
    const map = L.map(id, { zoomControl: false, attributionControl: false, zoomSnap: 0.25, zoomDelta: 0.5,
      wheelPxPerZoomLevel: 120, minZoom: 6, maxZoom: 18, ...options });
    const text = cgis.text, wide = isWide(map);
    if (window !== window.top) { wheelOnlyWhenUsed(map); }
    map.getContainer().classList.add("cgis-map", "is-in-" + frame.around);
    map.getContainer().setAttribute("aria-label", document.title);
    map.fitBounds(frame.bounds, { animate: false });
    map.cgisBounds = frame.bounds;
    map.attributionControl = L.control.attribution({ position: "bottomright", prefix: "Leaflet" }).addTo(map);
    L.control.scale({ position: "bottomright", imperial: false }).addTo(map);
    L.control.zoom({ position: "bottomright", zoomInTitle: text("zoom_in"), zoomOutTitle: text("zoom_out") }).addTo(map);
    const resize = () => map.getContainer().style.setProperty("--cgis-symbol", symbolScale(map.getZoom()));
    map.on("zoomend", resize);
    resize();
    map.on("layeradd", (e) => { // Leaflet's own drawings say nothing aloud
      if (e.layer instanceof L.Renderer) { e.layer._container.setAttribute("aria-hidden", "true"); }
    });
    const box = map.getContainer();
    box.prepend(box.querySelector(".leaflet-control-container")); // Tab comes to the controls before hundreds of facilities
    box.addEventListener("keydown", (e) => { if (e.key === "Escape") { map.closePopup(); } });
    map.on("popupclose", function (e) { // the focus does not go with the card
      if (e.popup.getElement().contains(document.activeElement)) { box.focus({ preventScroll: true }); }
    });
    map.on("popupopen", function (e) {
      const close = e.popup.getElement().querySelector(".leaflet-popup-close-button");
      if (close) { close.setAttribute("aria-label", text("close")); close.title = text("close"); }
    });
    return map;
  };

  // Opens a card where it does not hide under the panels.
  cgis.popup = function (map, latlng, card) {
    const size = map.getSize(), wide = isWide(map), below = Math.min(panelsEnd(map), size.y / 2);
    L.popup({ minWidth: 270, maxWidth: 340, maxHeight: wide ? 420 : Math.round(size.y * 0.4), autoPanPaddingTopLeft: wide ? [340, 10] : [10, below + 6], autoPanPaddingBottomRight: [10, 10] }).setLatLng(latlng).setContent(cgis.card(card)).openOn(map);
  };

  // Asks the layers, top first, what lies under the pointer; canvases cannot be asked by the browser.
  cgis.inspect = function (map) {
    if (map.cgisIsInspected) { return; }
    map.cgisIsInspected = true;
    const tooltip = L.tooltip({ direction: "top", className: "cgis-tip", offset: [0, -6] });
    function find(point) {
      const layers = [];
      map.eachLayer((layer) => { if (layer.hit && !layer.isPart) { layers.push(layer); } });
      layers.sort((a, b) => b.options.rank - a.options.rank);
      for (const layer of layers) {
        const card = layer.hit(point);
        if (card) { return card; }
      }
      return null;
    }
    const onCanvas = (e) => !map.cgisIsMeasuring && !e.originalEvent.target.closest(".leaflet-marker-icon, .leaflet-control, .leaflet-popup");
    map.on("click", function (e) {
      const card = onCanvas(e) && find(e.containerPoint);
      if (card) {
        tooltip.remove();
        cgis.popup(map, e.latlng, card);
      }
    });
    if (!L.Browser.mobile) {
      map.on("mousemove", function (e) {
        const card = onCanvas(e) && find(e.containerPoint);
        map.getContainer().classList.toggle("has-target", Boolean(card));
        if (!card) { tooltip.remove(); return; }
        tooltip.setLatLng(e.latlng).setContent(cgis.card({ title: card.title, rows: card.rows.slice(0, 4) })).addTo(map);
      });
      map.on("mouseout movestart", () => tooltip.remove());
    }
  };

  // A layer on a map that is not ours brings its cards along.
  cgis.loose = function (layer) {
    layer.on("add", () => {
      layer._map.getContainer().classList.add("cgis-map");
      cgis.inspect(layer._map);
    });
    return layer;
  };

  function foldable(className, summary, isOpen) {
    const details = cgis.element("details", className);
    details.open = isOpen;
    details.appendChild(cgis.element("summary", "", summary));
    return details;
  }

  cgis.control = function (map, position, element) {
    const panel = L.control({ position: position });
    panel.onAdd = () => element;
    L.DomEvent.disableClickPropagation(element);
    L.DomEvent.disableScrollPropagation(element);
    panel.addTo(map);
  };

  cgis.title = function (map, options) {
    const data = cgis.data(options.data), text = cgis.text;
    const box = cgis.element("section", "cgis-panel cgis-title");
    const head = box.appendChild(cgis.element("div", "cgis-head"));
    head.appendChild(cgis.element("p", "cgis-study", data.study));
    if (data.badge) { head.appendChild(cgis.element("span", "cgis-badge", data.badge)); }
    box.appendChild(cgis.element("h1", "", data.title)).dir = "auto";
    box.appendChild(cgis.element("div", "cgis-choice"));
    const view = box.appendChild(cgis.element("div", "cgis-view"));
    if (data.notice) { box.appendChild(cgis.element("p", "cgis-notice", data.notice)); }
    if (data.masked && data.isMasked) { box.appendChild(cgis.element("p", "cgis-note", data.masked)); }
    const more = box.appendChild(foldable("cgis-sources", text("sources"), false));
    const list = more.appendChild(cgis.element("dl"));
    for (const source of data.sources) {
      const term = list.appendChild(cgis.element("dt", "", source.role));
      if (source.kind) { term.appendChild(cgis.element("span", source.isSchematic ? "cgis-kind is-schematic" : "cgis-kind", source.kind)); }
      list.appendChild(cgis.element("dd", "", source.line)).dir = "auto";
    }
    if (data.masked && !data.isMasked) { more.appendChild(cgis.element("p", "cgis-note", data.masked)); }
    box.appendChild(cgis.element("p", "cgis-foot", data.foot));
    cgis.control(map, "topleft", box);
    function show() {
      view.replaceChildren();
      const shown = map.cgisView;
      if (!shown) { return; }
      view.appendChild(cgis.element("p", "cgis-standard", shown.standard));
      if (shown.figure) {
        const figure = view.appendChild(cgis.element("p", "cgis-figure"));
        figure.appendChild(cgis.element("b", "", shown.figure.share));
        figure.appendChild(cgis.element("span", "", shown.figure.text));
      }
    }
    map.on("cgis:view", show);
    show();
    for (const line of data.attribution) { map.attributionControl.addAttribution(escapeHtml(line)); }
    if (map.cgisBounds) { cgis.fitBeside(map); }
  };

  // The list from which one view is chosen; with one view only, its name.
  cgis.choose = function (map, key, views) {
    const data = cgis.data(key), place = map.getContainer().querySelector(".cgis-choice");
    if (views.length === 1) {
      place.appendChild(cgis.element("p", "cgis-only", data.names[0][0]));
      return;
    }
    const label = place.appendChild(cgis.element("label", "", data.label));
    const select = label.appendChild(cgis.element("select"));
    const groups = new Map([["", select]]);
    data.names.forEach(([name, group], i) => {
      if (!groups.has(group)) {
        groups.set(group, select.appendChild(cgis.element("optgroup")));
        groups.get(group).label = group;
      }
      const option = groups.get(group).appendChild(cgis.element("option", "", name));
      option.value = i;
      option.selected = map.hasLayer(views[i]);
    });
    const tell = () => { label.dataset.chosen = select.selectedOptions[0].textContent; }; // on paper in place of the list
    tell();
    select.addEventListener("change", () => {
      tell();
      views.forEach((view) => view.remove());
      views[select.value].addTo(map);
    });
  };

  function escapeHtml(text) {
    return cgis.element("span", "", text).innerHTML;
  }

  cgis.layerControl = function (map, views, overlays, key, options) {
    const data = cgis.data(key), control = L.control.layers(views, overlays, options).addTo(map);
    const box = control.getContainer(), toggle = box.querySelector("a"), list = box.querySelector("section");
    toggle.title = data.layers;
    toggle.setAttribute("aria-label", data.layers);
    list.setAttribute("aria-label", data.layers);
    function head(under, text) {
      const group = list.querySelector(under);
      group.setAttribute("role", "group");
      group.setAttribute("aria-label", text);
      group.dataset.heading = text;
    }
    head(".leaflet-control-layers-base", data.ground);
    head(".leaflet-control-layers-overlays", data.layers);
    return control;
  };

  function symbol(item) {
    if (item.element) {
      item.element.setAttribute("width", item.size);
      item.element.setAttribute("height", item.size);
      const holder = cgis.element("span", "cgis-key");
      holder.appendChild(item.element);
      return holder;
    }
    const key = cgis.element("span", "cgis-key is-" + item.symbol), mark = key.appendChild(cgis.element("i"));
    if (item.symbol === "line") {
      mark.style.borderTop = item.width + "px " + (item.dash ? "dashed " : "solid ") + item.stroke;
    } else {
      mark.style.background = item.fill;
      mark.style.borderColor = item.stroke || (item.symbol === "dot" ? cgis.edge(item.fill) : "transparent");
      if (item.radius) { mark.style.width = mark.style.height = 2 * item.radius + "px"; }
    }
    return key;
  }

  function legendBlock(legend) {
    const block = legend.folded ? foldable("cgis-block", legend.title, false) : cgis.element("div", "cgis-block");
    if (!legend.folded) { block.appendChild(cgis.element("h2", "", legend.title)); }
    if (legend.note) { block.appendChild(cgis.element("p", "cgis-note", legend.note)); }
    let group = null, list = null;
    for (const item of legend.items) {
      if (!list || item.group !== group) {
        group = item.group;
        if (group) { block.appendChild(cgis.element("p", "cgis-group", cgis.text(group))); }
        list = block.appendChild(cgis.element("ul"));
      }
      const line = list.appendChild(cgis.element("li"));
      line.appendChild(symbol(item));
      line.appendChild(cgis.element("span", "", item.label));
    }
    return block;
  }

  cgis.legend = function (map) {
    const wide = isWide(map), isRoomy = wide && map.getSize().y >= 700;
    const box = foldable("cgis-panel cgis-legend", cgis.text("legend"), isRoomy);
    const body = box.appendChild(cgis.element("div", "cgis-legend-body"));
    cgis.control(map, wide ? "topleft" : "bottomleft", box);
    let waiting = false;
    function draw() {
      waiting = false;
      const legends = [];
      map.eachLayer((layer) => { if (layer.legend && !layer.isPart) { legends.push(layer.legend()); } });
      body.replaceChildren(...legends.filter(Boolean).sort((a, b) => a.order - b.order).map(legendBlock));
    }
    function later() {
      if (!waiting) { waiting = true; setTimeout(draw, 0); }
    }
    map.on("layeradd layerremove zoomend cgis:view", later);
    draw();
  };
})();

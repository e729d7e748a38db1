// Proposed sites: a star with the rank in it or in the colour of its class, and a card with what the site brings.
(function () {
  "use strict";

  const STAR = "M13 1L16.5 8.6L24.8 9.6L18.7 15.3L20.3 23.5L13 19.4L5.7 23.5L7.3 15.3L1.2 9.6L9.5 8.6Z", SIZE = 26;
  const SVG = "http://www.w3.org/2000/svg";

  cgis.star = function (rank, fill) {
    const svg = document.createElementNS(SVG, "svg"), path = document.createElementNS(SVG, "path");
    svg.setAttribute("viewBox", "0 0 26 26");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", STAR);
    path.setAttribute("class", "is-proposed");
    if (fill) { path.style.fill = fill; }
    svg.appendChild(path);
    if (rank) {
      const text = document.createElementNS(SVG, "text");
      text.setAttribute("x", "13");
      text.setAttribute("y", "17");
      text.textContent = String(rank);
      svg.appendChild(text);
    }
    return svg;
  };

  cgis.Sites = L.FeatureGroup.extend({
    initialize: function (options) {
      L.FeatureGroup.prototype.initialize.call(this);
      this._key = options.data;
    },
    onAdd: function (map) {
      if (!this._data) { this._fill(cgis.data(this._key)); }
      L.FeatureGroup.prototype.onAdd.call(this, map);
    },
    _fill: function (data) {
      this._data = data;
      const xy = cgis.unpackPoints(data.xy);
      data.names.forEach((name, i) => {
        const rank = data.ranks ? data.ranks[i] : 0, fill = data.classes && data.classes[data.cls[i]].fill;
        const icon = L.divIcon({ className: "cgis-site", html: cgis.star(rank, fill), iconSize: [SIZE, SIZE] });
        const marker = L.marker(cgis.latLng(xy[2 * i], xy[2 * i + 1]), { icon: icon, riseOnHover: true, zIndexOffset: 1000 });
        marker.bindPopup(() => cgis.card({ title: name, rows: data.rows[i] }), { minWidth: 270, maxWidth: 340, maxHeight: 420 });
        marker.bindTooltip(() => cgis.element("span", "", (rank ? rank + " · " : "") + name), { direction: "top", offset: [0, -SIZE / 2] });
        marker.on("add", () => marker.getElement().setAttribute("aria-label", name));
        this.addLayer(marker);
      });
    },
    legend: function () {
      const classes = this._data.classes || [{ label: this._data.label }];
      const items = classes.map((cls) => ({ element: cgis.star(0, cls.fill), size: 20, label: cls.label }));
      return { order: 0, title: this._data.title, note: this._data.note, items: items };
    },
  });
  cgis.sites = (options) => new cgis.Sites(options);
})();

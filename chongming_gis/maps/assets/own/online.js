// Online base maps: tiles over the drawn ground, below everything else. Nothing is asked of a network before one is on.
(function () {
  "use strict";

  // A service that asks for the address of the page (Referer) refuses files, which have none.
  const isFile = () => new URL(document.baseURI).protocol === "file:";

  cgis.Online = L.LayerGroup.extend({
    initialize: function (options) {
      L.LayerGroup.prototype.initialize.call(this);
      this._key = options.data;
    },
    onAdd: function (map) {
      this._data = cgis.data(this._key);
      const isRefused = this._data.needsSite && isFile();
      this._state = isRefused ? "needs_site" : "waiting";
      cgis.pane(map, "online");
      if (!isRefused && !this.getLayers().length) { this._fill(); }
      L.LayerGroup.prototype.onAdd.call(this, map);
    },
    _fill: function () {
      const data = this._data;
      for (const url of data.urls) {
        const tiles = L.tileLayer(url, {
          pane: "online", subdomains: data.servers, maxNativeZoom: data.deepest, attribution: data.credit,
          referrerPolicy: "strict-origin-when-cross-origin",
        });
        tiles.on("tileload", () => this._tell("shown"));
        tiles.on("tileerror", () => { if (this._state !== "shown") { this._tell("missing"); } });
        this.addLayer(tiles);
      }
    },
    _tell: function (state) {
      if (state === this._state) { return; }
      this._state = state;
      if (this._map) { this._map.fire("cgis:view"); }
    },
    legend: function () {
      const told = this._state === "shown" ? "" : cgis.text("online." + this._state);
      return { order: 7, title: this._data.title, note: [this._data.note, told].filter(Boolean).join(" "), items: [] };
    },
  });
  cgis.online = (options) => new cgis.Online(options);
})();

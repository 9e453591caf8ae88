/* A city of more devices than can be drawn one by one: the server gathers what lies in view, each cluster with its
   count and its worst state. Asked for again when the view moves, when alerts change, and now and then. */
(function (cw) {
  "use strict";

  const AGAIN = 15000; // ms after which how fresh devices are is asked for again
  const AROUND = 0.3; // of the view on each side: what a short pan brings is there already
  const clusters = {};
  cw.clusters = clusters;

  let shown = null; // {source_id, domain} of the map that is shown, null where devices are drawn one by one
  let leaflet = null;
  let answer = null;
  let asking = false;
  let once_more = false;

  clusters.on = () => shown !== null && cw.exists("map");

  function box() {
    const around = leaflet.getBounds().pad(AROUND);
    const within = (value, most) => Math.max(-most, Math.min(most, value)).toFixed(5);
    return [
      within(around.getWest(), 180), within(around.getSouth(), 90), within(around.getEast(), 180), within(around.getNorth(), 90),
    ].join(",");
  }

  async function ask() {
    if (!clusters.on() || !leaflet) return;
    if (asking) {
      once_more = true;
      return;
    }
    asking = true;
    const place = shown;
    const query = new URLSearchParams({ source_id: shown.source_id, bbox: box(), zoom: Math.max(0, Math.min(22, Math.floor(leaflet.getZoom()))) });
    if (shown.domain) query.set("domain", shown.domain);
    const selected = cw.map.selected();
    if (selected) query.set("device_id", selected);
    if (cw.map.shownAt()) query.set("at", cw.map.shownAt().toISOString());
    try {
      const response = await fetch("/api/v1/device-clusters?" + query.toString());
      // Where the server is away, what is on screen stays: the header says how old it is.
      if (response.ok && place === shown) {
        answer = await response.json();
        draw();
      }
    } catch (_error) {
      // As above; the connection's own state tells.
    } finally {
      asking = false;
      if (once_more) {
        once_more = false;
        ask();
      }
    }
  }

  function feature(item, properties) {
    return {
      type: "Feature",
      geometry: { type: "Point", coordinates: [item.longitude, item.latitude] },
      properties: properties,
    };
  }

  // One device looks as it does where devices are drawn one by one: a grey dot if nothing is the matter.
  function single(item, selected) {
    const late = item.freshness ? ["silent", "stale"].find((name) => item.freshness[name]) : null;
    const state = cw.words(item.worst_severity || late || "fresh", {});
    const id = item.device.device_id;
    return {
      device_id: id,
      name: item.device.name,
      severity: item.worst_severity,
      waits: item.waiting,
      selected: id === selected,
      calm: !item.worst_severity && !late && id !== selected,
      late: late ? 1 : 0,
      alerting: item.alerting,
      title: `${item.device.name || id}: ${state}`,
    };
  }

  function several(item) {
    const late = item.freshness ? item.freshness.silent + item.freshness.stale : 0;
    const [west, south, east, north] = item.extent;
    return {
      count: item.count,
      severity: item.worst_severity,
      waits: item.waiting,
      late: late,
      alerting: item.alerting,
      bounds: [[south, west], [north, east]],
    };
  }

  function draw() {
    const selected = cw.map.selected();
    const dots = [], marks = [];
    for (const item of answer.items) {
      const properties = item.device ? single(item, selected) : several(item);
      (properties.calm ? dots : marks).push(feature(item, properties));
    }
    cw.set("map-normal", { data: { type: "FeatureCollection", features: dots } });
    cw.set("map-abnormal", { data: { type: "FeatureCollection", features: cw.map.apart(marks) } });
  }

  clusters.ask = cw.gather(ask, 60);

  // The map itself is known from the first mark that is made on it.
  clusters.watch = function (found) {
    leaflet = found;
    leaflet.on("moveend", clusters.ask);
    clusters.ask();
  };

  // Called with what the page brings: the city as a whole, so that something is on screen before anything is asked.
  clusters.begin = function (gathered) {
    shown = gathered;
    leaflet = null;
    answer = gathered ? gathered.first : null;
    if (gathered) draw();
  };

  setInterval(function () {
    if (document.visibilityState === "visible") clusters.ask();
  }, AGAIN);
})(window.citywatch);

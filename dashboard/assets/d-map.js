/* The map: districts as ground, every device as a grey dot on one canvas, and above it, in shape and colour, only
   what is not normal. The lists, the panel and the map are one selection: `device` in the address. */
(function (cw) {
  "use strict";

  const RANK = { CRITICAL: 4, HIGH: 3, MEDIUM: 2, LOW: 1 };
  const OUTLINES = {
    CRITICAL: "M7.5 2h9L22 7.5v9L16.5 22h-9L2 16.5v-9z",
    HIGH: "M12 2.5L22.5 21.5h-21z",
    MEDIUM: "M12 1.5L22.5 12L12 22.5L1.5 12z",
    LOW: "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0 -18",
  };
  const devices = new Map(); // device_id -> {name, domain, latitude, longitude, freshness, alerts: Map(id -> severity)}

  const map = { devices: devices };
  cw.map = map;

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  // Districts are an outline with a faint ground: roads, water and parks of the base map shine through.
  map.districtStyle = function () {
    return { color: colour("--map-line"), weight: 1.2, fillColor: colour("--map-land"), fillOpacity: 0.45 };
  };

  const AREAS = { city: "--map-land", water: "--map-water", park: "--map-park" };
  const ROADS = { motorway: 4, arterial: 2.6, street: 1.1 };

  map.baseStyle = function (feature) {
    const kind = feature.properties.kind;
    if (kind in AREAS) return { stroke: false, fillColor: colour(AREAS[kind]), fillOpacity: 1 };
    return { color: colour("--map-road"), weight: ROADS[kind] || 1.5, opacity: 1, fill: false };
  };

  // The map library takes words for markup: names are given to it as text in an element.
  function nameLayer(layer, name, options) {
    const element = document.createElement("span");
    element.textContent = name;
    layer.bindTooltip(element, options);
  }

  map.nameDistrict = function (feature, layer) {
    nameLayer(layer, feature.properties.name, { permanent: true, direction: "center", className: "district-label" });
  };

  // The collection plan: a line per truck with its stops; what is left out is an open ring, the depot a dark dot.
  map.routeStyle = function (feature) {
    const p = feature.properties;
    return p.kind === "route" ? { color: p.colour, weight: 3, dashArray: p.dashes, fill: false } : {};
  };

  map.stopPoint = function (feature, latlng) {
    const p = feature.properties;
    const look =
      p.kind === "left-out"
        ? { radius: 7, color: colour("--high"), weight: 2.5, dashArray: "3 3", fillColor: colour("--surface") }
        : p.kind === "depot"
          ? { radius: 8, color: colour("--surface"), weight: 2, fillColor: colour("--text") }
          : { radius: 5.5, color: colour("--surface"), weight: 1.5, fillColor: p.colour };
    return window.L.circleMarker(latlng, { ...look, fillOpacity: 1 });
  };

  map.nameStop = function (feature, layer) {
    if (feature.properties.name) nameLayer(layer, feature.properties.name);
  };

  map.normalPoint = function (feature, latlng, context) {
    watchZoom(context && context.map);
    return window.L.circleMarker(latlng, {
      radius: 4.5,
      color: colour("--surface"),
      weight: 1.2,
      fillColor: colour("--line-strong"),
      fillOpacity: 1,
    });
  };

  map.nameDevice = function (feature, layer) {
    nameLayer(layer, feature.properties.name || feature.properties.device_id);
  };

  map.abnormalPoint = function (feature, latlng, context) {
    watchZoom(context && context.map);
    const p = feature.properties;
    if (p.count) return clusterPoint(p, latlng);
    const size = p.severity && RANK[p.severity] > 2 ? 22 : 18;
    const drawn = p.severity
      ? `<path class="halo" d="${OUTLINES[p.severity]}"/><path d="${OUTLINES[p.severity]}" ` +
        `fill="${p.waits ? "currentColor" : "var(--surface)"}" stroke="currentColor" stroke-width="3" stroke-linejoin="round"/>`
      : '<circle cx="12" cy="12" r="8.5" fill="var(--surface)" stroke="var(--text-soft)" stroke-width="3" stroke-dasharray="4 3"/>';
    const ring = p.selected
      ? '<circle cx="12" cy="12" r="16" fill="none" stroke="var(--accent)" stroke-width="3"/>'
      : "";
    const icon = window.L.divIcon({
      className: "marker " + (p.severity ? "severity-" + p.severity.toLowerCase() : ""),
      // The mark may be smaller than what a finger or a pointer has to hit (WCAG 2.5.8).
      iconSize: [24, 24],
      html: `<svg viewBox="0 0 24 24" width="${size}" height="${size}" overflow="visible">${ring}${drawn}</svg>`,
    });
    return window.L.marker(latlng, {
      icon: icon,
      title: p.title,
      alt: p.title,
      keyboard: true,
      zIndexOffset: p.selected ? 9000 : (RANK[p.severity] || 0) * 1000,
    });
  };

  // What would overlap is gathered: a cluster carries its count and its worst state. Marks that lie upon each other
  // can be neither told apart nor hit.
  const APART = { x: 48, y: 28 }; // px, a cluster's own size and a little
  let leaflet = null;

  function watchZoom(found) {
    if (!found || found === leaflet) return;
    leaflet = found;
    if (cw.clusters.on()) return cw.clusters.watch(found);
    leaflet.on("zoomend", draw);
    // What was drawn before the map was known lies ungathered.
    draw();
  }

  function clusterPoint(p, latlng) {
    const shape = p.severity ? OUTLINES[p.severity] : "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0 -18";
    const sign = p.severity || p.late ? `<svg viewBox="0 0 24 24" width="16" height="16"><path d="${shape}" fill="currentColor"/></svg>` : "";
    const width = 30 + (sign ? 16 : 0) + 7 * Math.max(0, String(p.count).length - 2);
    const icon = window.L.divIcon({
      className: "marker cluster " + (sign ? "" : "calm ") + (p.selected ? "selected " : "") + (p.severity ? "severity-" + p.severity.toLowerCase() : ""),
      iconSize: [width, 26],
      html: `${sign}<b>${cw.number(p.count, 0)}</b>`,
    });
    const rank = (RANK[p.severity] || 0) * 1000 + 500;
    return window.L.marker(latlng, { icon: icon, title: p.title, alt: p.title, keyboard: true, zIndexOffset: rank });
  }

  function rank(feature) {
    const p = feature.properties;
    return (p.selected ? 10 : 0) + (RANK[p.severity] || 0) + (p.late ? 0.5 : 0);
  }

  // One cluster of marks, of which some may be clusters already. The worst stands first.
  function joined(members) {
    const sum = (value) => members.reduce((total, one) => total + value(one.properties), 0);
    const first = members[0].properties;
    const severity = first.severity || members.map((one) => one.properties.severity).find(Boolean) || null;
    const count = sum((p) => p.count || 1);
    const late = sum((p) => p.late || 0);
    const words = cw.clusters.on()
      ? cw.words("clusterOfMany", { n: count, alerting: sum((p) => p.alerting), late: late })
      : cw.words("cluster", { n: count, state: cw.words(severity || "stale", {}) });
    const corners = (one) => one.properties.bounds || [[one.geometry.coordinates[1], one.geometry.coordinates[0]]];
    return {
      type: "Feature",
      geometry: members[0].geometry,
      properties: {
        count: count,
        severity: severity,
        late: late,
        selected: first.selected,
        title: words,
        bounds: members.flatMap(corners),
      },
    };
  }

  map.apart = function (features) {
    const zoom = leaflet ? leaflet.getZoom() : undefined;
    const groups = [];
    for (const feature of [...features].sort((a, b) => rank(b) - rank(a))) {
      const [longitude, latitude] = feature.geometry.coordinates;
      if (zoom === undefined || zoom >= leaflet.getMaxZoom()) {
        groups.push({ members: [feature] });
        continue;
      }
      const at = leaflet.project([latitude, longitude], zoom);
      const near = groups.find((one) => Math.abs(one.at.x - at.x) < APART.x && Math.abs(one.at.y - at.y) < APART.y);
      if (near) near.members.push(feature);
      else groups.push({ at: at, members: [feature] });
    }
    return groups.map(({ members }) => (members.length > 1 || members[0].properties.count ? joined(members) : members[0]));
  };

  map.select = function (event) {
    const feature = event.layer && event.layer.feature;
    if (!feature) return;
    if (feature.properties.count) {
      leaflet.fitBounds(feature.properties.bounds, { padding: [60, 60], maxZoom: leaflet.getZoom() + 3 });
      return;
    }
    const search = new URLSearchParams(location.search);
    search.delete("alert");
    search.set("device", feature.properties.device_id);
    cw.set("url", { search: "?" + search.toString() });
  };

  // The moment that is shown: null is now, else an instant of the last day.
  let shownAt = null;

  function stood(alert) {
    if (shownAt === null) return alert.open;
    return alert.raised <= shownAt && (alert.cleared === null || alert.cleared > shownAt);
  }

  function worst(device) {
    let found = null;
    for (const alert of device.alerts.values())
      if (stood(alert) && (found === null || RANK[alert.severity] > RANK[found.severity] || (alert.severity === found.severity && alert.waits)))
        found = alert;
    return found;
  }

  map.selected = () => new URLSearchParams(location.search).get("device");
  map.shownAt = () => shownAt;

  const draw = cw.gather(function () {
    if (!cw.exists("map")) return;
    if (cw.clusters.on()) return cw.clusters.ask();
    const features = [];
    const selected = map.selected();
    for (const [id, device] of devices) {
      const alert = worst(device);
      // How fresh a device was then is not kept: replayed are alerts.
      const late = shownAt === null && (device.freshness === "stale" || device.freshness === "silent");
      if (device.latitude === null || (!alert && !late && id !== selected)) continue;
      const state = alert ? cw.words(alert.severity, {}) : cw.words(device.freshness, {});
      features.push({
        type: "Feature",
        geometry: { type: "Point", coordinates: [device.longitude, device.latitude] },
        properties: {
          device_id: id,
          severity: alert ? alert.severity : null,
          waits: alert ? alert.waits : false,
          late: late ? 1 : 0,
          selected: id === selected,
          title: `${device.name || id}: ${state}`,
        },
      });
    }
    cw.set("map-abnormal", { data: { type: "FeatureCollection", features: map.apart(features) } });
  }, 60);
  map.draw = draw;

  const UNANSWERED = ["unacknowledged", "returned_unacknowledged", "latched_unacknowledged"];

  map.alerts = function (alerts) {
    // Where devices are gathered none is known here, and the server says how they are.
    for (const alert of alerts) {
      const device = devices.get(alert.device_id);
      if (!device) continue;
      device.alerts.set(alert.alert_id, {
        severity: alert.severity,
        waits: UNANSWERED.includes(alert.state),
        open: alert.open,
        raised: new Date(alert.raised_at),
        cleared: alert.cleared_at ? new Date(alert.cleared_at) : null,
      });
    }
    draw();
  };

  map.latest = function (newest) {
    let changed = false;
    for (const [id, at] of newest) {
      const device = devices.get(id);
      if (!device) continue;
      device.last = new Date(at);
      if (device.freshness !== "fresh") {
        device.freshness = "fresh";
        changed = true;
      }
    }
    if (changed) draw();
  };

  // Nobody sends a message when nothing arrives: the browser itself notices that a device has gone quiet.
  function grow() {
    if (!cw.exists("map") || !devices.size) return;
    const now = cw.now();
    let changed = false;
    for (const device of devices.values()) {
      if (!device.last) continue;
      const intervals = (now - device.last) / 1000 / device.interval;
      const freshness = intervals <= 3 ? "fresh" : intervals <= 12 ? "stale" : "silent";
      if (freshness !== device.freshness) {
        device.freshness = freshness;
        changed = true;
      }
    }
    if (changed) draw();
  }
  setInterval(grow, 5000);

  // Called when the page brings its devices: [id, name, domain, latitude, longitude, freshness, last time, interval].
  map.load = function (data) {
    devices.clear();
    shownAt = null;
    cw.clusters.begin((data && data.gathered) || null);
    if (!data || data.gathered) return window.dash_clientside.no_update;
    for (const [id, name, domain, latitude, longitude, freshness, last, interval] of data.devices)
      devices.set(id, {
        name: name,
        domain: domain,
        latitude: latitude,
        longitude: longitude,
        freshness: freshness,
        last: last ? new Date(last) : null,
        interval: interval,
        alerts: new Map(),
      });
    map.alerts(data.alerts);
    draw();
    const features = [];
    for (const [id, device] of devices)
      if (device.latitude !== null)
        features.push({
          type: "Feature",
          geometry: { type: "Point", coordinates: [device.longitude, device.latitude] },
          properties: { device_id: id, name: device.name },
        });
    return { type: "FeatureCollection", features: features };
  };

  let playing = null;

  function replayTo(minutes) {
    shownAt = minutes === 0 ? null : new Date(cw.now().getTime() + minutes * 60000);
    const words = shownAt === null ? cw.words("now", {}) : cw.instant(shownAt, false);
    document.getElementById("replay-at").textContent = words;
    document.getElementById("replay").setAttribute("aria-valuetext", words);
    draw();
  }

  function stopPlaying() {
    clearInterval(playing);
    playing = null;
    const button = document.querySelector('[data-replay="play"]');
    if (!button) return;
    button.textContent = cw.words("play", {});
    button.setAttribute("aria-pressed", "false");
  }

  document.addEventListener("input", function (event) {
    if (event.target.id === "replay") replayTo(Number(event.target.value));
  });

  document.addEventListener("click", function (event) {
    const button = event.target.closest('[data-replay="play"]');
    if (!button) return;
    if (playing) return stopPlaying();
    const slider = document.getElementById("replay");
    if (Number(slider.value) === 0) slider.value = slider.min;
    button.textContent = cw.words("pause", {});
    button.setAttribute("aria-pressed", "true");
    playing = setInterval(function () {
      const at = document.getElementById("replay");
      if (!at || Number(at.value) === 0) return stopPlaying();
      at.value = Number(at.value) + Number(at.step);
      replayTo(Number(at.value));
    }, 100);
  });

  // Canvas does not follow CSS: a change of theme restyles the ground and the dots.
  new MutationObserver(function () {
    const above = { map: "map-normal", "plan-map": "map-routes" };
    const shown = Object.keys(above).find((id) => cw.exists(id));
    if (!shown) return;
    for (const id of ["map-base", "map-districts", above[shown]]) cw.set(id, { hideout: { restyled: Date.now() } });
  }).observe(document.documentElement, { attributes: true, attributeFilter: ["data-mantine-color-scheme"] });
})(window.citywatch);

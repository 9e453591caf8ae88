/* Adding devices: a place by a click on the map, and a list from a file. */
(function (cw) {
  "use strict";

  const field = (name) => document.querySelector(`#device-form [name="${name}"]`);
  const STEP = 5; // decimals of a degree: about a metre

  function showPlace(latitude, longitude) {
    const known = Number.isFinite(latitude) && Number.isFinite(longitude);
    const point = { type: "Feature", properties: {}, geometry: { type: "Point", coordinates: [longitude, latitude] } };
    cw.set("new-place", { data: { type: "FeatureCollection", features: known ? [point] : [] } });
  }

  cw.map.chosenPoint = function (_feature, latlng) {
    const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    return window.L.circleMarker(latlng, {
      radius: 8,
      color: colour("--surface"),
      weight: 2,
      fillColor: colour("--accent"),
      fillOpacity: 1,
    });
  };

  cw.map.choosePlace = function (event) {
    const at = event.latlng.wrap();
    field("latitude").value = at.lat.toFixed(STEP);
    field("longitude").value = at.lng.toFixed(STEP);
    showPlace(at.lat, at.lng);
  };

  document.addEventListener("change", function (event) {
    if (!event.target.closest("#device-form") || !["latitude", "longitude"].includes(event.target.name)) return;
    showPlace(field("latitude").valueAsNumber, field("longitude").valueAsNumber);
  });

  document.addEventListener("submit", async function (event) {
    const form = event.target.closest("[data-list-form]");
    if (!form) return;
    event.preventDefault();
    const dryRun = event.submitter?.value !== "import";
    const text = await form.elements.list.files[0].text();
    cw.act({ action: "device-list", csv: text, dry_run: dryRun });
  });

  function showReport(report) {
    const place = document.getElementById("list-report");
    if (!place) return;
    const words = document.createElement("p");
    words.textContent = report.words;
    const faults = document.createElement("ul");
    for (const fault of report.faults) {
      const item = document.createElement("li");
      item.textContent = fault;
      faults.append(item);
    }
    place.replaceChildren(words, ...(report.faults.length ? [faults] : []));
  }

  cw.deviceDone = function (result) {
    if (result.list) showReport(result.list);
  };
})(window.citywatch);

/* Adding devices: a place by a click on the map, a list from a file, and a password that is shown once. */
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

  function showAccount(account) {
    const dialog = document.getElementById("dialog-secret");
    const fields = { ...account, topic: `city/v1/devices/${account.device_id}/telemetry` };
    const names = ["username", "password", "topic"];
    for (const name of names) document.getElementById(`secret-${name}`).value = fields[name];
    dialog.addEventListener(
      "close",
      function () {
        for (const name of names) document.getElementById(`secret-${name}`).value = "";
        // Nor does the page keep it.
        cw.set("act-result", { data: null });
      },
      { once: true },
    );
    dialog.showModal();
    document.getElementById("secret-password").select();
  }

  cw.deviceDone = function (result) {
    if (result.list) showReport(result.list);
    if (result.account) showAccount(result.account);
  };
})(window.citywatch);

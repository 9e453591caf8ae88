/* What every script here shares: numbers and instants as the reader's browser writes them, and words from the page. */
window.citywatch = window.citywatch || {};

(function (cw) {
  "use strict";

  cw.number = function (value, digits) {
    if (value === null || value === undefined || Number.isNaN(value)) return "–";
    const rounded = Number(Number(value).toFixed(digits)) + 0;
    const [whole, part] = Math.abs(rounded).toFixed(digits).split(".");
    const grouped = whole.replace(/\B(?=(\d{3})+$)/g, cw.words("group", {}));
    return (rounded < 0 ? "−" : "") + grouped + (part ? cw.words("decimal", {}) + part : "");
  };

  cw.age = function (at, now) {
    const seconds = Math.max(0, Math.round((now - at) / 1000));
    if (seconds < 60) return cw.words("ageSeconds", { n: seconds });
    const minutes = Math.floor(seconds / 60);
    if (minutes < 60) return cw.words("ageMinutes", { n: minutes });
    const hours = Math.floor(minutes / 60);
    if (hours < 48) return cw.words("ageHours", { n: hours });
    return cw.words("ageDays", { n: Math.floor(hours / 24) });
  };

  cw.clock = function (at) {
    return at.toLocaleTimeString(cw.words("locale", {}), { hour12: false });
  };

  const writers = new Map();
  cw.instant = function (at, seconds) {
    if (!writers.has(seconds)) {
      const parts = { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" };
      if (seconds) parts.second = "2-digit";
      writers.set(seconds, new Intl.DateTimeFormat(cw.words("locale", {}), { ...parts, hourCycle: "h23" }));
    }
    return writers.get(seconds).format(at);
  };

  // An instant as the charts take it: without an offset, in the reader's zone.
  cw.local = function (at) {
    return new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 23);
  };

  // The catalogue of the few sentences that are made in the browser comes with the page, in its language.
  let catalogue = null;
  cw.words = function (key, parameters) {
    if (catalogue === null) {
      const element = document.getElementById("words");
      if (!element) return "";
      catalogue = JSON.parse(element.textContent);
    }
    return (catalogue[key] || key).replace(/\{(\w+)\}/g, (_, name) => parameters[name]);
  };

  // The page's own now: the wall clock, or the clock of the replay that is shown.
  cw.now = function () {
    const main = document.querySelector("[data-source-now]");
    const fixed = main && main.dataset.sourceNow;
    return fixed ? new Date(fixed) : new Date();
  };

  cw.writeTimes = function () {
    const now = cw.now();
    for (const element of document.querySelectorAll("time.age")) {
      const at = element.dataset.at;
      const words = at ? cw.age(new Date(at), now) : cw.words("never", {});
      if (element.textContent !== words) element.textContent = words;
      if (at && element.dateTime !== at) {
        element.dateTime = at;
        element.title = cw.instant(new Date(at), true);
      }
    }
    for (const element of document.querySelectorAll("time.instant")) {
      if (element.textContent === "")
        element.textContent = cw.instant(new Date(element.dataset.at), element.dataset.seconds === "1");
    }
  };

  cw.writeValues = function () {
    for (const element of document.querySelectorAll(".live-value")) {
      const value = element.dataset.value;
      const words = cw.number(value === "" ? null : Number(value), Number(element.dataset.digits));
      if (element.textContent !== words) element.textContent = words;
    }
    for (const element of document.querySelectorAll(".live-quality")) {
      const quality = element.dataset.quality;
      // A good one needs no words.
      const words = quality === "" || quality === "1" ? "" : cw.words("quality" + quality, {});
      if (element.textContent !== words) element.textContent = words;
    }
  };

  cw.set = function (id, props) {
    window.dash_clientside.set_props(id, props);
  };

  cw.exists = function (id) {
    return document.getElementById(id) !== null;
  };

  // Call `act` once at the end of a burst of calls, at the latest after `wait` milliseconds.
  cw.gather = function (act, wait) {
    let due = null;
    return function () {
      if (due === null)
        due = setTimeout(function () {
          due = null;
          act();
        }, wait);
    };
  };
})(window.citywatch);

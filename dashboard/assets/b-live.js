/* The live feed: one WebSocket, straight to what is on screen. No polling.
   Charts, lists and map layers get new props; single numbers are leaves found by `data-stream` and `data-figure`. */
(function (cw) {
  "use strict";

  const SILENCE = 20000; // ms without a word from the server after which the connection is taken for dead
  const LONGEST_WAIT = 10000;
  const CHARTS_AFTER = 1000; // ms after the page is live

  const live = { socket: null, attempt: 0, heard: 0, dataAt: null, timer: null, seq: 0, began: Date.now() };
  cw.live = live;

  function show(state) {
    const at = live.dataAt ? cw.clock(live.dataAt) : null;
    const words =
      state === "live"
        ? cw.words("live", {})
        : at
          ? cw.words(state + "At", { at: at })
          : cw.words(state, {});
    const element = document.getElementById("connection");
    if (!element || (element.dataset.state === state && element.textContent === words)) return;
    cw.set("connection", { children: words, "data-state": state });
  }

  function connect() {
    live.timer = null;
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/api/v1/live`);
    live.socket = socket;
    socket.onopen = function () {
      live.heard = Date.now();
      const asked = { subscribe: { views: ["summary", "alerts", "latest"] } };
      if (live.seq) asked.resume = live.seq;
      socket.send(JSON.stringify(asked));
    };
    socket.onmessage = function (event) {
      live.heard = Date.now();
      if (!live.dataAt) setTimeout(cw.fetchCharts, CHARTS_AFTER);
      live.dataAt = new Date();
      const message = JSON.parse(event.data);
      const first = live.seq === 0;
      if (message.seq) live.seq = message.seq;
      show("live");
      if (message.type === "delta") apply(message);
      // The page was read before the subscription stood: what came in between is caught up with.
      if (message.type === "subscribed" && first) cw.alertsChanged();
      // Something was missed that the server does not repeat: the page asks for its present again.
      if (message.type === "resync" && Date.now() - live.began > 3000) cw.refresh();
      live.attempt = 0;
    };
    socket.onclose = function () {
      if (live.socket !== socket) return;
      live.socket = null;
      show(navigator.onLine ? "reconnecting" : "offline");
      const wait = Math.min(LONGEST_WAIT, 300 * 2 ** live.attempt) * (0.7 + 0.6 * Math.random());
      live.attempt += 1;
      live.timer = setTimeout(connect, wait);
    };
  }

  // A connection can die without a word: then the page must not go on looking live.
  function watch() {
    const connected = live.socket && live.socket.readyState === WebSocket.OPEN;
    if (connected && Date.now() - live.heard > SILENCE) live.socket.close();
    else if (connected) renew();
    cw.writeTimes();
  }

  // Sums, orders, levels and what has fallen silent come with no message: the page asks for them while somebody sees it.
  let renewed = Date.now();
  function renew() {
    const part = document.querySelector("[data-renew]");
    if (!part || document.hidden || Date.now() - renewed < 1000 * part.dataset.renew) return;
    renewed = Date.now();
    cw.set("renewal", { data: renewed });
  }

  cw.refresh = cw.gather(function () {
    cw.set("refresh", { data: Date.now() });
  }, 200);

  function apply(message) {
    if (message.summary) applySummary(message.summary);
    if (message.alerts && message.alerts.length) applyAlerts(message.alerts);
    if (message.latest && message.latest.length) applyLatest(message.latest);
  }

  function applySummary(summary) {
    const values = new Map(summary.figures.map((figure) => [figure.name, figure.value]));
    for (const element of document.querySelectorAll("[data-figure]")) {
      if (!values.has(element.dataset.figure)) continue;
      const words = cw.number(values.get(element.dataset.figure), Number(element.dataset.digits));
      if (element.textContent !== words) element.textContent = words;
    }
    const open = Object.values(summary.open_alerts).reduce((sum, n) => sum + n, 0);
    if (cw.exists("open-alerts")) cw.set("open-alerts", { children: open ? String(open) : "" });
  }

  cw.alertsChanged = cw.gather(function () {
    cw.set("alerts-changed", { data: Date.now() });
  }, 120);

  function applyAlerts(alerts) {
    cw.alertsChanged();
    if (cw.map) cw.map.alerts(alerts);
    const urgent = alerts.filter((alert) => alert.state === "unacknowledged");
    for (const [id, severe] of [["announce-urgent", true], ["announce", false]]) {
      const chosen = urgent.filter((alert) => ["CRITICAL", "HIGH"].includes(alert.severity) === severe);
      if (chosen.length) cw.set(id, { children: chosen.map((alert) => alert.text).join(". ") });
    }
  }

  // As the server has it: what failed its checks fills no bar and is no point of a curve.
  const usable = (row) => row.result !== null && [1, 2, 3].includes(row.quality);

  function applyLatest(latest) {
    const byStream = new Map(latest.map((row) => [row.datastream_id, row]));
    for (const element of document.querySelectorAll("[data-stream]")) {
      const row = byStream.get(Number(element.dataset.stream));
      if (!row) continue;
      if (element.classList.contains("live-value")) element.dataset.value = row.result === null ? "" : row.result;
      else if (element.classList.contains("live-quality")) element.dataset.quality = row.quality === null ? "" : row.quality;
      else element.style.width = usable(row) ? Math.max(0, Math.min(100, row.result)) + "%" : "0%";
    }
    cw.writeValues();
    // When a device was heard is told by what it measured: values are derived also while it is silent.
    const newest = new Map();
    for (const row of latest) {
      if (row.derived) continue;
      const before = newest.get(row.device_id);
      if (row.phenomenon_time && (!before || row.phenomenon_time > before)) newest.set(row.device_id, row.phenomenon_time);
    }
    for (const element of document.querySelectorAll("time[data-device]")) {
      const at = newest.get(element.dataset.device);
      if (at && at > element.dataset.at) element.dataset.at = at;
    }
    cw.writeTimes();
    if (cw.map) cw.map.latest(newest);
    extendCharts(byStream);
  }

  // A trace says by `meta.datastream` whose readings it draws, by `meta.keep` how many points it holds, and by
  // `meta.raw` that they are readings: one that failed its checks breaks their line, and is left out of any other.
  function extendCharts(byStream) {
    for (const plot of document.querySelectorAll(".dash-graph .js-plotly-plot")) {
      const x = [], y = [], traces = [];
      let keep = 0;
      (plot.data || []).forEach(function (trace, index) {
        const meta = trace.meta;
        const row = meta && byStream.get(meta.datastream);
        if (!row || !row.phenomenon_time) return;
        const failed = !usable(row);
        if (failed && !meta.raw) return;
        const at = cw.local(new Date(row.phenomenon_time));
        const shown = trace.x && trace.x.length ? trace.x[trace.x.length - 1] : "";
        if (shown >= at) return;
        x.push([at]);
        y.push([failed ? null : row.result]);
        traces.push(index);
        keep = Math.max(keep, meta.keep);
      });
      // Lines and their tips keep different numbers of points: told apart by `keep`.
      if (!traces.length) continue;
      const graph = plot.closest(".dash-graph");
      const id = graph.id.startsWith("{") ? JSON.parse(graph.id) : graph.id;
      cw.set(id, { extendData: [{ x: x, y: y }, traces, keep] });
      moveWindow(plot, x[0][0]);
    }
  }

  // The window over time keeps its width and goes along when readings pass its right edge.
  function moveWindow(plot, at) {
    const range = plot.layout.xaxis.range;
    if (!range || plot.layout.xaxis.autorange) return;
    const passed = new Date(at) - new Date(range[1]);
    if (!(passed > 0)) return;
    const width = new Date(range[1]) - new Date(range[0]);
    const right = new Date(at).getTime() + width / 50;
    window.Plotly.relayout(plot, { "xaxis.range": [cw.local(new Date(right - width)), cw.local(new Date(right))] });
  }

  cw.startLive = function () {
    connect();
    setInterval(watch, 1000);
    window.addEventListener("online", function () {
      if (live.timer !== null) {
        clearTimeout(live.timer);
        connect();
      }
    });
  };
})(window.citywatch);

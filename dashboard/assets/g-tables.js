/* The data of every chart as a table, made when somebody asks for it; tables as CSV; printing. */
(function (cw) {
  "use strict";

  const MOST_ROWS = 500;

  function cell(tag, words, right) {
    const made = document.createElement(tag);
    made.textContent = words;
    if (right) made.className = "right";
    if (tag === "th") made.scope = "col";
    return made;
  }

  // Many curves may be drawn as one: it says how many of its points are whose.
  function namesOf(trace, points) {
    const parts = trace.meta && trace.meta.parts;
    if (!parts) return new Array(points).fill(trace.name || "");
    return parts.flatMap(([name, count]) => new Array(count).fill(name));
  }

  function rowsOf(plot) {
    const rows = [];
    for (const trace of plot.data) {
      if (trace.type === "heatmap") {
        trace.y.forEach((name, i) =>
          trace.x.forEach((at, j) => {
            if (trace.z[i][j] !== null) rows.push([String(at), name, trace.customdata ? trace.customdata[i][j] : trace.z[i][j]]);
          }),
        );
        continue;
      }
      const xs = trace.x || [];
      const names = namesOf(trace, xs.length);
      for (let i = 0; i < xs.length; i += 1)
        if (trace.y[i] !== null && trace.y[i] !== undefined) rows.push([String(xs[i]), names[i], trace.y[i]]);
    }
    return rows.sort((a, b) => (a[0] < b[0] ? 1 : a[0] > b[0] ? -1 : 0)).slice(0, MOST_ROWS);
  }

  function makeTable(plot, label) {
    const table = document.createElement("table");
    table.className = "data";
    const caption = document.createElement("caption");
    caption.className = "unseen";
    caption.textContent = label;
    const head = document.createElement("tr");
    head.append(cell("th", cw.words("time", {})), cell("th", cw.words("series", {})), cell("th", cw.words("value", {}), true));
    const top = document.createElement("thead");
    top.append(head);
    const body = document.createElement("tbody");
    for (const [at, name, value] of rowsOf(plot)) {
      const row = document.createElement("tr");
      const shown = typeof value === "number" ? cw.number(value, Math.abs(value) < 10 ? 2 : 1) : value;
      row.append(cell("td", at.slice(0, 19).replace("T", " ")), cell("td", name), cell("td", shown, true));
      body.append(row);
    }
    table.append(caption, top, body);
    return table;
  }

  document.addEventListener(
    "toggle",
    function (event) {
      const details = event.target;
      if (!details.matches || !details.matches("details[data-chart-table]")) return;
      const place = details.querySelector(".scroll");
      place.replaceChildren();
      if (!details.open) return;
      const chart = details.previousElementSibling;
      place.append(makeTable(chart.querySelector(".js-plotly-plot"), chart.getAttribute("aria-label")));
    },
    true,
  );

  function csv(table) {
    const quoted = (words) => '"' + words.replace(/"/g, '""').trim() + '"';
    const lines = [...table.rows].map((row) => [...row.cells].map((one) => quoted(one.textContent)).join(","));
    return "\ufeff" + lines.join("\r\n") + "\r\n";
  }

  document.addEventListener("click", function (event) {
    if (event.target.closest("[data-print]")) window.print();
    const button = event.target.closest("[data-csv]");
    if (!button) return;
    const table = document.querySelector(`[data-table="${button.dataset.csv}"] table`);
    if (!table) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csv(table)], { type: "text/csv" }));
    link.download = button.dataset.csv + ".csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });

  // The wall's clock; it shows that the page is alive.
  setInterval(function () {
    for (const clock of document.querySelectorAll(".wall-clock")) {
      const words = cw.clock(cw.now());
      if (clock.textContent !== words) clock.textContent = words;
    }
  }, 1000);
})(window.citywatch);

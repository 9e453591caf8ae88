/* The frame's own behaviour: static markup, the address, the browser's title, focus after a change of page. */
(function (cw) {
  "use strict";

  // What the server answers with a file or a document of its own is the browser's to open, not the router's.
  const OWN_PAGE = "[data-html] a[href^='/']:not([download], [href^='/api/'], [href='/password'])";

  document.addEventListener("click", function (event) {
    // Another language is another document: the rest of the address is kept.
    const language = event.target.closest("[data-language]");
    if (language) {
      event.preventDefault();
      const search = new URLSearchParams(location.search);
      search.set("lang", language.dataset.language);
      location.search = search.toString();
      return;
    }
    const action = event.target.closest('[data-action="reload"]');
    if (action) location.reload();
    // A link in static markup changes the address as any other link of the application does.
    const link = event.target.closest(OWN_PAGE);
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      window.history.pushState({}, "", link.href);
      window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    }
    // A menu closes when something is chosen in it, and by a click anywhere else.
    for (const menu of document.querySelectorAll("details.menu[open]"))
      if (link || !menu.contains(event.target)) menu.removeAttribute("open");
  });

  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.removeAttribute("open");
      menu.querySelector("summary").focus();
    }
  });

  // A session ends when nobody has been at the screen for long: what a page does by itself does not count.
  let seen = Date.now();
  function somebody() {
    if (Date.now() - seen < 60000 || !document.querySelector('form[action="/sign-out"]')) return;
    seen = Date.now();
    fetch("/api/v1/me/seen", { method: "POST" }).catch(() => {});
  }
  for (const what of ["pointerdown", "keydown"]) document.addEventListener(what, somebody, { passive: true });

  // Selecting something does not load the page again: only the rest of the address names a page.
  const SELECTIONS = { "/": ["device", "alert"], "/alerts": ["alert"], "/map": ["device"] };
  let shown = null;

  function address(path, search) {
    markNavigation(path, search);
    const kept = new URLSearchParams(search || "");
    for (const name of [...(SELECTIONS[path] || []), "lang", "theme"]) kept.delete(name);
    const key = path + "?" + kept.toString();
    if (key === shown) return window.dash_clientside.no_update;
    shown = key;
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    return { path: path, search: "?" + kept.toString(), zone: zone };
  }

  // Navigation keeps the chosen source, which is part of the address.
  function markNavigation(path, search) {
    const source = new URLSearchParams(search || "").get("source");
    for (const link of document.querySelectorAll('[id*=\'"type":"nav"\']')) {
      const id = JSON.parse(link.id);
      const current = id.path === "/" ? path === "/" : path === id.path || path.startsWith(id.path + "/");
      if (current) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
      cw.set(id, { href: id.path + (source ? "?source=" + encodeURIComponent(source) : "") });
    }
  }

  function menu(clicks, _path, navbar) {
    const pressed = window.dash_clientside.callback_context.triggered.some((one) => one.prop_id === "menu.n_clicks");
    const closed = !pressed || !navbar.collapsed.mobile;
    if (closed === navbar.collapsed.mobile) return window.dash_clientside.no_update;
    return { ...navbar, collapsed: { mobile: closed } };
  }

  // Whoever has the keyboard in what is written anew keeps it: on the same control, else on the same alert's words.
  let last = null; // {element, place, marks}: what had the focus last, and how it is found again

  document.addEventListener("focusin", function (event) {
    const element = event.target;
    const name = ["data-acknowledge", "data-select", "href"].find((each) => element.hasAttribute(each));
    const place = element.closest("[id]");
    const alert = element.closest("[data-alert]");
    const marks = name ? [`[${name}="${CSS.escape(element.getAttribute(name))}"]`] : [];
    if (alert) marks.push(`[data-alert="${alert.dataset.alert}"] .what`);
    last = place && marks.length ? { element: element, place: place.id, marks: marks } : null;
  });

  // A click beside everything leaves what had the focus; a click on something else focuses that.
  document.addEventListener("pointerdown", () => (last = null), true);

  function keepFocus() {
    if (!last || last.element.isConnected || document.activeElement !== document.body) return;
    const place = document.getElementById(last.place);
    const same = place && last.marks.map((mark) => place.querySelector(mark)).find((found) => found);
    if (same) same.focus({ preventScroll: true });
  }

  // Static markup comes as text (see flat.py).
  const filled = new Map(); // element -> the nodes that we put into it

  function fillMarkup() {
    for (const [element, nodes] of filled) {
      if (element.isConnected && element.hasAttribute("data-html")) continue;
      // The element lives on with children of the page library's own: ours must not stand beside them.
      for (const node of nodes) node.remove();
      element.filledWith = null;
      filled.delete(element);
    }
    for (const element of document.querySelectorAll("[data-html]")) {
      if (element.filledWith === element.dataset.html) continue;
      element.innerHTML = element.filledWith = element.dataset.html;
      filled.set(element, [...element.childNodes]);
    }
    keepFocus();
  }

  // What scrolls must be reachable by keyboard, and what does not scroll is no stop on the way.
  function markScrolling() {
    for (const region of document.querySelectorAll(".panel > .body.flush, .panel .scroll")) {
      const scrolls = region.scrollWidth > region.clientWidth + 1 || region.scrollHeight > region.clientHeight + 1;
      if (!scrolls) region.removeAttribute("tabindex");
      else if (region.tabIndex !== 0) {
        region.tabIndex = 0;
        region.setAttribute("role", "group");
        region.setAttribute("aria-label", region.closest(".panel").getAttribute("aria-label"));
      }
    }
  }
  window.addEventListener("resize", cw.gather(markScrolling, 200));

  // A page that shows work in progress says so, and is asked for again until that is done.
  let asking = null;

  function askAgain() {
    if (asking !== null || !document.querySelector("[data-again]")) return;
    asking = setTimeout(function () {
      asking = null;
      if (document.querySelector("[data-again]")) cw.refresh();
    }, 1500);
  }

  let lastTitle = null;

  function pageChanged() {
    fillMarkup();
    markScrolling();
    cw.markSelection();
    const heading = document.querySelector("#page h1");
    cw.writeTimes();
    cw.writeValues();
    askAgain();
    if (!heading || heading.textContent === lastTitle) return;
    const first = lastTitle === null;
    lastTitle = heading.textContent;
    document.title = lastTitle + " · Citywatch";
    // A reader of the screen must hear that the page changed; on the first load focus stays where the browser put it.
    if (!first) {
      heading.focus({ preventScroll: true });
      window.scrollTo(0, 0);
    }
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.citywatch = {
    address: address,
    loadMap: (data) => cw.map.load(data),
    menu: menu,
    selectOnMap: function () {
      cw.map.draw();
      return window.dash_clientside.no_update;
    },
    acted: (result) => cw.console.acted(result),
    acting: (now) => cw.turns.acting(now),
    startShift: () => cw.console.startShift(),
  };

  // The charts' library is large and no part of a first page without charts: fetched once that stands, so that the
  // first change to one with charts need not wait for it.
  cw.fetchCharts = function () {
    const saving = navigator.connection && navigator.connection.saveData;
    if (window.Plotly || !window._dashPlotlyJSURL || saving) return;
    const script = document.createElement("script");
    script.src = window._dashPlotlyJSURL;
    script.async = true;
    document.body.appendChild(script);
  };

  function start() {
    const page = document.getElementById("frame") && document.getElementById("page");
    if (!page || !window.dash_clientside || !window.dash_clientside.set_props) {
      setTimeout(start, 50);
      return;
    }
    new MutationObserver(pageChanged).observe(document.getElementById("frame"), {
      childList: true,
      subtree: true,
      attributes: true,
      attributeFilter: ["data-html"],
    });
    pageChanged();
    cw.startLive();
  }
  start();
})(window.citywatch);

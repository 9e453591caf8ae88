/* The alert console by keyboard: what is selected, one key per step, dialogs, and taking a step back. */
(function (cw) {
  "use strict";

  const GRACE = 4000; // ms in which an acknowledgement by key can be taken back; the standard knows no un-acknowledge
  const KEYS_OFF = "citywatch-keys-off";
  const selected = new Set(); // alert ids, as text
  let waiting = null; // a request that waits for the operator's name
  let pending = null; // {request, timer}: an acknowledgement in its time of grace
  let undoable = null; // the request that takes the last step back
  let targetsOfDialog = [];

  const items = () => [...document.querySelectorAll("#alert-list .alert")];
  const idOf = (item) => item.dataset.alert;
  const currentId = () => new URLSearchParams(location.search).get("alert");

  function operator() {
    const field = document.getElementById("operator");
    return field ? field.value.trim() : "";
  }

  // What a step is taken on: what is selected, else the alert whose panel is open, else the one that has the focus.
  function targets() {
    if (selected.size) return [...selected];
    const focused = document.activeElement && document.activeElement.closest("#alert-list .alert");
    const id = focused ? idOf(focused) : currentId();
    return id ? [id] : [];
  }

  function toast(words, undo) {
    const place = document.getElementById("toast");
    place.replaceChildren(document.createTextNode(words));
    if (undo) {
      const button = document.createElement("button");
      button.className = "button";
      button.dataset.act = "undo";
      button.textContent = cw.words("undo", {}) + " (Z)";
      place.append(button);
    }
    clearTimeout(toast.timer);
    toast.timer = setTimeout(() => place.replaceChildren(), undo ? 8000 : 6000);
  }

  function announce(words) {
    cw.set("announce", { children: words });
  }

  function send(request) {
    if (!operator()) {
      waiting = request;
      cw.set("operator-modal", { opened: true });
      return;
    }
    cw.turns.take({ ...request, operator: operator() });
  }
  cw.act = send;

  // The answer to "Who is on shift?": fills the field in the header and goes on with what was asked for.
  function startShift() {
    // What stands in the field: the page library learns of quick typing only after Enter.
    const field = document.getElementById("operator-answer");
    const given = field ? field.value.trim() : "";
    if (!given) return [window.dash_clientside.no_update, window.dash_clientside.no_update];
    const request = waiting;
    waiting = null;
    if (request) setTimeout(() => cw.turns.take({ ...request, operator: given }), 0);
    return [given, false];
  }

  function acted(result) {
    if (!result) return window.dash_clientside.no_update;
    cw.turns.answered(result.at);
    undoable =
      result.action === "shelve" && result.done.length ? { action: "unshelve", alert_ids: result.done } : null;
    // What was answered late does not cover the offer to take the next step back.
    if (!pending) toast(result.words, undoable !== null);
    if (result.secret) cw.showSecret(result.secret);
    cw.deviceDone(result);
    // One renewal of the page: a second one takes away what somebody has begun to type after the first.
    if (result.go) {
      window.history.pushState({}, "", result.go);
      window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    } else if (result.refresh) cw.refresh();
    return result.words;
  }

  function commit() {
    if (!pending) return;
    clearTimeout(pending.timer);
    const request = pending.request;
    pending = null;
    mark();
    send(request);
  }

  function acknowledgeByKey(targeted) {
    // What is in its time of grace already stays in it: the same key again is no second step.
    const ids = pending ? targeted.filter((id) => !pending.request.alert_ids.includes(id)) : targeted;
    if (!ids.length) return;
    commit();
    if (!operator()) return send({ action: "acknowledge", alert_ids: ids });
    pending = { request: { action: "acknowledge", alert_ids: ids }, timer: setTimeout(commit, GRACE) };
    const words = cw.words("acknowledging", { n: ids.length });
    toast(words, true);
    announce(words);
    clearSelection();
  }

  function undo() {
    if (pending) {
      clearTimeout(pending.timer);
      pending = null;
      mark();
      toast(cw.words("undone", {}), false);
      announce(cw.words("undone", {}));
    } else if (undoable) {
      const request = undoable;
      undoable = null;
      send(request);
    }
  }

  // Whoever leaves within the time of grace has meant it, as has whoever leaves before its turn came.
  window.addEventListener("pagehide", function () {
    const left = cw.turns.drop().filter((request) => request.action === "acknowledge");
    if (pending) left.push(pending.request);
    for (const id of left.flatMap((request) => request.alert_ids))
      fetch(`/api/v1/alerts/${id}/acknowledge`, {
        method: "POST",
        keepalive: true,
        headers: { "X-Citywatch-Operator": encodeURIComponent(operator()) },
      });
    pending = null;
  });

  function openDialog(action) {
    const dialog = document.getElementById("dialog-" + action);
    if (action !== "help") {
      targetsOfDialog = targets();
      if (!targetsOfDialog.length) {
        toast(cw.words("noneSelected", {}), false);
        return;
      }
      const words = targetsOfDialog.map((id) => {
        const item = items().find((one) => idOf(one) === id);
        return item ? item.querySelector(".what").textContent : id;
      });
      dialog.querySelector("[data-targets]").textContent = words.join("; ");
      dialog.querySelector("form").reset();
    } else document.getElementById("keys-on").checked = localStorage.getItem(KEYS_OFF) === null;
    const back = document.activeElement;
    dialog.addEventListener("close", () => back && back.isConnected && back.focus(), { once: true });
    dialog.showModal();
    // What has to be written comes first, wherever it stands among the fields.
    const first = dialog.querySelector("[required]") ?? dialog.querySelector("input, button");
    if (first) first.focus();
  }

  document.addEventListener("submit", function (event) {
    const action = event.target.dataset && event.target.dataset.form;
    if (!action) return;
    const request = { action: action, alert_ids: targetsOfDialog };
    for (const [name, value] of new FormData(event.target)) request[name] = value;
    send(request);
    clearSelection();
  });

  // A form of a page, not of a dialog: what it asks for stands on it, what is filled in is added.
  document.addEventListener("submit", function (event) {
    const form = event.target.closest("[data-request-form]");
    if (!form) return;
    event.preventDefault();
    const request = JSON.parse(form.dataset.requestForm);
    // With the button that was pressed: a form may have one that only checks.
    for (const [name, value] of new FormData(form, event.submitter)) request[name] = value;
    for (const field of form.querySelectorAll("[data-name]")) {
      if (!field.value) return field.focus();
      request[field.dataset.name] = field.value;
    }
    send(request);
  });

  document.addEventListener("change", function (event) {
    if (event.target.id !== "keys-on") return;
    if (event.target.checked) localStorage.removeItem(KEYS_OFF);
    else localStorage.setItem(KEYS_OFF, "1");
  });

  function step(action) {
    if (action === "help") return openDialog("help");
    if (action === "undo") return undo();
    if (action === "all") return selectAll();
    if (["comment", "shelve", "assign", "work"].includes(action)) return openDialog(action);
    const ids = targets();
    if (!ids.length) return toast(cw.words("noneSelected", {}), false);
    commit();
    send({ action: action, alert_ids: ids });
    clearSelection();
  }

  document.addEventListener("click", function (event) {
    const one = event.target.closest("[data-acknowledge]");
    if (one) {
      event.preventDefault();
      event.stopPropagation();
      // Pressed for what is in its time of grace, the button ends that.
      if (pending && pending.request.alert_ids.includes(one.dataset.acknowledge)) commit();
      else send({ action: "acknowledge", alert_ids: [one.dataset.acknowledge] });
      return;
    }
    const box = event.target.closest("[data-select]");
    if (box) {
      toggle(box.dataset.select);
      return;
    }
    const button = event.target.closest("[data-act]");
    if (button) step(button.dataset.act);
    // Anything else that is done by one button: the request stands on it.
    const other = event.target.closest("[data-request]");
    if (other) send(JSON.parse(other.dataset.request));
    const close = event.target.closest("[data-close]");
    if (close) close.closest("dialog").close();
  });

  function toggle(id) {
    if (!selected.delete(id)) selected.add(id);
    mark();
    announce(cw.words("selected", { n: selected.size }));
  }

  function selectAll() {
    const all = items().map(idOf);
    if (all.every((id) => selected.has(id))) selected.clear();
    else all.forEach((id) => selected.add(id));
    mark();
    announce(cw.words("selected", { n: selected.size }));
  }

  function clearSelection() {
    selected.clear();
    mark();
  }

  // The list is written anew by the server: what is selected is marked again in the new one.
  function mark() {
    const here = new Set(items().map(idOf));
    for (const id of [...selected]) if (!here.has(id)) selected.delete(id);
    const held = new Set(pending ? pending.request.alert_ids : []);
    for (const box of document.querySelectorAll("[data-select]")) {
      const on = String(selected.has(box.dataset.select));
      if (box.getAttribute("aria-checked") !== on) box.setAttribute("aria-checked", on);
      box.closest(".alert").classList.toggle("is-selected", on === "true");
      box.closest(".alert").classList.toggle("is-pending", held.has(box.dataset.select));
    }
    const count = document.getElementById("selected-count");
    const words = selected.size ? cw.words("selected", { n: selected.size }) : "";
    if (count && count.textContent !== words) count.textContent = words;
  }
  cw.markSelection = mark;

  function go(item) {
    if (!item) return;
    const link = item.querySelector(".what");
    link.focus();
    item.scrollIntoView({ block: "nearest" });
    const search = new URL(link.href).search;
    if (search !== location.search) {
      window.history.replaceState({}, "", link.href);
      window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    }
  }

  function move(by, wanted) {
    const list = items();
    const focused = document.activeElement && document.activeElement.closest("#alert-list .alert");
    const now = focused ? list.indexOf(focused) : list.findIndex((item) => idOf(item) === currentId());
    for (let at = now + by; at >= 0 && at < list.length; at += by) if (wanted(list[at])) return go(list[at]);
  }

  const KEYS = {
    j: () => move(1, () => true),
    k: () => move(-1, () => true),
    n: () => move(1, (item) => item.classList.contains("unanswered")),
    x: () => targetsUnderHand().forEach(toggle),
    "*": selectAll,
    a: () => {
      const ids = targets();
      if (ids.length) acknowledgeByKey(ids);
      else toast(cw.words("noneSelected", {}), false);
    },
    c: () => openDialog("comment"),
    s: () => openDialog("shelve"),
    g: () => openDialog("assign"),
    w: () => openDialog("work"),
    u: () => step("unshelve"),
    r: () => step("reset"),
    z: undo,
    p: () => document.querySelector('a[href^="/report"]').click(),
    "?": () => openDialog("help"),
  };

  const GO_ON = ["j", "k", "n"]; // keys that may be held down; any other acts once

  function targetsUnderHand() {
    const focused = document.activeElement && document.activeElement.closest("#alert-list .alert");
    const id = focused ? idOf(focused) : currentId();
    return id ? [id] : [];
  }

  // In a remark of several lines Enter begins a new one, so Ctrl+Enter (on a Mac Command+Enter) sends.
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    const form = event.target.closest("dialog[open] form[data-form]");
    if (!form) return;
    event.preventDefault();
    form.requestSubmit();
  });

  document.addEventListener("keydown", function (event) {
    if (location.pathname !== "/alerts" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open], [role=dialog]")) return;
    const field = event.target.closest("input, textarea, select, [contenteditable]");
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const act = KEYS[key];
    // Single keys can be turned off, as speech input and shaky hands need it (WCAG 2.1.4); help always opens.
    if (field || !act || (localStorage.getItem(KEYS_OFF) !== null && event.key !== "?")) return;
    event.preventDefault();
    if (!event.repeat || GO_ON.includes(key)) act();
  });

  cw.console = { startShift: startShift, acted: acted };
})(window.citywatch);

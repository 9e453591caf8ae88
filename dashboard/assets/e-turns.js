/* Requests to the server take turns: of two that are set at once the page library sends the last one only. */
(function (cw) {
  "use strict";

  const LONGEST = 30000; // ms after which the next one has its turn though the one before was never answered
  const MOMENT = 1000; // ms in which an answer comes once the server is done
  const waiting = []; // requests whose turn is still to come
  let under = null; // {at, timer}: the request that the server has

  function take(request) {
    waiting.push(request);
    next();
  }

  function next() {
    if (under || !waiting.length) return;
    const request = { ...waiting.shift(), at: Date.now() };
    under = { at: request.at, timer: setTimeout(end, LONGEST) };
    cw.set("act-request", { data: request });
  }

  function end() {
    if (under) clearTimeout(under.timer);
    under = null;
    next();
  }

  // The page library is still at the answer: the next request comes after that.
  function answered(at) {
    if (under && under.at === at) setTimeout(end, 0);
  }

  // The server is done, well or badly: where it failed there is no answer to wait for.
  function acting(now) {
    if (now !== false || !under) return;
    clearTimeout(under.timer);
    under.timer = setTimeout(end, MOMENT);
  }

  // Return what had no turn yet, and forget it.
  function drop() {
    return waiting.splice(0);
  }

  cw.turns = { take: take, answered: answered, acting: acting, drop: drop };
})(window.citywatch);

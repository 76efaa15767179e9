// Tells when the page has come to rest, when it changes, and what came of one click. Nothing here writes to the page.
//
//   globalThis[Symbol.for("casepilot.settle")]
//     .stamp() -> string                            the same as long as nothing on the page changed; nobody waits for it any more
//     .quiet([windowMs, limitMs, from, ago, report]) -> Promise<{stamp, quiet, report}>
//          when the DOM is still, but for what changes of its own accord; none of the last action's short timers is due, nothing that
//          it set moving moves, no font loads, and no sign of waiting shows (see causes.js, motion.js). `from`: still since the last "change",
//          since the last "act", or since an "answer" that came `ago` ms ago. `report`: with what came of the last click
//     .still([windowMs, limitMs]) -> Promise<boolean> when nothing has changed for that long since the last action, whatever is due
//     .changed([stamp, limitMs]) -> Promise<boolean>
//     .mark(element) / .report() -> {received, mutated, invalid: [{name, message}]} of the last click on it
(() => {
  const KEY = Symbol.for("casepilot.settle");
  if (globalThis[KEY]) return;

  // As they were before any script of the page ran.
  const { Set, Promise, performance } = globalThis;
  const OURS = "casepilot-overlay";
  const NOISE_BATCHES = 12; // that many changes of one node, none more than NOISE_GAP after the last: an animation or a clock
  const NOISE_GAP = 1500; // ms
  const RESTLESS = 8; // that many changes of one node while nobody acts: it changes of its own accord
  const RESTLESS_GAP = 500; // ms
  const ANSWER = 500; // ms in which what was sent over a web socket is answered
  const FRAME = 150; // ms in which a page that moves by frames draws the next
  const SOON = 8; // ms after which frames are asked for again: one that changes nothing tells nobody that it has come
  const AGAIN = 40; // ms after which signs of waiting are looked for again: not all go by a change of the DOM
  const FONTS = 1000; // ms for which fonts are waited for
  const TALK = 105; // ms between two pieces of an answer that comes over one, at least
  const SLOWER = 1.3; // times the longest pause that such an answer has made
  const causes = globalThis[Symbol.for("casepilot.causes")];
  const motion = globalThis[Symbol.for("casepilot.motion")];
  const { setTimeout, clearTimeout } = causes.browser; // what waits here is no doing of the page
  const id = Math.random().toString(36).slice(2, 10);
  let version = 0;
  let lastChange = performance.now();
  let drawing = 0; // since when fonts have been loading
  let foreign = 0; // the last change that nobody can tell the cause of
  let pause = 0; // the longest between two of them since something was sent over a web socket, ms
  const waiting = new Set();
  const noise = new WeakMap();
  const roots = new Set();
  let marked = null;
  let told = 0; // when rest was last told of
  const widgets = () => globalThis[Symbol.for("casepilot.widgets")];

  // -- mutations ----------------------------------------------------------------------------------------------------------
  const ours = (record) => {
    if (record.target.localName === OURS) return true;
    if (record.type !== "childList") return false;
    for (const node of [...record.addedNodes, ...record.removedNodes]) if (node.localName !== OURS) return false;
    return true;
  };

  // A node that changes over and over without its content growing ("noise") says nothing about whether the page is done; nor does
  // one that did so before anybody acted ("restless").
  const habitOf = (record, now, seen) => {
    const node = record.target.nodeType === 3 ? (record.target.parentNode ?? record.target) : record.target;
    const size = node.childNodes.length;
    let entry = noise.get(node);
    if (!entry || now - entry.last > NOISE_GAP) {
      entry = { count: 0, idle: 0, last: now, size, longest: 0 };
      noise.set(node, entry);
    } else if (record.type === "childList" && entry.size !== size) {
      entry.count = 0;
      entry.size = size;
    }
    if (!seen.has(node)) {
      seen.add(node);
      entry.count++;
      if (!causes.live()) entry.idle++;
      else if (now - entry.last > RESTLESS_GAP) entry.idle = 0;
      entry.last = now;
      if (record.type !== "attributes" && !node.firstElementChild) {
        const { length } = node.textContent;
        if (length > entry.longest) entry.count = 1;
        entry.longest = Math.max(length, entry.longest);
      }
    }
    if (entry.count > NOISE_BATCHES) return "noise";
    return causes.live() && entry.idle >= RESTLESS ? "restless" : "";
  };

  const wake = () => {
    for (const check of [...waiting]) check();
  };

  // `still`: what has changed did so of its own accord, and nobody waits for it to end.
  const bump = (still = false) => {
    version++;
    if (!still) lastChange = performance.now();
    wake();
  };

  const take = (records) => {
    if (!records.length) return;
    const now = performance.now();
    const seen = new Set();
    const cause = causes.now();
    let still = true;
    let same = true;
    for (const record of records) {
      if (ours(record)) continue;
      if (marked?.open) marked.mutated = true;
      if (record.type === "childList") for (const node of record.addedNodes) if (node.nodeType === 1) watchUnder(node);
      if (cause === "apart" && record.type === "attributes") motion.moved(record.target);
      const habit = habitOf(record, now, seen);
      if (habit === "noise" && cause !== "own") continue;
      same = false;
      if (cause === "own" || (cause === "unknown" && !habit)) still = false;
    }
    if (!still && cause === "unknown") {
      pause = talking() ? Math.max(pause, now - foreign) : 0;
      foreign = now;
    }
    if (!same) bump(still);
  };

  const observer = new MutationObserver(take);
  const WHAT = { subtree: true, childList: true, attributes: true, characterData: true };
  const drain = () => take(observer.takeRecords());

  const watch = (root) => {
    if (roots.has(root)) return;
    roots.add(root);
    observer.observe(root, WHAT);
    for (const type of ["input", "change", "focusin"]) root.addEventListener(type, onState, { capture: true, passive: true });
    root.addEventListener("invalid", onInvalid, { capture: true, passive: true });
  };

  const watchUnder = (node) => {
    if (node.shadowRoot) watch(node.shadowRoot);
    for (const inner of node.querySelectorAll("*")) {
      if (inner.shadowRoot && !roots.has(inner.shadowRoot)) {
        watch(inner.shadowRoot);
        watchUnder(inner.shadowRoot);
      }
    }
  };

  // -- state that no mutation tells of ------------------------------------------------------------------------------------
  const onState = (event) => {
    if (event.composedPath()[0]?.localName !== OURS) bump();
  };

  const onInvalid = (event) => {
    const field = event.composedPath()[0];
    const name = field.labels?.[0]?.innerText ?? field.getAttribute("aria-label") ?? field.name ?? "";
    marked?.invalid.push({ name: name.trim(), message: field.validationMessage });
  };

  // A digest (FNV-1a) of what the fields hold, since scripts set values without a trace in the DOM.
  const digest = () => {
    let hash = 2166136261;
    const add = (text) => {
      for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
      hash = Math.imul(hash ^ 31, 16777619);
    };
    for (const root of roots) {
      if (root !== document && !root.isConnected) {
        roots.delete(root);
        continue;
      }
      for (const field of root.querySelectorAll("input,select,textarea")) {
        const type = field.type;
        add(type === "checkbox" || type === "radio" ? String(field.checked) : field.value);
        if (field.disabled) add("disabled");
      }
    }
    return (hash >>> 0).toString(36);
  };

  const stamp = () => {
    drain();
    return `${id}:${version}:${digest()}`;
  };

  const parsed = () => {
    if (document.readyState === "complete") return true;
    const entry = performance.getEntriesByType("navigation")[0];
    return entry ? entry.domContentLoadedEventEnd > 0 : document.readyState !== "loading";
  };

  // -- waiting ------------------------------------------------------------------------------------------------------------
  // What is written in another font is of another size, which shows and hides what is around it.
  const fonts = (now) => {
    drawing = document.fonts.status === "loading" ? drawing || now : 0;
    return drawing && now - drawing < FONTS ? drawing + FONTS - now : 0;
  };

  // Whether what was sent over a web socket is being answered.
  const talking = () => causes.sent() > 0 && foreign > causes.sent();

  // What is still to come of the last action, in ms; 0 where nothing is.
  const toCome = (now) => {
    const talk = causes.sent();
    if (talk && foreign < talk && now - talk < ANSWER) return talk + ANSWER - now;
    const due = causes.pending(now);
    if (due) return due;
    if (causes.frames(now) && now - lastChange < FRAME) return Math.min(SOON, FRAME - (now - lastChange));
    return fonts(now) || motion.moving() || (motion.waiting(causes.live()).length ? AGAIN : 0);
  };

  const quiet = ([windowMs, limitMs, from, ago, reported]) =>
    new Promise((resolve) => {
      const started = performance.now();
      let timer = 0;
      // Nobody has acted since the last rest, where that is later.
      const acted = causes.acted() > told ? causes.acted() : started;
      const earliest = from === "change" ? 0 : from === "act" ? acted : started - ago;
      causes.resume();
      watchUnder(document);
      const check = () => {
        clearTimeout(timer);
        drain();
        const now = performance.now();
        const left = limitMs - (now - started);
        const span = talking() ? Math.max(windowMs, TALK, Math.min(SLOWER * pause, ANSWER)) : windowMs;
        const since = Math.max(lastChange, causes.fired(), earliest);
        let rest = since + span - now;
        // Not parsed: the end of parsing wakes us.
        if (rest <= 0) rest = parsed() ? toCome(now) : left;
        if (rest > 0 && left > 0) {
          timer = setTimeout(check, Math.max(1, Math.min(left, rest)));
          return;
        }
        waiting.delete(check);
        if (left > 0) causes.settled();
        else motion.ignore(causes.live());
        told = now;
        resolve({ stamp: stamp(), quiet: left > 0, report: reported ? [report(), widgets()?.report() ?? null] : null });
      };
      waiting.add(check);
      check();
    });

  // Resolves with `true` once `rest(now)`, the ms still to wait, is down to 0; with `false` when the limit has come first.
  const until = (rest, limitMs) =>
    new Promise((resolve) => {
      const started = performance.now();
      let timer = 0;
      const check = () => {
        clearTimeout(timer);
        const now = performance.now();
        const left = limitMs - (now - started);
        const wait = rest(now);
        if (wait > 0 && left > 0) {
          timer = setTimeout(check, Math.min(left, wait, 2 ** 30));
          return;
        }
        waiting.delete(check);
        resolve(wait <= 0);
      };
      waiting.add(check);
      check();
    });

  const still = ([windowMs, limitMs]) =>
    until((now) => {
      drain();
      return parsed() ? Math.max(lastChange, causes.acted()) + windowMs - now : Infinity;
    }, limitMs);

  const changed = ([before, limitMs]) => until(() => (stamp() === before ? Infinity : 0), limitMs);

  // -- one click ----------------------------------------------------------------------------------------------------------
  const channel = new MessageChannel();
  channel.port1.onmessage = () => {
    drain();
    if (marked) marked.open = false;
  };

  const mark = (element) => {
    drain();
    marked = { element, received: false, mutated: false, open: false, invalid: [] };
  };

  const report = () => {
    drain();
    if (!marked) return null;
    const { received, mutated, invalid } = marked;
    return { received, mutated, invalid };
  };

  // From here to the next task, what changes is the click's doing. A label's click reaches its field as a second click.
  const onClick = (event) => {
    if (!marked || !event.composedPath().includes(marked.element)) return;
    drain();
    marked.received = true;
    marked.open = true;
    channel.port2.postMessage(0);
  };

  watch(document);
  if (document.documentElement) watchUnder(document);
  addEventListener("click", onClick, { capture: true, passive: true });
  document.addEventListener("readystatechange", wake);
  document.addEventListener("DOMContentLoaded", () => setTimeout(wake, 0));
  document.fonts.addEventListener("loadingdone", () => bump());
  causes.began = motion.begin;
  const rested = () => {
    causes.rest();
    return stamp();
  };
  Object.defineProperty(globalThis, KEY, { value: { stamp: rested, quiet, still, changed, mark, report } });
})();

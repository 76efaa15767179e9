// Tells when the page has come to rest, when it changes, and what came of one click. Nothing here writes to the page.
//
//   globalThis[Symbol.for("casepilot.settle")]
//     .stamp() -> string                            the same as long as nothing on the page changed
//     .quiet([windowMs, limitMs, fresh]) -> Promise<{stamp, quiet}>
//     .changed([stamp, limitMs]) -> Promise<boolean>
//     .mark(element) / .report() -> {received, mutated, invalid: [{name, message}]}
(() => {
  const KEY = Symbol.for("casepilot.settle");
  if (globalThis[KEY]) return;

  // As they were before any script of the page ran.
  const { Set, Promise, performance, setTimeout, clearTimeout } = globalThis;
  const OURS = "casepilot-overlay";
  const NOISE_BATCHES = 12; // that many changes of one node, none more than NOISE_GAP after the last: an animation or a clock
  const NOISE_GAP = 1500; // ms
  const id = Math.random().toString(36).slice(2, 10);
  let version = 0;
  let lastChange = performance.now();
  const waiting = new Set();
  const noise = new WeakMap();
  const roots = new Set();
  let marked = null;

  // -- mutations ----------------------------------------------------------------------------------------------------------
  const ours = (record) => {
    if (record.target.localName === OURS) return true;
    if (record.type !== "childList") return false;
    return [...record.addedNodes, ...record.removedNodes].every((node) => node.localName === OURS);
  };

  // An element that changes over and over without its content growing says nothing about whether the page is done.
  const noisy = (record, now, seen) => {
    const node = record.target;
    const size = node.childNodes.length;
    let entry = noise.get(node);
    if (!entry || now - entry.last > NOISE_GAP || (record.type === "childList" && entry.size !== size)) {
      entry = { count: 0, last: now, size };
      noise.set(node, entry);
    }
    if (!seen.has(node)) {
      seen.add(node);
      entry.count++;
      entry.last = now;
    }
    return entry.count > NOISE_BATCHES;
  };

  const wake = () => {
    for (const check of [...waiting]) check();
  };

  const bump = () => {
    version++;
    lastChange = performance.now();
    wake();
  };

  const take = (records) => {
    if (!records.length) return;
    const now = performance.now();
    const seen = new Set();
    let significant = false;
    for (const record of records) {
      if (ours(record)) continue;
      if (marked?.open) marked.mutated = true;
      if (record.type === "childList") for (const node of record.addedNodes) if (node.nodeType === 1) watchUnder(node);
      if (!noisy(record, now, seen)) significant = true;
    }
    if (significant) bump();
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

  const busy = () => {
    for (const node of document.querySelectorAll('[aria-busy="true"]')) if (node.checkVisibility()) return true;
    return false;
  };

  const parsed = () => {
    if (document.readyState === "complete") return true;
    const entry = performance.getEntriesByType("navigation")[0];
    return entry ? entry.domContentLoadedEventEnd > 0 : document.readyState !== "loading";
  };

  // -- waiting ------------------------------------------------------------------------------------------------------------
  const quiet = ([windowMs, limitMs, fresh]) =>
    new Promise((resolve) => {
      const started = performance.now();
      let timer = 0;
      watchUnder(document);
      const check = () => {
        clearTimeout(timer);
        drain();
        const now = performance.now();
        const still = now - (fresh ? Math.max(lastChange, started) : lastChange);
        const ready = parsed() && !busy();
        const left = limitMs - (now - started);
        if ((ready && still >= windowMs) || left <= 0) {
          waiting.delete(check);
          resolve({ stamp: stamp(), quiet: left > 0 });
          return;
        }
        // Not ready: a mutation or the end of parsing wakes us.
        timer = setTimeout(check, Math.max(1, Math.min(left, ready ? windowMs - still : left)));
      };
      waiting.add(check);
      check();
    });

  const changed = ([before, limitMs]) =>
    new Promise((resolve) => {
      const started = performance.now();
      let timer = 0;
      const check = () => {
        clearTimeout(timer);
        const left = limitMs - (performance.now() - started);
        const differs = stamp() !== before;
        if (!differs && left > 0) {
          timer = setTimeout(check, Math.min(left, 2 ** 30));
          return;
        }
        waiting.delete(check);
        resolve(differs);
      };
      waiting.add(check);
      check();
    });

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
    marked = null;
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
  document.addEventListener("DOMContentLoaded", () => setTimeout(wake));
  Object.defineProperty(globalThis, KEY, { value: { stamp, quiet, changed, mark, report } });
})();

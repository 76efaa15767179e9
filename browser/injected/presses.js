// Tells what came of one press.
//
//   globalThis[Symbol.for("casepilot.widgets")]
//     .mark(element)   before the press
//     .report() -> {changed, before, then, flashed}, or null: whether something about the page is another than before; what the element
//                  was called before it and as it came; what the page said of it, though that may be gone by now
(() => {
  const widgets = globalThis[Symbol.for("casepilot.widgets")];
  if (widgets.mark) return;
  const { fold, label } = widgets;
  const LONGEST = 160; // characters of what the page said

  const STATEFUL = "button,a,input,summary,[role=button],[role=link],[role=tab],[role=menuitem],[role=option],[role=switch]";
  const LOOKS = /^(class|style|disabled|tabindex|aria-busy|aria-disabled|aria-describedby|data-.*)$/;
  const SAME = 50; // nodes up to which what is drawn anew is compared with what was there
  let pressed = null;
  const channel = new MessageChannel();

  widgets.mark = (element) => {
    pressed?.observer.disconnect();
    pressed = { element, before: label(element), then: null, records: [], observer: null };
    pressed.observer = new MutationObserver((records) => pressed.records.push(...records));
  };

  // From here to the next task, what changes is the click's doing.
  const onClick = (event) => {
    if (!pressed || pressed.then !== null || !event.composedPath().includes(pressed.element)) return;
    pressed.then = label(pressed.element);
    const what = { subtree: true, childList: true, attributeOldValue: true, characterDataOldValue: true };
    for (const root of new Set([document, pressed.element.getRootNode()])) pressed.observer.observe(root, what);
    channel.port2.postMessage(0);
  };
  channel.port1.onmessage = () => {
    if (!pressed) return;
    pressed.records.push(...pressed.observer.takeRecords());
    pressed.observer.disconnect();
  };
  addEventListener("click", onClick, { capture: true, passive: true });

  const markup = (nodes) => nodes.map((node) => node.outerHTML ?? node.data).join("");

  // Whether something about the page is another than before the click; the looks of the button itself, and ripples in it, aside.
  const lasting = ({ element, records }) => {
    const own = (node) => element.contains(node) && element.matches(STATEFUL);
    const seen = new Map();
    for (const record of records) {
      const { target, type } = record;
      if (type === "childList") {
        const added = [...record.addedNodes].filter((node) => node.isConnected && !(own(target) && !fold(node.textContent)));
        const removed = [...record.removedNodes].filter((node) => !node.isConnected && !(own(target) && !fold(node.textContent)));
        if (!added.length && !removed.length) continue;
        if (added.length + removed.length > SAME || markup(added) !== markup(removed)) return true;
        continue;
      }
      const name = record.attributeName ?? "";
      const known = seen.get(target) ?? new Set();
      if (known.has(name)) continue; // the first record holds what was there before the click
      seen.set(target, known.add(name));
      if (type === "attributes" && own(target) && LOOKS.test(name)) continue;
      if ((type === "attributes" ? target.getAttribute(name) : target.data) !== record.oldValue) return true;
    }
    return false;
  };

  // What the click made the page say, though it may be gone by now.
  const SAYS = "[role=alert],[role=status],[aria-live=polite],[aria-live=assertive]";
  const flashed = ({ records }) => {
    const said = records.flatMap((record) => [...record.addedNodes]).flatMap((node) => {
      const around = node.nodeType === 1 ? node.closest(SAYS) : node.parentElement?.closest(SAYS);
      return around || node.nodeType !== 1 ? [around && node] : [...node.querySelectorAll(SAYS)];
    });
    return fold([...new Set(said)].map((node) => node?.textContent ?? "").join(" ")).slice(0, LONGEST);
  };

  widgets.report = () => {
    if (!pressed) return null;
    const { before, then, observer } = pressed;
    observer.disconnect();
    return { changed: lasting(pressed), before, then, flashed: flashed(pressed) };
  };
})();

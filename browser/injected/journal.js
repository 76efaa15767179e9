// Writes only what has changed on the page since the last capture. Nothing here writes to the page.
//
// What changes the DOM is heard from a MutationObserver; what leaves no trace there (values, focus, frames,
// rules that follow the state of an element such as :checked or :hover) is compared on each call.
//
//   globalThis[Symbol.for("casepilot")]
//     .changes({prefix, since, seconds})
//        -> {patches: [[number, html]], url, title, date, missing, version}   since the call that gave `since`
//         | {html, url, title, date, missing, version}                        all of it, where that is not known
//         | null                                                              (see serialize)
//
// A patch replaces the element with that number (its place in the order of writing) by what it is now; <cp-keep n="1,2,..."> in
// it stands for neighbours that are as they were. Empty: the element is gone. Number 0 is the root: what follows the body.
(() => {
  const pilot = globalThis[Symbol.for("casepilot")];
  if (pilot.changes) return;
  const {
    rewrite, rewritePopups, relink, forget, signature, classed, pressed, clipping, foreground, composedParent, modalsIn, deepFocus, firstRow,
    today, missing, isInlined, undisturbed,
  } = pilot.pen;
  const { Map, Set, MutationObserver } = globalThis;

  const OURS = "casepilot-overlay";
  const MANY = 400; // places; more are not worth patching
  const WHAT = { subtree: true, childList: true, attributes: true, attributeOldValue: true, characterData: true };
  // Attributes that say something and change nothing else, unless a style rule asks for them.
  const PLAIN = /^(aria-(?!modal$)|inert$|data-|title$|alt$|placeholder$|for$|name$|value$|rel$|href$|datetime$)/;
  const DYNAMIC = /:(hover|focus|focus-within|focus-visible|active|checked|target|open|popover-open|modal|invalid|valid|user-invalid|user-valid|placeholder-shown|disabled|enabled|indeterminate|autofill|default|in-range|out-of-range|required|optional|read-only|read-write)\b/;
  const STRUCTURAL = /:(empty|first-child|last-child|only-child|nth-|first-of|last-of|only-of)/;
  const SHOWING = new Set("display visibility opacity content-visibility width height max-width max-height left right transform".split(" "));
  const COSTLY = 300000; // elements times rules to compare; more cost what a capture of the whole page does

  const token = Math.random().toString(36).slice(2, 8);
  let version = 0;
  let scene = null; // the scene that the journal goes on from
  let lost = false; // something happened that patches cannot tell
  let environment = "";
  let size = 0; // elements that were written when all was
  let rules = null;
  let stirred = false; // the state of some element may have changed
  const roots = new Set();
  const deep = new Set(); // elements to write anew with all that is in them
  const flat = new Set(); // nodes whose own text, attributes or children have changed
  const gone = [];
  const modals = new Set(); // what may have become a modal dialog

  // -- what is heard ------------------------------------------------------------------------------------------------------
  const isStyle = (node) => node.nodeType === 1 && (node.localName === "style" || node.localName === "link");

  const take = (records) => {
    for (const { type, target, attributeName, oldValue, addedNodes, removedNodes } of records) {
      if (lost) return;
      if (target.localName === OURS) continue;
      if (target.localName === "style" || target.parentNode?.localName === "style") lost = true;
      else if (type === "characterData") flat.add(target.parentNode ?? target);
      else if (type === "childList") {
        for (const node of addedNodes) {
          if (isStyle(node)) lost = true;
          if (node.nodeType === 1) rise(node);
        }
        for (const node of removedNodes) {
          if (isStyle(node)) lost = true;
          if (node.nodeType === 1 && node.localName !== OURS) gone.push(node);
        }
        flat.add(target);
        if (target.rows && target.localName !== "table") flat.add(target.parentNode ?? target);
        if (rules?.structural) stirred = true;
      } else renamed(target, attributeName, oldValue);
      if (flat.size + deep.size > 4 * MANY || gone.length > 20 * MANY) lost = true;
    }
  };

  const rise = (node) => {
    if (node.matches("dialog,[aria-modal]")) modals.add(node);
    if (node.firstElementChild) for (const inner of modalsIn(node)) modals.add(inner);
  };

  const renamed = (target, name, before) => {
    if (isStyle(target)) {
      lost = true;
      return;
    }
    const now = target.getAttribute(name);
    if (now === before) return;
    if (name === "aria-modal") modals.add(target);
    if (!rules) {
      deep.add(name === "class" || name === "id" ? (target.parentElement ?? target) : target);
      return;
    }
    const words = name === "class" ? differing((before ?? "").split(/\s+/), (now ?? "").split(/\s+/)) : name === "id" ? [before, now] : [];
    const asked = (list) => list.attributes.has(name) || words.some((word) => list.names.has(word));
    if (asked(rules.has)) lost = true;
    else if (asked(rules.beside)) deep.add(target.parentElement ?? target);
    else if (PLAIN.test(name) && !rules.all.attributes.has(name)) flat.add(target);
    else deep.add(target);
  };

  const differing = (before, now) => [...before.filter((word) => !now.includes(word)), ...now.filter((word) => !before.includes(word))];

  const observer = new MutationObserver(undisturbed(take));
  const onEnd = (event) => {
    const target = event.composedPath()[0];
    if (target.nodeType === 1) isStyle(target) ? (lost = true) : deep.add(target);
  };
  const onStir = () => (stirred = true);
  // A text in another font is of another size, and so is what shares a row with it.
  const onFonts = () => (lost = true);
  // An element has got its first handler of clicks, or lost its last. A drawing without any is written by what is around it.
  const onHandler = (node) => {
    if (lost || !scene || !(scene.numbers.has(node) || node.localName === "svg")) return;
    deep.add(node);
    if (deep.size > 4 * MANY) lost = true;
  };
  if (!isInlined()) pilot.ears.tell = onHandler;
  const STIRS = ["pointerover", "focusin", "focusout", "input", "change", "invalid", "toggle", "pointerdown", "pointerup"];
  const ENDS = ["transitionend", "transitioncancel", "animationend", "animationcancel", "load", "error", "toggle", "slotchange"];

  const watch = (root) => {
    if (roots.has(root)) return;
    roots.add(root);
    for (const node of modalsIn(root)) modals.add(node);
    observer.observe(root, WHAT);
    for (const type of ENDS) root.addEventListener(type, onEnd, { capture: true, passive: true });
    for (const type of STIRS) root.addEventListener(type, onStir, { capture: true, passive: true });
    root.fonts?.addEventListener("loadingdone", onFonts);
  };

  const unwatch = () => {
    observer.disconnect();
    for (const root of roots) {
      for (const type of ENDS) root.removeEventListener(type, onEnd, { capture: true });
      for (const type of STIRS) root.removeEventListener(type, onStir, { capture: true });
      root.fonts?.removeEventListener("loadingdone", onFonts);
    }
    roots.clear();
  };

  // -- style rules --------------------------------------------------------------------------------------------------------
  // `all`, `beside`, `has`: classes, ids and attributes that any selector, one with + or ~, or one with :has() asks for.
  // `dynamic`: selectors of rules that show or hide by the state of an element. null while they cannot all be read.
  const ASKED = /[.#]((?:[\w-]|[^\u0000-\u007f]|\\.)+)|\[\s*([\w-]+)/g;

  const list = () => ({ names: new Set(), attributes: new Set() });
  const note = (selector, lists) => {
    ASKED.lastIndex = 0;
    for (let asked; (asked = ASKED.exec(selector)); ) {
      const [, name, attribute] = asked;
      if (name === undefined) for (const into of lists) into.attributes.add(attribute.toLowerCase());
      else for (const into of lists) into.names.add(name.includes("\\") ? name.replace(/\\/g, "") : name);
    }
  };

  const shows = (style) => {
    for (let place = style.length; place--; ) if (SHOWING.has(style[place])) return true;
    return false;
  };

  const sheetsOf = (root) => [...root.styleSheets, ...root.adoptedStyleSheets];

  const readRules = () => {
    const found = { all: list(), beside: list(), has: list(), dynamic: [], structural: false };
    const follow = ({ style }, selector, above, root) => {
      const dynamic = DYNAMIC.test(selector);
      const structural = STRUCTURAL.test(selector);
      if (!(dynamic || structural) || !shows(style)) return;
      if (structural) found.structural = true;
      const plain = selector.replace(/::[\w-]+(\([^)]*\))?/g, "");
      if (dynamic) found.dynamic.push({ root, selector: above ? plain.replace(/&/g, `:is(${above})`) : plain, held: null });
    };
    const read = (held, above, root) => {
      for (const rule of held) {
        const selector = rule.selectorText;
        if (selector !== undefined) {
          const lists = [found.all];
          if (selector.includes("+") || selector.includes("~")) lists.push(found.beside);
          if (selector.includes(":has(")) lists.push(found.has);
          note(selector, lists);
          if (selector.includes(":")) follow(rule, selector, above, root);
          if (rule.cssRules?.length) read(rule.cssRules, selector, root);
        } else if (rule.cssRules) read(rule.cssRules, above, root);
        else if (rule.styleSheet) read(rule.styleSheet.cssRules, above, root);
      }
    };
    try {
      for (const root of roots) for (const sheet of sheetsOf(root)) read(sheet.cssRules, "", root);
    } catch {
      return null; // a sheet of another origin: every change of an attribute may show or hide anything
    }
    return found.dynamic.length > 200 ? null : found;
  };

  const matching = ({ root, selector }) => {
    try {
      return new Set(root.querySelectorAll(selector));
    } catch {
      return new Set();
    }
  };

  // -- what is compared ---------------------------------------------------------------------------------------------------
  const surroundings = () => {
    let sheets = 0;
    for (const root of roots) {
      for (const sheet of sheetsOf(root)) {
        try {
          sheets += 1000 + sheet.cssRules.length + (sheet.disabled ? 0.5 : 0);
        } catch {
          sheets += 1000;
        }
      }
    }
    return [innerWidth, innerHeight, scrollX, today(), sheets, scene?.prefix, document.documentElement?.lang, document.designMode].join();
  };

  const sameFront = (one, other) => {
    if (!one || !other) return one === other;
    return one.roots.size === other.roots.size && [...one.roots].every((node) => other.roots.has(node));
  };

  // What lies behind a modal dialog now and did not before, or the other way round, is written again, without what is in it.
  const shift = (known, front) => {
    const before = known.front;
    const behind = (node, fore) => Boolean(fore) && !fore.above.has(node) && !fore.roots.has(node) && fore.above.has(composedParent(node));
    for (const above of [...(before?.above ?? []), ...(front?.above ?? [])]) {
      flat.add(above);
      const slotted = above.localName === "slot" ? above.assignedElements() : [];
      for (const node of [...above.children, ...(above.shadowRoot?.children ?? []), ...slotted]) {
        if (behind(node, before) !== behind(node, front)) flat.add(node);
      }
    }
    for (const [frame, inner] of scene.frames) if (inner) deep.add(frame);
    known.fore = known.front = front;
    scene.shifted = true;
  };

  // Whether what stands in front of all else is what it was; or, if that is to be followed, can be.
  const inFront = (follow) => {
    for (const [doc, known] of scene.docs) {
      for (const node of modals) if (node.ownerDocument === doc && !known.modals.includes(node)) known.modals.push(node);
      known.modals = known.modals.filter((node) => node.isConnected);
      if (!doc.defaultView) continue;
      const front = foreground(known.modals);
      if (sameFront(front, known.front)) continue;
      if (!follow || doc !== document) return false;
      shift(known, front);
    }
    modals.clear();
    return true;
  };

  // Where a node is written: itself, or the nearest element around it that is.
  const placeOf = (node) => {
    for (let at = node; at; ) {
      if (scene.numbers.has(at)) return at;
      at = at.nodeType === 9 ? at.defaultView?.frameElement : (at.assignedSlot ?? at.parentNode ?? at.host);
    }
    return null;
  };

  // Changes that leave no mutation.
  const compare = () => {
    for (const [field, before] of scene.fields) {
      if (!field.isConnected) scene.fields.delete(field);
      else if (signature(field) !== before) {
        flat.add(field);
        stirred = true;
      }
    }
    for (const [node, before] of scene.classed) if (node.isConnected && classed(node) !== before) deep.add(node);
    for (const [node, before] of scene.handled) if (node.isConnected && pressed(node) !== before) deep.add(node);
    for (const [frame, inner] of scene.frames) {
      let now = null;
      try {
        now = frame.contentDocument;
      } catch {
        // of another origin
      }
      if (now !== inner && frame.isConnected) deep.add(frame);
    }
    for (const [section, first] of scene.windows) if (section.isConnected && Math.abs(firstRow(section) - first) > 0) flat.add(section);
    for (const [doc, known] of scene.docs) {
      if (!doc.defaultView) continue;
      if (doc.body !== known.body) return false;
      const focused = deepFocus(doc);
      const told = doc === document || doc.defaultView.parent.document.activeElement === doc.defaultView.frameElement ? focused : null;
      if (told !== known.focus) for (const node of [told, known.focus]) if (node?.isConnected) flat.add(node);
      known.focus = told;
    }
    if (!inFront(true)) return false;
    if (!stirred || !rules?.dynamic.length) return true;
    stirred = false;
    if (rules.dynamic.length * document.getElementsByTagName("*").length > COSTLY) return false;
    for (const rule of rules.dynamic) {
      const now = matching(rule);
      if (rule.held) {
        for (const node of now) if (!rule.held.has(node)) deep.add(node);
        for (const node of rule.held) if (!now.has(node) && node.isConnected) deep.add(node);
      }
      rule.held = now;
    }
    return true;
  };

  // -- patches ------------------------------------------------------------------------------------------------------------
  const touchesPopups = () => {
    if (scene.relinked) return true;
    for (const popup of scene.linked.keys()) {
      for (const set of [deep, flat, gone]) for (const node of set) if (popup.contains(node) || node.contains(popup)) return true;
    }
    return false;
  };

  const holdsField = (box) => {
    for (let child = box?.firstElementChild; child; child = child.nextElementSibling) {
      if (child.localName === "select" || child.localName === "input") return true;
    }
    return false;
  };

  const around = (node, found) => {
    for (let at = node.parentNode ?? node.host; at; at = at.nodeType === 9 ? at.defaultView?.frameElement : (at.assignedSlot ?? at.parentNode ?? at.host)) {
      if (found.has(at)) return true;
    }
    return false;
  };

  const patches = () => {
    let popups = touchesPopups();
    for (const node of gone) forget(node);
    const dirty = new Map(); // element -> whether to write it anew with all that is in it
    const mark = (node, whole) => {
      let at = placeOf(node);
      if (!at) return;
      if (at.localName === "body" && at !== document.body) {
        // An editor in a frame is written with its frame.
        at = node = at.ownerDocument.defaultView.frameElement;
        whole = true;
      }
      whole = whole && at === node;
      if (at === document.body && whole) lost = true;
      dirty.set(at, whole || dirty.get(at) === true);
    };
    for (const field of scene.drawn) {
      if (!field.isConnected) scene.drawn.delete(field);
      else {
        // What is drawn in place of one that is clipped away is told anew as well.
        const clipped = clipping(field.parentElement);
        const around = clipped ? field.parentElement.parentNode : field.parentNode;
        if ([...flat, ...deep].some((node) => around.contains(node))) mark(clipped ? around : field, true);
      }
    }
    // A field may be drawn by what stands beside it, if its label is seen.
    for (const node of deep) {
      if (node.localName === "label" && node.control) mark(node.control, true);
      else if (holdsField(node.parentElement)) mark(node.parentElement, false);
    }
    for (const node of flat) mark(node, false);
    for (const node of deep) if (node.isConnected) mark(node, true);
    if (lost || dirty.size > MANY) return null;
    const wholes = new Set([...dirty].filter(([, whole]) => whole).map(([node]) => node));
    const queue = [...dirty].filter(([node]) => !around(node, wholes));
    const written = [];
    while (queue.length) {
      const [node, whole] = queue.shift();
      const number = scene.numbers.get(node);
      if (number === undefined) continue; // written with something else
      if (whole) {
        forget(node);
        scene.numbers.set(node, number);
      }
      const html = rewrite(node, !whole);
      if (html === undefined) {
        // No longer written itself, though something in it is: that belongs to the element around it now.
        forget(node);
        const above = placeOf(node);
        if (!above || above === document.body) return null;
        queue.push([above, false]);
        written.push([number, ""]);
        continue;
      }
      if (html === null) forget(node);
      written.push([number, html ?? ""]);
    }
    relink();
    if (popups || scene.relinked) written.push([0, rewritePopups()]);
    return written;
  };

  const reset = () => {
    deep.clear();
    flat.clear();
    gone.length = 0;
    lost = stirred = false;
  };

  // Frames and shadow roots that were written are watched from now on.
  const follow = () => {
    for (const doc of scene.docs.keys()) watch(doc);
    for (const root of scene.shadows) if (root.host.isConnected) watch(root);
  };

  const whole = (prefix, seconds) => {
    const found = pilot.serialize({ prefix, seconds });
    if (!found) return null;
    scene = pilot.scene;
    size = scene.count;
    if ([...roots].some((root) => !scene.docs.has(root) && !scene.shadows.has(root))) unwatch();
    observer.takeRecords();
    reset();
    follow();
    const now = surroundings();
    if (now !== environment || !rules) rules = readRules();
    environment = now;
    for (const rule of rules?.dynamic ?? []) rule.held = matching(rule);
    return { ...found, version: `${token}.${++version}` };
  };

  const changes = ({ prefix = "", since = "", seconds = Infinity } = {}) => {
    if (isInlined()) return null;
    take(observer.takeRecords());
    if (!scene || scene !== pilot.scene || scene.prefix !== prefix || since !== `${token}.${version}`) return whole(prefix, seconds);
    if (scene.count > 4 * size + 2000) return whole(prefix, seconds);
    if (lost || surroundings() !== environment || !compare()) return whole(prefix, seconds);
    const rested = !deep.size && !flat.size && !gone.length;
    // What was cut off may be in sight now.
    if (scene.beyond && !rested) return whole(prefix, seconds);
    const written = rested ? [] : patches();
    if (!written) return whole(prefix, seconds);
    reset();
    if (written.length) {
      follow();
      if (!inFront(false)) return whole(prefix, seconds);
    }
    return { patches: written, url: location.href, title: document.title, date: today(), missing: missing(), version: `${token}.${++version}` };
  };

  Object.assign(pilot, { changes: undisturbed(changes) });
})();

// Hears what a person does on the page, and tells it as fills, choices, checks and clicks, each with the page as it was before.
// It listens in the capture phase of the window, before the page's own code, and never writes to the page.
//
//   globalThis[Symbol.for("casepilot.recorder")]
//     .set([active, epoch]), .look(), .flush(), .pause(epoch) -> [document id, number of the last event sent]
// `look` tells of the page as it has become, where that is still to come; `flush` of a fill that is under way as well; `pause`
// does that and is silent from then on.
// Events go out through the binding `casepilotRecord(json)`, which the browser hands on at once, so that those before a
// navigation arrive too. An event: {doc, seq, epoch, kind, refs, value, role, snap, old}. `snap` is {id, html, url, title, date},
// or {id} of one already sent. `old` is what the field held, where the snapshot could only be taken after it had changed.
(() => {
  const KEY = Symbol.for("casepilot.recorder");
  if (globalThis[KEY]) return;
  const OURS = "casepilot-overlay";
  const BOXES = 3; // around a drawn list, its search field or button, up to what holds the native field too
  const CLICKED = 150; // ms after a click, and after a key, until the page is looked at again
  const TYPED = 400; // ms after typing
  const SET_BY_CHANGE = new Set(["range", "color", "file"]);
  const RECENT = 1500; // ms for which a snapshot made when a field was entered still is the page before its first input
  const widgets = globalThis[Symbol.for("casepilot.widgets")];
  const settle = globalThis[Symbol.for("casepilot.settle")];
  const { setTimeout, clearTimeout } = globalThis[Symbol.for("casepilot.causes")].browser; // nobody waits for what is set here
  const doc = Math.random().toString(36).slice(2, 12);

  let active = true;
  let epoch = null;
  let seq = 0;
  let pending = null; // the field being filled: {field, snap, old, patched, entered}
  let choosing = null; // the combobox being worked: {field, snap}
  let down = null; // the last press of the pointer or a key: {snap, target, at}
  let entered = null; // the field last focused: {field, snap, at}
  let mixed = null; // the box that was in its third state when it was last pressed: {box, snap}
  let scripted = false; // inside the page's handling of a person's event: what it dispatches is not the person's doing
  const known = new WeakMap(); // what selects and radio groups last showed

  // -- the page as it is now ------------------------------------------------------------------------------------------------
  // Same-origin frames are serialised by the frame above.
  const home = (() => {
    let found = window;
    for (let scope = window; scope !== scope.parent; ) {
      scope = scope.parent;
      try {
        if (scope[Symbol.for("casepilot")]) found = scope;
      } catch {
        break; // a cross-origin parent
      }
    }
    return found;
  })();
  const pilot = () => home[Symbol.for("casepilot")];
  const whole = home === home.top;

  let last = null;
  let count = 0;
  const snapshot = () => {
    const stamp = settle.stamp() + (home === window ? "" : home[Symbol.for("casepilot.settle")]?.stamp());
    if (last?.stamp !== stamp) {
      const read = pilot()?.serialize({ prefix: pilot().prefix ?? "" });
      last = { stamp, id: ++count, page: read };
      learn();
    }
    return last;
  };

  const learn = () => {
    for (const node of document.querySelectorAll("select,input[type=radio],input[type=range],input[type=color]")) {
      known.set(groupOf(node), node.localName === "select" || node.type === "radio" ? widgets.value(node) : node.value);
    }
  };
  const groupOf = (node) => (node.type !== "radio" ? node : (widgets.radios(node)[0] ?? node));
  const before = (node) => {
    const remembered = known.get(groupOf(node));
    if (remembered !== undefined) return remembered;
    if (node.localName !== "select") return node.type === "radio" ? "" : node.defaultValue;
    const initial = [...node.options].find((option) => option.defaultSelected) ?? node.options[0];
    return initial ? widgets.fold(initial.label || initial.text) : "";
  };

  // -- telling --------------------------------------------------------------------------------------------------------------
  const refOf = (element) => (pilot().prefix ?? "") + pilot().refOf(element);
  const refsOf = (elements) => elements.map(refOf);
  const around = (element) => {
    const found = [element];
    for (let node = element; found.length < 10; ) {
      node = node.assignedSlot ?? node.parentElement ?? node.getRootNode().host;
      if (!node || node.localName === "body" || node.localName === "html") break;
      found.push(node);
    }
    return found;
  };

  // Some time after a gesture, the page as it has become: what a script made of it.
  let resting = 0;
  const rest = () => {
    clearTimeout(resting);
    resting = 0;
    if (active && !pending) tell("rest", [], snapshot());
  };
  const restSoon = (wait) => {
    clearTimeout(resting);
    resting = setTimeout(rest, wait);
  };

  const tell = (kind, elements, snap, more = {}) => {
    if (!active || typeof globalThis.casepilotRecord !== "function" || !snap?.page) return;
    const { html, url, title, date } = snap.page;
    const carried = snap.told ? { id: snap.id } : { id: snap.id, html, url, title, date };
    snap.told = true;
    const event = { doc, seq: ++seq, epoch, whole, kind, refs: refsOf(elements), snap: carried, ...more };
    globalThis.casepilotRecord(JSON.stringify(event));
    if (kind === "fill") restSoon(TYPED); // a field that is drawn anew with every key tells of each
    else if (kind !== "rest" && !resting) restSoon(CLICKED);
  };

  const secret = (field) => pilot().isSecret?.(field) || field.type === "password";

  const commit = () => {
    const done = pending;
    pending = null;
    if (!done || secret(done.field)) return;
    let value = widgets.value(done.field);
    const submitted = Boolean(done.entered) && !value.trim();
    if (submitted) value = done.entered;
    if (value === done.old && !submitted) return;
    tell("fill", around(done.field), done.snap, { value, old: done.patched ? done.old : null, submitted });
  };

  // -- who an event is for --------------------------------------------------------------------------------------------------
  const TEXT = new Set(["input", "editor"]);
  const lineOf = (node) => {
    const found = [];
    for (let at = node; at; at = at.assignedSlot ?? at.parentElement ?? at.getRootNode().host) found.push(at);
    return found;
  };
  const pathOf = (event) => event.composedPath().filter((node) => node.nodeType === 1);
  const ignored = (event) => !active || event.composedPath().some((node) => node.localName === OURS);

  const fieldOf = (path) => {
    const first = path[0];
    if (!first) return null;
    if (first.localName === "input" || first.localName === "textarea") {
      const kind = widgets.kind(first);
      return TEXT.has(kind) || kind === "combobox" ? first : null;
    }
    return path.find((node) => widgets.isEditor(node)) ?? null;
  };
  const comboboxOf = (path) => path.find((node) => widgets.kind(node) === "combobox") ?? null;
  const optionOf = (path) => path.find((node) => widgets.role(node) === "option") ?? null;

  const ownerOf = (option) => {
    const list = option.closest("[role=listbox]") ?? option.parentElement;
    const owns = (node) => {
      const popup = widgets.popup(node);
      return popup && (popup === list || popup.contains(option));
    };
    if (choosing && choosing.field.isConnected && (owns(choosing.field) || choosing.field.contains(option))) return choosing.field;
    const scopes = [option.getRootNode(), document];
    for (const scope of scopes) {
      for (const node of scope.querySelectorAll("[aria-controls],[aria-owns]")) {
        if (widgets.kind(node) === "combobox" && owns(node)) return node;
      }
    }
    return option.closest("[role=combobox]") ?? list;
  };

  const recently = (mark, test) => (mark && Date.now() - mark.at < RECENT && test(mark) ? mark.snap : null);

  const channel = new MessageChannel();
  channel.port1.onmessage = () => (scripted = false);
  const handling = (event) => {
    if (!event.isTrusted) return;
    scripted = true;
    channel.port2.postMessage(0);
  };

  // Whether the page's code made this event up. Other programs drive fields by made-up events too, but not from inside the
  // page's handling of a person's event, or on the field that has the focus.
  const dispatched = (event) => {
    if (event.isTrusted || !scripted) return false;
    const node = event.composedPath()[0];
    return node !== node.getRootNode().activeElement;
  };

  // Of three states a person goes through all: what a press on the third came to is told by the page as it is then.
  const press = (path) => {
    const box = path.map((node) => (node.localName === "label" ? node.control : node)).find((node) => node && widgets.kind(node) === "check");
    mixed = box && widgets.value(box) === "mixed" ? { box, snap: snapshot() } : null;
  };
  const tick = (box, snap, value, old) => {
    if (mixed?.box === box) tell("enter", around(box), mixed.snap);
    else tell("check", around(box), snap, { value, old });
  };

  // -- listening ------------------------------------------------------------------------------------------------------------
  const onPress = (event) => {
    if (ignored(event) || !event.isTrusted) return;
    const path = pathOf(event);
    const option = optionOf(path);
    const combobox = comboboxOf(path);
    const own = pending && (path.includes(pending.field) || (option && ownerOf(option) === pending.field));
    if (pending && !own) commit();
    down = { snap: snapshot(), target: path[0], at: Date.now() };
    press(path);
    if (combobox && choosing?.field !== combobox && !option) choosing = { field: combobox, snap: down.snap };
    else if (choosing && !option && !combobox) choosing = null;
    if (option && pending) pending.picking = true;
    handling(event);
  };

  // A list may be gone before the click that chose from it is complete.
  const onRelease = (event) => {
    if (!ignored(event) && event.isTrusted) restSoon(CLICKED);
  };

  const onFocus = (event) => {
    if (ignored(event)) return;
    const field = fieldOf(pathOf(event));
    if (!field || entered?.field === field) return;
    const snap = recently(down, (mark) => pathOf(event).includes(mark.target)) ?? snapshot();
    entered = { field, snap, at: Date.now(), old: widgets.value(field) };
    if (widgets.kind(field) === "combobox" && choosing?.field !== field) choosing = { field, snap };
  };

  const begin = (field, after) => {
    if (pending?.field === field) return;
    commit();
    const recent = recently(entered, (mark) => mark.field === field);
    const old = after ? (entered?.field === field ? entered.old ?? "" : field.defaultValue ?? "") : widgets.value(field);
    pending = { field, snap: recent ?? snapshot(), old, patched: after && !recent, entered: "" };
    if (widgets.kind(field) === "combobox") choosing = choosing?.field === field ? choosing : { field, snap: pending.snap };
  };

  const onBeforeInput = (event) => {
    const field = ignored(event) ? null : fieldOf(pathOf(event));
    if (field) begin(field, false);
  };

  const onInput = (event) => {
    if (ignored(event) || dispatched(event)) return;
    const field = fieldOf(pathOf(event));
    if (field) begin(field, true);
  };

  // Of a list that takes several: what has come to be chosen, if that is one.
  const added = (now, old) => {
    const had = old.split(", ");
    const more = now.split(", ").filter((label) => !had.includes(label));
    return more.length === 1 && had.every((label) => !label || now.split(", ").includes(label)) ? more[0] : now;
  };

  const onChange = (event) => {
    if (ignored(event) || dispatched(event)) return;
    const node = pathOf(event)[0];
    if (!node) return;
    if (node.localName === "select") {
      const old = before(node);
      const now = widgets.value(node);
      commit();
      if (now !== old) tell("select", around(node), snapshot(), { value: node.multiple ? added(now, old) : now, old });
      known.set(node, now);
      down = null; // the click of the press that opened its list may come after this, and is on the page as it is now
    } else if (node.localName === "input" && node.type === "radio") {
      const old = before(node);
      commit();
      const now = widgets.label(node);
      if (now !== old) tell("select", [...widgets.radios(node), ...around(node)], snapshot(), { value: now, old, option: refOf(node) });
      known.set(groupOf(node), now);
    } else if (node.localName === "input" && node.type === "checkbox") {
      commit();
      tick(node, snapshot(), node.checked ? "on" : "off", node.checked ? "off" : "on");
    } else if (node.localName === "input" && SET_BY_CHANGE.has(node.type)) {
      const old = node.type === "file" ? "" : before(node);
      const now = node.type === "file" ? [...node.files].map((file) => file.name).join(", ") : node.value;
      commit();
      if (now !== old) tell("fill", around(node), snapshot(), { value: now, old });
      known.set(node, now);
    } else if (pending?.field === node && !pending.picking && widgets.kind(node) !== "combobox") commit();
    handling(event);
  };

  const onBlur = (event) => {
    if (ignored(event)) return;
    const path = pathOf(event);
    entered = null;
    if (pending && path.includes(pending.field) && !pending.picking) commit();
  };

  // The native field that a drawn list stands for, which may be what the view has: the only select in the box drawn around it.
  const behind = (owner) => {
    if (owner.localName === "select") return [];
    let box = owner.parentElement;
    for (let steps = 0; steps < BOXES && box && box !== document.body; steps++, box = box.parentElement) {
      const found = [...box.querySelectorAll("select")];
      if (found.length) return found.length === 1 ? found : [];
    }
    return [];
  };

  const pick = (option) => {
    const owner = ownerOf(option);
    const snap = choosing?.field === owner ? choosing.snap : (recently(down, () => true) ?? snapshot());
    if (pending && (pending.field === owner || owner.contains(pending.field))) pending = null;
    commit();
    choosing = null;
    const inner = owner.querySelector("input");
    tell("select", [owner, ...(inner ? [inner] : []), ...behind(owner), ...around(owner)], snap, { value: widgets.label(option), option: refOf(option) });
  };

  const onKey = (event) => {
    if (ignored(event) || !event.isTrusted) return;
    const path = pathOf(event);
    if (event.key === "Enter" || event.key === " ") {
      press(path);
      const field = fieldOf(path);
      const combobox = comboboxOf(path) ?? path.find((node) => widgets.kind(node) === "listbox");
      const named = combobox?.getAttribute("aria-activedescendant") ?? path[0]?.getAttribute("aria-activedescendant");
      const option = named ? combobox?.getRootNode().getElementById(named) : optionOf(path);
      const typing = field && event.key === " ";
      if (option && !typing && widgets.visible(option)) pick(option);
      else if (event.key === "Enter" && pending && pending.field === field) {
        const line = field.localName === "input";
        if (line) commit();
        else if (!event.shiftKey && !event.ctrlKey && !event.altKey && !event.isComposing) {
          const mine = pending;
          mine.entered = widgets.value(field);
          // A composer that sends on Enter empties itself.
          setTimeout(() => pending === mine && !widgets.value(field).trim() && commit());
        }
      }
    } else if (event.key === "Escape") {
      if (pending && widgets.kind(pending.field) === "combobox") pending = null;
      choosing = null;
    }
    if (MOVES.has(event.key) && !pending && path[0]) {
      if (!resting) tell("enter", around(path[0]), snapshot());
      restSoon(TYPED);
    }
    handling(event);
  };

  const MOVES = new Set(["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown", "Enter"]);
  const FIELDS = new Set(["native-select", "combobox", "input", "editor", "listbox"]);
  const onClick = (event) => {
    if (ignored(event) || !event.isTrusted) return;
    handling(event);
    restSoon(CLICKED);
    // Where the page puts something under the mouse while it is pressed, the click is on what is around both.
    const pressed = recently(down, (mark) => mark.target !== event.composedPath()[0] && event.composedPath()[0].contains?.(mark.target));
    const path = pressed ? lineOf(down.target) : pathOf(event);
    const option = optionOf(path);
    if (option) {
      if (option.getAttribute("aria-disabled") !== "true") pick(option);
      return;
    }
    const node = path[0];
    if (!node) return;
    const was = () => recently(down, (mark) => path.includes(mark.target)) ?? snapshot();
    for (const above of path) {
      if (above.localName === "body") break;
      const kind = widgets.kind(above);
      const role = widgets.role(above);
      if (kind === "check") {
        if (above.localName === "input") return; // its change tells
        commit();
        tick(above, was(), widgets.checked(above) ? "off" : "on", null);
        return;
      }
      if (kind === "radios" && role === "radio") {
        commit();
        if (!widgets.checked(above)) tell("select", [...widgets.radios(above), ...around(above)], was(), { value: widgets.label(above), option: refOf(above) });
        return;
      }
      if (above.localName === "input" && above.type === "radio") return;
      if (FIELDS.has(kind)) {
        tell("enter", around(node), was());
        return;
      }
      if (above.localName === "label" && above.control) return;
      if (above.localName === "button" || above.localName === "a" || role === "button" || role === "link" || role === "tab") break;
    }
    const page = was();
    commit();
    choosing = null;
    tell("click", around(node), page);
  };

  const LISTENERS = {
    pointerdown: onPress,
    pointerup: onRelease,
    focusin: onFocus,
    beforeinput: onBeforeInput,
    input: onInput,
    change: onChange,
    focusout: onBlur,
    keydown: onKey,
    click: onClick,
  };
  const onLeave = () => commit();
  const listen = () => {
    for (const [type, listener] of Object.entries(LISTENERS)) addEventListener(type, listener, { capture: true, passive: true });
    addEventListener("pagehide", onLeave, { capture: true });
  };
  listen();
  // document.open(), with which editors write the page of their frame, takes all listeners away; adding one twice adds nothing.
  new MutationObserver(listen).observe(document, { childList: true });

  const set = ([now, number]) => {
    active = now;
    epoch = number;
    pending = choosing = down = entered = null;
    learn();
    const focused = document.activeElement;
    if (active && focused && fieldOf([focused])) entered = { field: focused, snap: snapshot(), at: 0, old: widgets.value(focused) };
    return true;
  };
  const look = () => {
    if (resting) rest();
    return [doc, seq];
  };
  const flush = () => {
    if (pending && !pending.picking) commit();
    return look();
  };
  const pause = (number) => {
    const sent = flush();
    set([false, number]);
    return sent;
  };

  learn();
  document.addEventListener("DOMContentLoaded", learn);
  Object.defineProperty(globalThis, KEY, { value: { set, look, flush, pause } });
  globalThis.casepilotRecord?.(JSON.stringify({ doc, seq: 0, kind: "hello" }))?.then((state) => {
    if (epoch === null && state) [active, epoch] = state;
  });
})();

// The hand-off card and the outline around the field it speaks of, in a closed shadow root over the page. It moves nothing.
//
//   globalThis[Symbol.for("casepilot.overlay")].show({ref, suggestion, reason, alternatives, reasons, token, card, edit, problem})
//   .hide()
// A verdict goes out through the binding `casepilotVerdict(token, kind, argument)`: the reason of a reject, the value of an edit.
// Only a person's own input counts, and what they type into the card is heard by nobody else.
(() => {
  const KEY = Symbol.for("casepilot.overlay");
  if (globalThis[KEY]) return;

  const STYLE = `
    :host { all: initial; }
    * { box-sizing: border-box; }
    .outline {
      position: fixed; pointer-events: none; border-radius: 8px; border: 2.5px solid #4f46e5;
      box-shadow: 0 0 0 4px rgba(79, 70, 229, .22), 0 4px 18px rgba(30, 27, 75, .18);
      transition: opacity .12s ease-out;
    }
    .outline[hidden], .card[hidden] { display: none; }
    .flag {
      position: absolute; left: -2px; top: -23px; padding: 1px 8px; border-radius: 999px; background: #4f46e5; color: #fff;
      font: 600 11px/18px system-ui, -apple-system, "Segoe UI", sans-serif; letter-spacing: .02em; white-space: nowrap;
    }
    .card {
      position: fixed; width: 344px; max-width: calc(100vw - 24px); max-height: calc(100vh - 24px); overflow: auto;
      pointer-events: auto; background: #fff; color: #1f2937; border-radius: 14px; border: 1px solid #e2e4f0;
      box-shadow: 0 18px 50px rgba(17, 24, 39, .24), 0 2px 6px rgba(17, 24, 39, .10);
      font: 14px/1.45 system-ui, -apple-system, "Segoe UI", sans-serif;
    }
    header {
      display: flex; align-items: center; gap: 8px; padding: 11px 16px; border-bottom: 1px solid #eef0f6; cursor: grab;
      font-weight: 600; font-size: 12.5px; color: #4338ca; background: linear-gradient(#f6f6ff, #fbfbff);
      border-radius: 14px 14px 0 0; user-select: none;
    }
    header:active { cursor: grabbing; }
    .dot { width: 8px; height: 8px; border-radius: 50%; background: #f59e0b; box-shadow: 0 0 0 3px rgba(245, 158, 11, .22); }
    .body { padding: 14px 16px 4px; }
    .suggestion { font-size: 15px; font-weight: 600; color: #111827; white-space: pre-wrap; overflow-wrap: anywhere; }
    .suggestion.long { font-weight: 450; font-size: 14px; max-height: 150px; overflow: auto; background: #f8fafc; padding: 9px 11px;
      border-radius: 9px; border: 1px solid #e5e9f2; }
    .reason { margin-top: 9px; color: #57606f; font-size: 13px; overflow-wrap: anywhere; }
    h4 { margin: 13px 0 4px; font-size: 11.5px; font-weight: 600; color: #6b7280; }
    ul { margin: 0; padding: 0; list-style: none; }
    li { padding: 3px 0 3px 14px; position: relative; font-size: 13px; color: #374151; overflow-wrap: anywhere; }
    li::before { content: ""; position: absolute; left: 2px; top: 11px; width: 5px; height: 5px; border-radius: 50%; background: #c3c7d6; }
    .buttons { display: flex; gap: 8px; padding: 14px 16px 16px; }
    button {
      font: inherit; font-weight: 600; font-size: 13.5px; padding: 8px 12px; border-radius: 9px; border: 1px solid #d5d8e4;
      background: #fff; color: #374151; cursor: pointer; display: inline-flex; align-items: center; justify-content: center; gap: 8px;
    }
    button:hover { background: #f6f7fb; }
    button:focus-visible { outline: 3px solid rgba(79, 70, 229, .45); outline-offset: 1px; }
    .accept { flex: 1; background: #4f46e5; border-color: #4f46e5; color: #fff; }
    .accept:hover { background: #4338ca; }
    .reject { flex: 1; }
    kbd { font: 600 10.5px/16px ui-monospace, Menlo, monospace; padding: 0 5px; border-radius: 5px; background: rgba(120, 125, 150, .16); }
    .accept kbd { background: rgba(255, 255, 255, .22); }
    .why { padding: 0 16px 14px; display: grid; gap: 6px; }
    .why[hidden] { display: none; }
    .why p { margin: 2px 0 2px; font-size: 12.5px; color: #57606f; }
    .why button { justify-content: flex-start; font-weight: 500; padding: 7px 11px; font-size: 13px; }
    .why kbd { min-width: 18px; text-align: center; }
    .edit { padding: 0 16px 14px; display: grid; gap: 7px; }
    .edit[hidden] { display: none; }
    .edit label { font-size: 12.5px; font-weight: 600; color: #57606f; overflow-wrap: anywhere; }
    .edit input, .edit select, .edit textarea {
      font: inherit; width: 100%; padding: 8px 10px; border-radius: 9px; border: 1px solid #8a90a6; background: #fff; color: #111827;
    }
    .edit textarea { min-height: 92px; resize: vertical; }
    .edit :focus-visible { outline: 3px solid rgba(79, 70, 229, .45); outline-offset: 1px; }
    .problem { color: #b4232c; font-size: 12.5px; margin: 0; overflow-wrap: anywhere; }
    .hint { padding: 0 16px 14px; font-size: 12px; color: #7b8190; }
    @media (prefers-reduced-motion: reduce) { .outline { transition: none; } }
  `;

  const make = (tag, className, text) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  };

  let host = null;
  let state = null;

  const hide = () => {
    state?.stop();
    host?.remove();
    host = state = null;
  };

  // Where an element is in this window, also one inside a same-origin frame.
  const place = (element) => {
    const box = element.getBoundingClientRect();
    let { left, top } = box;
    for (let view = element.ownerDocument.defaultView; view && view !== window; view = view.parent) {
      const frame = view.frameElement;
      if (!frame) break;
      const outer = frame.getBoundingClientRect();
      left += outer.left + frame.clientLeft;
      top += outer.top + frame.clientTop;
    }
    return { left, top, width: box.width, height: box.height };
  };

  // The input for a field: its kind is `text`, `long`, `select`, `check` or one of HTML's own types.
  const field = ({ kind, value, options, required, max_length, min, max }) => {
    const node = make(kind === "long" ? "textarea" : kind === "select" || kind === "check" ? "select" : "input");
    if (node.localName === "select") {
      const choices = kind === "check" ? [["on", "ticked"], ["off", "not ticked"]] : options.map((label) => [label, label]);
      for (const [chosen, words] of choices) node.append(new Option(words, chosen, false, chosen === value));
      if (!choices.some(([chosen]) => chosen === value)) node.selectedIndex = -1;
      return node;
    }
    if (node.localName === "input") node.type = kind;
    if (kind === "number") node.step = "any";
    for (const [name, given] of Object.entries({ min, max, maxLength: max_length })) if (given) node[name] = given;
    node.required = Boolean(required);
    node.value = value;
    return node;
  };

  const show = ({ ref, suggestion, reason, alternatives, reasons, token, card, edit, problem }) => {
    hide();
    const element = ref ? globalThis[Symbol.for("casepilot")]?.element?.(ref) ?? null : null;
    host = make("casepilot-overlay");
    host.style.cssText = "all: initial; position: fixed; inset: 0; z-index: 2147483647; pointer-events: none; contain: layout style;";
    const root = host.attachShadow({ mode: "closed" });
    root.append(make("style", "", STYLE));
    const outline = root.appendChild(make("div", "outline"));
    outline.append(make("span", "flag", card ? "Your decision" : "Here"));
    outline.hidden = true;
    const panel = make("section", "card");
    const cleanups = [];
    const on = (target, type, listener, options) => {
      target.addEventListener(type, listener, options);
      cleanups.push(() => target.removeEventListener(type, listener, options));
    };

    const send = (kind, why) => {
      if (!state || state.sent) return;
      state.sent = true;
      globalThis.casepilotVerdict(token, kind, why);
      hide();
    };

    let asking = false;
    const why = make("div", "why");
    why.hidden = true;
    const change = make("form", "edit");
    change.hidden = true;
    let entry = null;
    const fold = () => {
      asking = false;
      why.hidden = change.hidden = true;
    };
    const amend = () => {
      if (!entry) return;
      fold();
      change.hidden = false;
      layout();
      entry.focus({ preventScroll: true });
      if (entry.select) entry.select();
      change.scrollIntoView({ block: "nearest" });
    };
    const amended = () => {
      if (!change.hidden && change.reportValidity()) send("edit", entry.value);
    };
    const ask = () => {
      fold();
      asking = true;
      why.hidden = false;
      layout();
      why.querySelector("button")?.focus({ preventScroll: true });
      why.scrollIntoView({ block: "nearest" });
    };

    if (card) {
      panel.setAttribute("role", "region");
      panel.setAttribute("aria-label", "casepilot hand-off");
      const head = make("header");
      head.append(make("span", "dot"), make("span", "", "casepilot asks for your decision"));
      const body = make("div", "body");
      body.append(make("div", suggestion.length > 120 ? "suggestion long" : "suggestion", suggestion));
      if (reason) body.append(make("div", "reason", reason));
      if (alternatives.length) {
        body.append(make("h4", "", "It also considered"));
        const list = make("ul");
        for (const text of alternatives) list.append(make("li", "", text));
        body.append(list);
      }
      const buttons = make("div", "buttons");
      const accept = make("button", "accept", "Accept");
      accept.append(make("kbd", "", "Alt A"));
      const reject = make("button", "reject", "Reject");
      reject.append(make("kbd", "", "Alt R"));
      buttons.append(accept, reject);
      if (edit) {
        const open = make("button", "", "Edit");
        open.append(make("kbd", "", "Alt E"));
        buttons.insertBefore(open, reject);
        on(open, "click", (event) => event.isTrusted && amend());
        entry = field(edit);
        entry.id = "entry";
        const name = make("label", "", edit.label);
        name.htmlFor = entry.id;
        const done = make("button", "accept", "Use this instead");
        done.type = "submit";
        done.append(make("kbd", "", edit.kind === "long" ? "Ctrl Enter" : "Enter"));
        change.append(name, entry);
        if (problem) change.append(make("p", "problem", problem));
        change.append(done);
        on(change, "submit", (event) => event.preventDefault());
        on(done, "click", (event) => event.isTrusted && amended());
      }
      why.append(make("p", "", "Why not?"));
      reasons.forEach(([value, words], index) => {
        const choice = make("button");
        choice.append(make("kbd", "", String(index + 1)), make("span", "", words));
        on(choice, "click", (event) => event.isTrusted && send("reject", value));
        why.append(choice);
      });
      on(accept, "click", (event) => event.isTrusted && send("accept", null));
      on(reject, "click", (event) => event.isTrusted && ask());
      panel.append(head, body, buttons, change, why, make("div", "hint", "Or simply do the step yourself in the page."));
      root.append(panel);
      drag(head, panel, on, () => (state.moved = true));
      const ours = (event) => event.target === host;
      on(
        window,
        "keydown",
        (event) => {
          if (!event.isTrusted) return;
          const plain = event.altKey && !event.ctrlKey && !event.metaKey;
          const typing = ours(event) && !change.hidden && root.activeElement === entry;
          if (typing && event.key === "Enter" && (edit.kind !== "long" || event.ctrlKey)) amended();
          else if (typing && event.key === "Escape") fold();
          else if (typing && !plain) return event.stopImmediatePropagation();
          else if (plain && event.code === "KeyA") send("accept", null);
          else if (plain && event.code === "KeyE" && entry) amend();
          else if (plain && event.code === "KeyR") asking ? send("reject", null) : ask();
          else if (asking && /^Digit[1-9]$/.test(event.code) && reasons[event.code.slice(5) - 1]) send("reject", reasons[event.code.slice(5) - 1][0]);
          else if (asking && event.code === "Escape") fold();
          else return;
          event.preventDefault();
          event.stopImmediatePropagation();
        },
        { capture: true },
      );
      // What is typed into the card is none of the page's business, whose shortcuts it would set off.
      for (const type of ["keypress", "keyup", "beforeinput", "input", "change", "paste", "copy", "cut"])
        on(window, type, (event) => ours(event) && event.stopImmediatePropagation(), { capture: true });
    }

    // Last in the document, outside of the body; in the open modal dialog while there is one, for all else is out of reach.
    const settleIn = () => {
      const home = [...document.querySelectorAll("dialog:modal")].pop() ?? document.documentElement;
      if (host.parentNode !== home) home.append(host);
    };

    const PAD = 5;
    let queued = 0;
    const layout = () => {
      queued = 0;
      if (!host) return;
      settleIn();
      let box = null;
      if (element?.isConnected && element.checkVisibility()) {
        box = place(element);
        Object.assign(outline.style, {
          left: `${box.left - PAD}px`,
          top: `${box.top - PAD}px`,
          width: `${box.width + 2 * PAD}px`,
          height: `${box.height + 2 * PAD}px`,
        });
      }
      outline.hidden = !box;
      if (card && !state.moved) beside(panel, box);
    };
    const later = () => {
      if (!queued) queued = requestAnimationFrame(layout);
    };
    on(window, "scroll", later, { capture: true, passive: true });
    on(window, "resize", later, { passive: true });
    const observer = new MutationObserver(later);
    observer.observe(document, { subtree: true, childList: true, attributes: true });
    cleanups.push(() => observer.disconnect(), () => cancelAnimationFrame(queued));
    if (element) {
      const sized = new ResizeObserver(later);
      sized.observe(element);
      cleanups.push(() => sized.disconnect());
    }

    state = { stop: () => cleanups.forEach((cleanup) => cleanup()), sent: false, moved: false };
    element?.scrollIntoView({ block: "center", inline: "nearest", behavior: "instant" });
    layout();
    if (problem) amend();
    return Boolean(element);
  };

  // Where the card covers neither the field nor leaves the window: right of it, left, below, above, else the corner.
  const beside = (panel, box) => {
    const GAP = 14;
    const { width, height } = panel.getBoundingClientRect();
    const fits = (left, top) => left >= 12 && top >= 12 && left + width <= innerWidth - 12 && top + height <= innerHeight - 12;
    const clampTop = (top) => Math.max(12, Math.min(top, innerHeight - height - 12));
    const clampLeft = (left) => Math.max(12, Math.min(left, innerWidth - width - 12));
    let spot = [innerWidth - width - 16, innerHeight - height - 16];
    if (box) {
      // First at the window's edge, where it covers the least of the page.
      const edge = innerWidth - width - 16;
      const spots = [
        [edge >= box.left + box.width + GAP ? edge : innerWidth, clampTop(box.top - 8)],
        [box.left + box.width + GAP, clampTop(box.top - 8)],
        [box.left - width - GAP, clampTop(box.top - 8)],
        [clampLeft(box.left), box.top + box.height + GAP],
        [clampLeft(box.left), box.top - height - GAP - 8],
      ];
      spot = spots.find(([left, top]) => fits(left, top)) ?? spot;
    }
    panel.style.left = `${Math.max(12, spot[0])}px`;
    panel.style.top = `${Math.max(12, spot[1])}px`;
  };

  const drag = (handle, panel, on, moved) => {
    let from = null;
    on(handle, "pointerdown", (event) => {
      const box = panel.getBoundingClientRect();
      from = { x: event.clientX - box.left, y: event.clientY - box.top };
      handle.setPointerCapture(event.pointerId);
      moved();
    });
    on(handle, "pointermove", (event) => {
      if (!from) return;
      panel.style.left = `${event.clientX - from.x}px`;
      panel.style.top = `${event.clientY - from.y}px`;
    });
    on(handle, "pointerup", () => (from = null));
  };

  Object.defineProperty(globalThis, KEY, { value: { show, hide } });
})();

// Notes what the rendered DOM does not tell: which elements have handlers of clicks of their own, and when one gets a shadow root.
// Runs before the page's scripts; handlers that were added before it came stay unknown.
//
//   globalThis[Symbol.for("casepilot")].ears
//     .heard: elements with such handlers    .tell(element): called, where it is set, when an element gets its first, loses its last, or
//                                                                         gets a shadow root
//
// A page and the frames of its origin have the same ears. What the page calls is the browser's own function behind a proxy:
// the same name, length, result and errors. A handler that removes itself after one click (`once`) is noted for good.
(() => {
  const pilot = (globalThis[Symbol.for("casepilot")] ??= {});
  if (pilot.ears) return;
  try {
    pilot.ears = parent[Symbol.for("casepilot")]?.ears;
  } catch {
    // a parent of another origin: this frame speaks for itself
  }
  const ears = (pilot.ears ??= { heard: new WeakMap(), tell: null });
  const { heard } = ears;
  const { apply } = Reflect;
  const own = EventTarget.prototype;
  const { addEventListener } = own;

  const capturing = (options) => Boolean(options !== null && /^(object|function)$/.test(typeof options) ? options.capture : options);

  // A handler is known by itself and its phase: adding the same once more adds nothing.
  const added = (element, handler, options) => {
    if (!handler || options?.signal?.aborted) return;
    const phase = capturing(options) ? 1 : 2;
    let handlers = heard.get(element);
    if (!handlers) heard.set(element, (handlers = new Map()));
    handlers.set(handler, (handlers.get(handler) ?? 0) | phase);
    if (options?.signal) apply(addEventListener, options.signal, ["abort", () => removed(element, handler, options), { once: true }]);
    if (handlers.size === 1) ears.tell?.(element);
  };

  const removed = (element, handler, options) => {
    const handlers = heard.get(element);
    const phases = handlers?.get(handler);
    if (!phases) return;
    const left = phases & ~(capturing(options) ? 1 : 2);
    if (left) handlers.set(handler, left);
    else handlers.delete(handler);
    if (handlers.size) return;
    heard.delete(element);
    ears.tell?.(element);
  };

  const listen = (name, note) => {
    own[name] = new Proxy(own[name], {
      apply(native, self, given) {
        const result = apply(native, self, given);
        try {
          if (given[0] === "click" && self?.nodeType === 1) note(self, given[1], given[2]);
        } catch {
          // options that can be read only once: the page has its handler, and we know nothing of it
        }
        return result;
      },
    });
  };
  listen("addEventListener", added);
  listen("removeEventListener", removed);

  const elements = Element.prototype;
  elements.attachShadow = new Proxy(elements.attachShadow, {
    apply(native, self, given) {
      const root = apply(native, self, given);
      ears.tell?.(self);
      return root;
    },
  });
})();

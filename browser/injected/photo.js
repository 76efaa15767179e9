// Where things stand on the page, in its own coordinates: for a picture with boxes. Nothing is touched.
//
//   ({refs, texts, pairs, region}) => ({refs: [box | null], texts: [...], pairs: [...], region: box | null})
// `texts`: words somewhere on the page; `pairs`: [label, value] that stand beside each other; `region`: [role, name].
({ refs, texts, pairs, region }) => {
  const pilot = globalThis[Symbol.for("casepilot")];
  const fold = (said) => (said ?? "").replace(/\s+/g, " ").trim();

  const roots = [document];
  const all = [];
  for (const root of roots) {
    for (const node of root.querySelectorAll("*")) {
      all.push(node);
      if (node.shadowRoot) roots.push(node.shadowRoot);
    }
  }

  const box = (element) => {
    if (!element?.isConnected || !element.checkVisibility?.()) return null;
    let { left, top, right, bottom } = element.getBoundingClientRect();
    for (let above = element.parentElement ?? element.getRootNode().host; above; above = above.parentElement ?? above.getRootNode().host) {
      if (above === document.body || above === document.documentElement) break;
      if (getComputedStyle(above).overflow === "visible") continue;
      const edge = above.getBoundingClientRect();
      left = Math.max(left, edge.left), top = Math.max(top, edge.top);
      right = Math.min(right, edge.right), bottom = Math.min(bottom, edge.bottom);
    }
    for (let frame = element.ownerDocument.defaultView?.frameElement; frame; frame = frame.ownerDocument.defaultView?.frameElement) {
      const edge = frame.getBoundingClientRect();
      left += edge.left, right += edge.left, top += edge.top, bottom += edge.top;
    }
    if (right - left < 2 || bottom - top < 2) return null;
    return [left + scrollX, top + scrollY, right - left, bottom - top];
  };

  // A field that something else is drawn in place of: the box around both.
  const control = (element) => {
    const own = box(element);
    if (own || !element?.isConnected || !element.matches("select,input,textarea")) return own;
    const around = box(element.parentElement);
    return around && around[2] < 700 && around[3] < 90 ? around : null;
  };

  const shown = all.filter((node) => !["SCRIPT", "STYLE", "TEMPLATE", "OPTION"].includes(node.tagName));
  const said = new Map();
  const words = (node) => {
    if (!said.has(node)) said.set(node, fold(node.textContent));
    return said.get(node);
  };
  const smallest = (found) => found.sort((one, other) => words(one).length - words(other).length)[0];
  const text = (wanted) => {
    const found = shown.filter((node) => node.textContent.length < 20000 && words(node).includes(wanted) && box(node));
    return box(smallest(found));
  };
  const pair = ([label, value]) => {
    const own = (node) => words(node).replace(/\s*:$/, "").toLowerCase();
    for (const node of shown) {
      if (node.childElementCount > 1 || own(node) !== label.toLowerCase() || !box(node)) continue;
      for (let above = node.parentElement, up = 0; above && up < 4; above = above.parentElement, up += 1) {
        if (!words(above).includes(value)) continue;
        if (words(above).length <= label.length + value.length + 8) return box(above);
        const held = smallest(shown.filter((one) => above.contains(one) && one !== node && words(one) === value && box(one)));
        if (!held) break;
        const [a, b] = [box(node), box(held)];
        const [left, top] = [Math.min(a[0], b[0]), Math.min(a[1], b[1])];
        return [left, top, Math.max(a[0] + a[2], b[0] + b[2]) - left, Math.max(a[1] + a[3], b[1] + b[3]) - top];
      }
      return box(node);
    }
    return null;
  };
  const named = ([role, name]) => {
    const label = (node) => {
      const by = node.getAttribute("aria-labelledby");
      const at = by ? by.split(/\s+/).map((id) => node.getRootNode().getElementById?.(id)?.textContent).join(" ") : "";
      return fold(node.getAttribute("aria-label") ?? at);
    };
    const found = shown.filter((node) => node.getAttribute("role") === role);
    return box(found.find((node) => !name || label(node) === name) ?? found[0]);
  };
  return {
    refs: refs.map((ref) => control(pilot?.element?.(ref))),
    texts: texts.map(text),
    pairs: pairs.map(pair),
    region: region ? named(region) : null,
  };
}

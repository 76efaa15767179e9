// Documents, their shadow roots and the frames in them.

// Documents with the shadow roots in them that may hold modal dialogs. Roots become known when their hosts are written.
const harbours = new WeakMap();

const enter = (doc) => {
  const modals = modalsIn(doc);
  for (const root of harbours.get(doc) ?? []) if (root.host.isConnected) modals.push(...modalsIn(root));
  const fore = foreground(modals);
  const focus = deepFocus(doc);
  const known = { fore, focus, front: fore, modals, body: doc.body };
  scene.docs.set(doc, known);
  if (doc.querySelector("base[href]")) scene.based = true;
  return known;
};

const discover = (root) => {
  scene.shadows.add(root);
  const doc = root.ownerDocument;
  if (!harbours.has(doc)) harbours.set(doc, new Set());
  const known = harbours.get(doc);
  if (known.has(root) || !modalsIn(root).length) return;
  known.add(root);
  scene.unforeseen = true;
};

const frame = (node, state, besideModal) => {
  let inner = null;
  try {
    inner = node.contentDocument;
  } catch {
    // cross-origin: captured by its own call
  }
  open("cp-frame", node, state);
  scene.frames.set(node, inner);
  for (const name of ["id", "name", "title", "aria-label", "src"]) {
    const value = node.getAttribute(name);
    if (value) attribute(name, value.slice(0, ATTRIBUTE_LIMIT));
  }
  attribute("cp-ref", scene.prefix + refOf(node));
  if (besideModal) attribute("cp-inert", "true");
  out += ">";
  const body = inner?.body;
  if (body) {
    const doc = enter(inner);
    const focused = state.doc?.focus === node;
    if (state.back) doc.fore = null;
    if (inner.designMode === "on" || body.isContentEditable) {
      open("div", body, state);
      attribute("contenteditable", "true");
      attribute("role", "textbox");
      attribute("aria-multiline", "true");
      attribute("aria-label", body.getAttribute("aria-label") ?? node.title ?? node.getAttribute("aria-label") ?? "");
      attribute("cp-ref", scene.prefix + refOf(body));
      writeEditor(body);
      if (focused) attribute("cp-focus", "true");
      out += "></div>";
    } else {
      if (!focused) doc.focus = null;
      children(body, { ...state, doc, pointer: false, locked: true });
    }
  }
  out += "</cp-frame>";
};

// An element with all that is in it.

const visit = (node, state) => {
  const tag = node.localName;
  if (SKIP.has(tag) || (scene.numbers.has(node) && node !== patch?.root)) return;
  nodes++;
  if (full()) return;
  const fore = state.doc?.fore;
  // The rest of the page is shut off while a modal dialog is open, often by these very attributes.
  let back = state.back;
  if (fore && !back && !state.inside) back = !fore.above.has(node) && !fore.roots.has(node);
  const besideModal = back && !state.back;
  if (!besideModal && !state.forced && !(fore && fore.above.has(node))) {
    if (node.inert) return;
    if (node.getAttribute("aria-hidden") === "true" && !(tag === "select" && drawnSelect(node))) return tooltip(node, state);
  }
  if (tag === "input" && node.type === "hidden") return;
  const style = state.forced ? null : getComputedStyle(node);
  const display = style ? style.display : "";
  const visible = seen(node, tag, state, style, display);
  if (visible === null) return;
  const inside = state.inside || Boolean(fore?.roots.has(node));
  const hiding = visible ? null : { level: state.level + 1, locked: locks(node, style), faded: state.faded || style.opacity === "0" };
  if (tag === "iframe" || tag === "frame") {
    frame(node, { ...state, back, inside: false }, besideModal);
    return;
  }
  if (tag === "svg") return graphic(node, state);

  const role = roleOf(node);
  const editor = isEditor(node);
  const native = NATIVE.has(tag) || (tag === "a" && node.hasAttribute("href"));
  const operable = native || editor || WIDGETS.has(role);
  // Nobody can operate what is not seen, though what stands in it may be.
  if (operable && !visible && !node.shadowRoot && display !== "contents") {
    if (!["input", "select", "textarea"].includes(tag)) children(node, { ...state, back, inside, text: false, ...hiding });
    return;
  }
  const name = NAME.test(tag) ? (tag === "frameset" ? "body" : tag) : "cp-element";
  if (visible && tag.includes("-") && isClosed(node)) scene.closed.add(node);
  const shadow = node.shadowRoot;
  if (visible || shadow || operable || role || node.id) {
    open(name, node, state);
    writeAttributes(node, tag, role);
    writeState(node, tag, editor, state);
    let clickable = false;
    if (!operable && (!role || role === "columnheader") && !state.operable && tag !== "label" && style) {
      if (!state.pointer) {
        clickable = Boolean(node.onclick) || (node.hasAttribute("tabindex") && node.tabIndex === 0) || style.cursor === "pointer";
        if (!clickable && node.className && BUTTON_CLASS.test(node.className)) scene.classed.set(node, (clickable = classed(node)));
        clickable ||= Boolean(toggles(node));
      }
      const what = !role && hasHandler(node, tag) ? pressed(node) : null;
      if (what !== null) scene.handled.set(node, what);
      clickable ||= Boolean(what) && !what.startsWith("beside");
      if (clickable) attribute("cp-clickable", what === null ? "true" : what.endsWith("icon") ? "icon" : "handler");
    }
    if (!state.forced && (tag === "select" || tag === "input")) {
      const face = drawing(node, tag);
      if (face) {
        attribute("cp-drawn", scene.prefix + refOf(face));
        scene.drawn.add(node);
      }
    }
    if (tag === "label" && [...node.querySelectorAll("[aria-hidden=true]")].some((mark) => mark.textContent.trim() === "*")) {
      attribute("cp-required", "true");
    }
    if (style && !operable && !INLINE.has(tag) && node.firstElementChild && style.position === "absolute") attribute("cp-floating", "true");
    if (operable || clickable || tag === "label" || scene.faces.has(node)) attribute("cp-ref", scene.prefix + refOf(node));
    if (besideModal) attribute("cp-inert", "true");
    if (style && display !== "inline" && display !== "contents" && INLINE.has(tag)) attribute("cp-block", "true");
    if ((tag === "table" || tag === "tbody") && node.rows.length > ROW_LIMIT) attribute("cp-total", node.rows.length);
    if (operable && (LINKS.some((name) => node.hasAttribute(name)) || node.getAttribute("aria-haspopup") === "listbox")) {
      if (!state.forced) scene.linkers.add(node);
      link(node);
    }
    if (VOID.has(tag)) {
      out += "/>";
      return;
    }
    const begin = out.length;
    out += ">";
    const below = {
      doc: state.doc,
      back,
      inside,
      operable: state.operable || operable || tag === "label",
      pointer: state.pointer || clickable,
      text: (visible && !(tag === "details" && !node.open)) || Boolean(style && display === "contents" && style.visibility === "visible"),
      forced: state.forced,
      level: state.level + 1,
      locked: style !== null && (shadow !== null || locks(node, style)),
      faded: state.faded || (!visible && style.opacity === "0"),
    };
    if (tag === "select") options(node);
    else if (tag === "textarea" || editor) {
      // its text is its value
    } else if (shadow) {
      discover(shadow);
      open("cp-shadow");
      out += ">";
      children(shadow, { ...below, text: true });
      out += "</cp-shadow>";
    } else {
      const spaced = style && node.className && SPACED.has(tag) && display === "inline";
      if (spaced && blank(node, "::before")) out += " ";
      children(node, below);
      if (spaced && blank(node, "::after")) out += " ";
    }
    const first = scene.windows.has(node) ? scene.windows.get(node) - headRows(node) : 0;
    if (first > 0) out = `${out.slice(0, begin)} cp-first="${first}"${out.slice(begin)}`;
    out += `</${name}>`;
    return;
  }
  const text = display === "contents" && style.visibility === "visible";
  children(node, { ...state, back, inside, text, ...hiding });
};

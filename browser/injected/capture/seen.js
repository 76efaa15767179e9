// What a person sees.

const holdsSized = (node) =>
  [...node.querySelectorAll("*")].some((inner) => inner.offsetWidth || inner.offsetHeight || inner.getBoundingClientRect().width);

// A text field of one pixel only takes the keys for what is drawn beside it.
const isProxy = (node, rect) => rect.height <= 1 && !TEXTLESS.has(node.type) && !roleOf(node) && !drawnText(node);

const operated = (node, tag) => NATIVE.has(tag) || tag === "a" || node.hasAttribute("contenteditable") || WIDGETS.has(roleOf(node));

// Whether its own style lets an element be seen.
const isDrawn = (style, display) =>
  display !== "none" && display !== "contents" && display !== "" && style.visibility === "visible" && style.opacity !== "0";

// Whether an element may not lay out its children, which their own styles do not tell.
const locks = (node, style) =>
  node.firstElementChild !== null && (node.localName === "details" || node.localName === "body" || style.contentVisibility !== "visible");

// Null: leave it out with all that is in it. Otherwise whether the element itself is seen.
const seen = (node, tag, state, style, display) => {
  if (state.forced || tag === "body") return true;
  if (state.locked ? node.checkVisibility(SHOWN) : isDrawn(style, display) && !state.faded) {
    const clips = display !== "inline" && style.overflow !== "visible";
    if (!clips && tag !== "iframe" && !operated(node, tag)) return true;
    const rect = node.getBoundingClientRect();
    if (rect.width && rect.height && rect.right > -1000) return !(tag === "input" && rect.width <= 1 && isProxy(node, rect)) || null;
    if (tag === "br" || tag === "option" || tag === "wbr") return true;
    if (tag === "input" && (DRAWN_OVER.has(node.type) || drawnText(node))) return true;
    if (rect.right <= -1000 && operated(node, tag)) return null; // parked beside the page
    const clipped = tag === "div" || tag === "span" ? clipping(node) : null;
    if (clipped) {
      scene.drawn.add(clipped);
      return drawnSelect(clipped) ? false : null;
    }
    if (rect.width && rect.height) return true;
    if (clips) {
      return /inline|table-row|table-column|table-.*-group/.test(display) ? true : null;
    }
    if (tag === "iframe" || (NATIVE.has(tag) && !node.firstChild)) return null;
    if (tag === "a" && !rect.width && !rect.height && node.hasAttribute("href") && !holdsSized(node)) return null;
    return true;
  }
  if (tag === "input" && DRAWN_OVER.has(node.type) && node.checkVisibility({ visibilityProperty: true })) return true;
  if (tag === "select" && drawnSelect(node)) return true;
  if (display === "contents") return false;
  if (tag === "input" && display !== "none" && style.visibility === "visible" && drawnText(node)) return true;
  if (tag === "input" && node.type === "file" && display === "none" && hasLabel(node)) return true;
  if (display === "none" || !node.checkVisibility({ opacityProperty: true })) {
    // An opacity of nought hides all, save inputs that are drawn over.
    return display !== "none" && node.querySelector("input[type=checkbox],input[type=radio],input[type=file]") ? false : null;
  }
  return false; // visibility: hidden, which children may undo
};

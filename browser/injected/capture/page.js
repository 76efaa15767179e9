// Serialises the rendered DOM to compact, well-formed HTML with its live state in attributes.
//
// The attributes are those of schema_extraction/snapshot.py. Nothing here writes to the page: no attribute, event, focus or
// scroll. What a page knows of us is one symbol on its global object:
//
//   globalThis[Symbol.for("casepilot")]
//     .serialize({prefix, seconds}) -> {html, url, title, date, missing} | null   (null: this frame is inlined by its same-origin
//                                                                parent; what is not written after `seconds` is left out)
//     .scene                                                    (what the last call wrote; journal.js keeps it up to date)
//     .element(ref) -> Element | null                           (null: gone from the page, or of another document)
//     .refOf(element) -> ref                                    (the same for the life of the element)
//     .prefix                                                   ("" or the frame prefix that serialize was last given)
//
// The files of this folder are the parts of one function, in the order that browser/capture.py names them.
const pilot = (globalThis[Symbol.for("casepilot")] ??= {});
if (pilot.serialize) return;
const { heard } = pilot.ears;

// -- built-ins ----------------------------------------------------------------------------------------------------------
// As they were before any script of the page ran.
const { Map, Set, WeakMap, WeakSet, WeakRef, performance, getComputedStyle } = globalThis;
const BUILT_IN = [
  [Array.prototype, "map filter flatMap some every find includes join slice push sort shift values"],
  [String.prototype, "replace trim split slice startsWith includes toLowerCase match matchAll padStart toWellFormed"],
  [RegExp.prototype, "test exec"],
  [Map.prototype, "get set has delete keys entries"],
  [Set.prototype, "has add delete values"],
  [Element.prototype, "getAttribute hasAttribute querySelector querySelectorAll matches closest checkVisibility getBoundingClientRect"],
  [Node.prototype, "contains getRootNode compareDocumentPosition"],
  [Document.prototype, "querySelectorAll getElementById getElementsByTagName"],
].flatMap(([holder, names]) => names.split(" ").map((name) => ({ holder, name, ours: holder[name] })));

// `call` among these; what the page has put in their place is back when it returns.
const undisturbed = (call) => (argument) => {
  let theirs = null;
  for (let i = 0; i < BUILT_IN.length; i++) {
    const { holder, name, ours } = BUILT_IN[i];
    const now = holder[name];
    if (now === ours) continue;
    try {
      holder[name] = ours;
      theirs = { holder, name, now, next: theirs };
    } catch {
      // fixed by the page: nothing can be done about it
    }
  }
  try {
    return call(argument);
  } finally {
    for (; theirs; theirs = theirs.next) theirs.holder[theirs.name] = theirs.now;
  }
};

// -- refs ---------------------------------------------------------------------------------------------------------------
// The token tells documents apart, so that a ref kept across a reload is stale and never names somebody else.
const token = Math.floor(performance.timeOrigin).toString(36).slice(-5);
const refs = new WeakMap();
const elements = new Map();
let counter = 0;

const refOf = (element) => {
  let ref = refs.get(element);
  if (ref === undefined) {
    ref = `e${++counter}-${token}`;
    refs.set(element, ref);
    elements.set(ref, new WeakRef(element));
  }
  return ref;
};

const element = (ref) => {
  const found = elements.get(ref.slice(ref.lastIndexOf(":") + 1))?.deref();
  return found?.isConnected ? found : null;
};

const sweep = () => {
  if (elements.size < 4096) return;
  for (const [ref, weak] of elements) if (!weak.deref()?.isConnected) elements.delete(ref);
};

// -- vocabulary ---------------------------------------------------------------------------------------------------------
const words = (text) => new Set(text.split(" "));
const SKIP = words(
  "script style noscript template head link meta title base canvas video audio object embed map area param source track " +
    "datalist colgroup col casepilot-overlay",
);
const ATTRIBUTES = words(
  "id class role name type for href rel alt title placeholder pattern min max step minlength maxlength required readonly " +
    "multiple open scope headers colspan rowspan datetime label tabindex lang form list autocomplete method start summary " +
    "contenteditable",
);
const FLAGS = words("required readonly multiple open disabled");
const IDREFS = words(
  "id for form list headers aria-labelledby aria-describedby aria-errormessage aria-controls aria-owns aria-details " +
    "aria-activedescendant aria-flowto",
);
const SECTIONS = words("tbody thead tfoot");
const VALUED = words("option button li data meter progress");
const INLINE = words("span a b i em strong small label code abbr cite q s u time bdi bdo mark sub sup kbd samp var font data output slot");
const SPACED = words("span a b i em strong small");
const VOID = words("br hr img input wbr");
const NATIVE = words("input select textarea button summary option");
const LINKED_POPUPS = words("listbox menu tree grid");
// Native inputs that pages hide and draw over: the person sees and operates the drawing.
const DRAWN_OVER = words("checkbox radio file range color");
const TEXTLESS = words("button submit reset image checkbox radio file color range hidden");
const OPENER = "[role=combobox],[aria-haspopup=listbox]";
const LEVELS = 6; // how far around a control that opens a list this list is looked for
const WIDGETS = words(
  "button link checkbox radio switch textbox searchbox combobox listbox option menuitem menuitemcheckbox menuitemradio " +
    "tab slider spinbutton treeitem gridcell",
);
// Attributes that hold the text of a tooltip.
const TIPS = ["title", "data-original-title", "data-bs-original-title", "data-tooltip", "alt"];
const TIP = TIPS.map((name) => `[${name}]`).join();
// What shows and hides other boxes by a script that looks for these.
const TOGGLE = /^(collapse|dropdown|modal|tab)$/;
const BUTTON_CLASS = /(^|\s)((?!\S*__)\S+-button|button|btn)(\s|$)/;
const CONTROL = "a[href],button,input,select,textarea,[role],[tabindex],[onclick],[contenteditable]";
const FIELD = "select,textarea,input:not([type=button],[type=submit],[type=reset],[type=image],[type=checkbox],[type=radio])";
// A handler of clicks on one of these says nothing of what in it can be clicked.
const HOLDERS = words("body form table thead tbody tfoot tr td th ul ol dl");
const BRIEF = { elements: 4, characters: 80, pixels: 64 };
const NAME = /^(?!cp-)[a-z][a-z0-9-]*$/; // what begins with cp- is ours
const PATH = /^(\/[\w-]+)+\/?(\?[\w=&-]*)?$/; // an address that is the same when it is resolved
const SHOWN = { opacityProperty: true, visibilityProperty: true };
const ROW_LIMIT = 200;
const NODE_LIMIT = 30000;
const SIZE_LIMIT = 8e6; // characters of markup, after which no more elements are written
const TEXT_LIMIT = 1e5; // characters of one text or value
const ICON_AREA = 3000; // square pixels
const LEVEL_LIMIT = 550; // Chromium's own parser nests no deeper than 512; scripts can
const ATTRIBUTE_LIMIT = 300;

const SPECIAL = /[&<>"\n\u0000-\u0008\u000b\u000e-\u001f\ufffe\uffff]/;
const BLANKS = /[ \t\r\f]{2}|[\t\r\f\n]|[\u0000-\u0008\u000b\u000e-\u001f\ufffe\uffff]/;
const escapeText = (text) =>
  SPECIAL.test(text) ? text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;") : text;
const escapeValue = (text) =>
  SPECIAL.test(text)
    ? clean(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;").replace(/\n/g, "&#10;")
    : text;
// Characters that XML cannot hold, and runs of blanks.
const clean = (text) => text.replace(/[\u0000-\u0008\u000b\u000e-\u001f\ufffe\uffff]/g, "");
const squeeze = (text) =>
  BLANKS.test(text) ? clean(text).replace(/[ \t\r\f]+/g, " ").replace(/\s*\n\s*/g, "\n") : text;

// -- secrets ------------------------------------------------------------------------------------------------------------
// Once a password, always a password: 'show password' buttons turn the type into text.
const secrets = new WeakSet();
const SECRET_AUTOCOMPLETE = /(^|\s)(current-password|new-password|one-time-code|cc-csc)(\s|$)/;
const isSecret = (node) => {
  if (secrets.has(node)) return true;
  if (node.localName !== "input") return false;
  const secret = node.type === "password" || SECRET_AUTOCOMPLETE.test(node.getAttribute("autocomplete") ?? "");
  if (secret) secrets.add(node);
  return secret;
};

// -- modal dialogs --------------------------------------------------------------------------------------------------------
// A field of that name hides a form's own.
const parentOf = Object.getOwnPropertyDescriptor(Node.prototype, "parentElement").get;
const attributesOf = Object.getOwnPropertyDescriptor(Element.prototype, "attributes").get;

const composedParent = (node) => node.assignedSlot ?? parentOf.call(node) ?? (node.getRootNode().host || null);

const byId = (node, ids) => {
  const root = node.getRootNode();
  return (ids ?? "").split(/\s+/).filter(Boolean).map((id) => root.getElementById?.(id)).filter(Boolean);
};

// What may be, or become, a modal dialog.
const modalsIn = (root) => [...root.querySelectorAll("dialog,[aria-modal]")];

// What stays operable while a modal dialog is open: the dialog and the popups that its controls point to, each with the
// elements above it. null when no modal dialog is open.
const foreground = (modals) => {
  const open = modals.filter(
    (node) =>
      (node.getAttribute("aria-modal") === "true" || (node.localName === "dialog" && node.open && node.matches(":modal"))) &&
      node.checkVisibility(SHOWN),
  );
  if (!open.length) return null;
  open.sort((one, other) => (one.compareDocumentPosition(other) & 2 ? 1 : -1));
  const roots = new Set([open[open.length - 1]]);
  for (const root of [...roots]) {
    for (const node of root.querySelectorAll("[aria-controls],[aria-owns]")) {
      for (const attribute of ["aria-controls", "aria-owns"]) {
        for (const popup of byId(node, node.getAttribute(attribute))) roots.add(popup);
      }
    }
  }
  const above = new Set();
  for (const root of roots) for (let node = root; (node = composedParent(node)); ) above.add(node);
  return { roots, above };
};

const deepFocus = (doc) => {
  let focused = doc.activeElement;
  while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
  return focused === doc.body ? null : focused;
};

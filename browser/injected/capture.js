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
(() => {
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

  // -- the scene ------------------------------------------------------------------------------------------------------------
  // What was written last, so that a later call can write only what has changed:
  //   numbers: element -> its place among the elements written; states: by that place, the state that the element was visited in;
  //   fields: form field -> signature of its live state; docs: document -> {fore, focus, front, modals, body}; frames: iframe -> its
  //   document; windows: long tables -> first row written; shown: long tables -> what is written of them; classed: elements with the class of a button -> whether they are one;
  //   handled: elements with handlers of clicks -> what they are by these (see `pressed`); faces: what is drawn in place of fields, without a role;
  //   linked: see `link`; linkers: elements that may name others; openers: list -> the control beside it that opens it;
  //   shadows: shadow roots that are written; drawn: fields that are written though something else is drawn in their place, or may
  //   be; based: addresses may have a base of their own; unforeseen: a shadow root was met that may hold the dialog in front of
  //   all else; shifted: a modal dialog came or went since; beyond: how many elements are written
  //   where there are more, else 0; long: elements with a text that was cut; deep: elements whose contents are nested too deep,
  //   with their number; closed: elements that draw something which no script can look into.
  let scene = null;
  let out = "";
  let nodes = 0;
  let deadline = Infinity; // when the whole page has taken too long to write
  let spent = false;
  // While a patch is written: its root, whether children that have not changed are kept, and whether the root was written.
  let patch = null;

  const fresh = (prefix) => ({
    prefix, count: 0, numbers: new Map(), states: [], fields: new Map(), docs: new Map(), frames: new Map(),
    windows: new Map(), shown: new WeakMap(), classed: new Map(), handled: new Map(), linked: new Map(), linkers: new Set(),
    openers: new Map(), drawn: new Set(), faces: new WeakSet(), scopes: new Map(), shadows: new Set(), relinked: false, based: false,
    unforeseen: false, shifted: false,
    beyond: 0, long: new Set(), deep: new Map(), closed: new Set(),
  });

  // A shadow root's or inner document's ids get a prefix: the output has one scope.
  const scopeOf = (node) => {
    const root = node.getRootNode();
    if (root === document) return "";
    let scope = scene.scopes.get(root);
    if (scope === undefined) scene.scopes.set(root, (scope = `s${scene.scopes.size + 1}.`));
    return scope;
  };

  // Whether there has been too much already, so that nothing more is written.
  const full = () => {
    if (!spent && nodes <= NODE_LIMIT && out.length <= SIZE_LIMIT && (nodes % 256 || performance.now() <= deadline)) return false;
    scene.beyond ||= nodes;
    spent = true;
    return true;
  };

  const bounded = (text, node) => {
    if (text.length <= TEXT_LIMIT) return text;
    scene.long.add(node.nodeType === 3 ? node.parentNode : node);
    return text.slice(0, TEXT_LIMIT);
  };

  const attribute = (name, value) => {
    out += ` ${name}="${escapeValue(typeof value === "string" ? value : String(value))}"`;
  };

  // Every element that is written begins here, so that numbers are places in document order.
  const open = (name, node, state) => {
    out += "<" + name;
    if (patch && node === patch.root) {
      patch.written = out.length === name.length + 1;
      return;
    }
    if (node && state && !state.forced) {
      scene.numbers.set(node, scene.count);
      scene.states[scene.count] = state;
    }
    scene.count++;
  };

  const roleOf = (node) => {
    const role = node.getAttribute("role");
    return role ? role.trim().split(/\s+/)[0].toLowerCase() : "";
  };

  const isEditor = (node) =>
    node.hasAttribute("contenteditable") &&
    node.isContentEditable &&
    !(node.parentElement && node.parentElement.isContentEditable) &&
    node.localName !== "html" &&
    node !== document.body;

  const address = (node) => {
    const raw = node.getAttribute("href") ?? "";
    if (PATH.test(raw) && !scene.based) return raw;
    if (raw.startsWith("#") || !/^https?:$/.test(node.protocol ?? "")) return raw;
    return node.origin === location.origin ? node.href.slice(location.origin.length) : node.href;
  };

  // How an attribute is written, by its name: not at all, as it is, or by a rule of its own.
  const OMITTED = 0;
  const PLAIN = 1;
  const BARE = 2;
  const NAMING = 3;
  const OWN = 4;
  const manner = (name) => {
    if (name === "value" || name === "tabindex" || name === "href") return OWN;
    if (!(ATTRIBUTES.has(name) || name.startsWith("aria-") || name.startsWith("data-"))) return OMITTED;
    if (!NAME.test(name) || name.startsWith("data-v-")) return OMITTED;
    return FLAGS.has(name) ? BARE : IDREFS.has(name) ? NAMING : PLAIN;
  };
  const manners = new Map();

  const writeAttributes = (node, tag, role) => {
    const attributes = tag === "form" ? attributesOf.call(node) : node.attributes;
    for (let i = 0, count = attributes.length; i < count; i++) {
      const { name, value } = attributes[i];
      let how = manners.get(name);
      if (how === undefined) manners.set(name, (how = manner(name)));
      if (how === OMITTED) continue;
      if (how === OWN) {
        if (name === "href") attribute(name, address(node).slice(0, 2 * ATTRIBUTE_LIMIT));
        else if (name === "value" ? VALUED.has(tag) : !role || (role === "button" && value === "-1")) attribute(name, value.slice(0, ATTRIBUTE_LIMIT));
        continue;
      }
      const scope = how === NAMING ? scopeOf(node) : "";
      if (how === BARE) attribute(name, "");
      else if (scope) attribute(name, value.trim().split(/\s+/).filter(Boolean).map((id) => scope + id).join(" "));
      else attribute(name, value.length > ATTRIBUTE_LIMIT ? value.slice(0, ATTRIBUTE_LIMIT) : value);
    }
    if (NATIVE.has(tag) || tag === "fieldset") if (node.matches(":disabled")) attribute("disabled", "");
  };

  // The live state of a form field in one text: it changes without a trace in the DOM.
  const signature = (node) => {
    const type = node.type;
    let state = type === "checkbox" || type === "radio" ? `${node.checked}${node.indeterminate}` : isSecret(node) ? "" : node.value;
    if (node.selectedOptions?.length > 1) state += [...node.selectedOptions].map((option) => option.index);
    return `${state}|${node.matches(":disabled")}|${node.matches(":user-invalid") ? node.validationMessage : ""}`;
  };

  // An editor that shows what might be written there is empty.
  const writeEditor = (node) => {
    const text = node.innerText.trim();
    const empty = /(^|[\s_-])placeholder([\s_-]|$)/.test(node.className) && Boolean(text);
    if (empty && !node.hasAttribute("aria-placeholder")) attribute("aria-placeholder", text.slice(0, ATTRIBUTE_LIMIT));
    attribute("cp-value", empty ? "" : bounded(text, node));
  };

  const writeState = (node, tag, editor, state) => {
    if (tag === "input") {
      const type = node.type;
      if (type === "checkbox" || type === "radio") {
        attribute("cp-checked", node.indeterminate ? "mixed" : node.checked);
        attribute("value", node.value.slice(0, ATTRIBUTE_LIMIT));
      } else if (isSecret(node)) attribute("cp-sensitive", "true");
      else if (type === "file") attribute("cp-value", [...node.files].map((file) => file.name).join(", "));
      else attribute("cp-value", bounded(node.value, node));
      if (node.matches(":user-invalid")) attribute("cp-invalid", node.validationMessage);
    } else if (tag === "textarea" || tag === "select") {
      attribute("cp-value", bounded(node.value, node));
      if (node.matches(":user-invalid")) attribute("cp-invalid", node.validationMessage);
    } else if (tag === "output") attribute("cp-value", bounded(node.value, node));
    else if (editor) writeEditor(node);
    if (tag === "option" && node.selected) attribute("cp-selected", "true");
    if (!state.forced && (tag === "input" || tag === "textarea" || tag === "select")) scene.fields.set(node, signature(node));
    if (node === state.doc?.focus) attribute("cp-focus", "true");
  };

  const options = (select) => {
    let shown = 0;
    const one = (option) => {
      if (option.hidden || ++shown > 1000) return;
      open("option");
      attribute("value", option.value.slice(0, ATTRIBUTE_LIMIT));
      if (option.selected) attribute("cp-selected", "true");
      if (option.matches(":disabled")) attribute("disabled", "");
      out += ">" + escapeText(squeeze(option.label || option.text)) + "</option>";
    };
    for (const child of select.children) {
      if (child.localName === "option") one(child);
      else if (child.localName === "optgroup") {
        open("optgroup");
        attribute("label", child.label);
        out += ">";
        for (const option of child.children) if (option.localName === "option") one(option);
        out += "</optgroup>";
      }
    }
  };

  // The select that a box without any size holds and clips away, if that is all that it holds.
  const clipping = (box) => {
    const held = box?.childElementCount === 1 ? box.firstElementChild : null;
    if (held?.localName !== "select" || box.offsetWidth || box.offsetHeight || box.textContent.trim() !== held.textContent.trim()) return null;
    return getComputedStyle(box).overflow === "hidden" && held.checkVisibility({ visibilityProperty: true }) ? held : null;
  };

  // What is drawn in place of a select that a box clips away: what follows this, along with a list of the select's options.
  const drawnList = (node, around) => {
    const same = (list) =>
      list.childElementCount === node.options.length &&
      [...list.children].every((item, i) => item.textContent.trim() === node.options[i].text);
    const beside = [...(around.parentNode?.children ?? [])];
    beside.splice(0, beside.indexOf(around) + 1);
    const list = node.options.length ? beside.find((found) => [found, ...found.querySelectorAll("ul,ol,[role=listbox]")].some(same)) : null;
    const face = list && beside.find((found) => found !== list && isShown(found));
    if (face) scene.faces.add(face);
    return face ?? null;
  };

  // What is drawn in place of a native select that has no looks of its own: a control beside it that opens a list.
  const drawnSelect = (node) => {
    const around = clipping(node.parentElement) === node ? node.parentElement : null;
    if (around) return drawnList(node, around);
    const rect = node.getBoundingClientRect();
    if (!rect.width || !rect.height || !node.checkVisibility({ visibilityProperty: true })) return null;
    if (rect.width > 2 && rect.height > 2 && node.checkVisibility({ opacityProperty: true })) return null;
    for (const beside of [node.nextElementSibling, node.previousElementSibling]) {
      const found = !beside ? [] : beside.matches(OPENER) ? [beside] : beside.querySelectorAll(OPENER);
      if (found.length === 1 && found[0].localName !== "select" && found[0].checkVisibility(SHOWN)) {
        return found[0];
      }
    }
    return null;
  };

  const isShown = (node) => {
    const rect = node.getBoundingClientRect();
    return rect.width > 1 && rect.height > 1 && rect.right > 0 && node.checkVisibility(SHOWN);
  };

  const hasLabel = (node) => [...(node.labels ?? [])].some((label) => label.htmlFor && isShown(label));

  // What is drawn in place of a text field without looks whose label is there for all to see: the first text beside it.
  const drawnText = (node) => {
    if (TEXTLESS.has(node.type) || isSecret(node) || !hasLabel(node)) return null;
    return [...node.parentElement.children].find((beside) => beside !== node && beside.textContent.trim() && isShown(beside)) ?? null;
  };

  const drawing = (node, tag) => {
    if (tag === "select") return drawnSelect(node);
    return tag === "input" && !isShown(node) ? drawnText(node) : null;
  };

  // The list that a control opens without naming it: the only one in the nearest box around it where it is the only opener.
  const listBeside = (node) => {
    let box = node.parentElement;
    for (let level = 0; box && level < LEVELS; level++, box = box.parentElement) {
      if (box.querySelectorAll("[aria-haspopup=listbox]").length > 1) return null;
      const lists = box.querySelectorAll("[role=listbox]");
      if (lists.length) return lists.length === 1 && lists[0].querySelector("[role=option]") ? lists[0] : null;
    }
    return null;
  };

  // Hidden lists that a control opens and hidden labels that it names follow the body: remember them, with the reason.
  const link = (node) => {
    const remember = (found, why) => {
      if (scene.linked.get(found) === why || (why === "label" && scene.linked.has(found))) return;
      scene.linked.set(found, why);
      scene.relinked = true;
    };
    for (const name of ["aria-controls", "aria-owns"]) {
      for (const popup of node.hasAttribute(name) ? byId(node, node.getAttribute(name)) : []) {
        if (LINKED_POPUPS.has(roleOf(popup)) || popup.querySelector('[role="option"]')) remember(popup, "popup");
      }
    }
    if (node.hasAttribute("aria-labelledby")) for (const label of byId(node, node.getAttribute("aria-labelledby"))) remember(label, "label");
    if (node.list) remember(node.list, "popup");
    if (node.getAttribute("aria-haspopup") === "listbox" && !["aria-controls", "aria-owns"].some((name) => byId(node, node.getAttribute(name)).length)) {
      const found = listBeside(node);
      if (found) {
        if (scene.openers.get(found) !== node) scene.relinked = true;
        scene.openers.set(found, node);
        remember(found, "popup");
      }
    }
  };

  const LINKS = ["aria-controls", "aria-owns", "aria-labelledby", "list"];

  // Ids and their bearers may have changed: what does everything name now?
  const relink = () => {
    const before = [...scene.linked];
    const openers = scene.openers;
    scene.linked = new Map();
    scene.openers = new Map();
    for (const node of scene.linkers) scene.numbers.has(node) ? link(node) : scene.linkers.delete(node);
    const now = [...scene.linked];
    scene.relinked =
      now.length !== before.length ||
      now.some(([node, why], i) => node !== before[i][0] || why !== before[i][1] || scene.openers.get(node) !== openers.get(node));
  };

  // An element, with all in it, is written no more.
  const forget = (node) => {
    const stack = [node];
    while (stack.length) {
      const at = stack.pop();
      scene.numbers.delete(at);
      scene.fields.delete(at);
      scene.windows.delete(at);
      scene.classed.delete(at);
      scene.handled.delete(at);
      scene.long.delete(at);
      scene.deep.delete(at);
      scene.closed.delete(at);
      if (scene.frames.has(at)) {
        const inner = scene.frames.get(at);
        scene.frames.delete(at);
        scene.docs.delete(inner);
        if (inner?.documentElement) stack.push(inner.documentElement);
      }
      if (at.shadowRoot) stack.push(...at.shadowRoot.children);
      if (at.localName === "slot") stack.push(...at.assignedElements());
      for (let child = at.firstElementChild; child; child = child.nextElementSibling) stack.push(child);
    }
  };

  // Rows of headers at the beginning of a section are always written.
  const headRows = (section) => {
    let count = 0;
    while (count < 3 && section.rows[count]?.cells.length && [...section.rows[count].cells].every((cell) => cell.localName === "th")) count++;
    return count;
  };

  // The rows of a long table that are written: those from the first that is in sight.
  const firstRow = (section) => {
    const rows = section.rows;
    if (rows[0].getBoundingClientRect().bottom > 0) return 0;
    const last = rows.length - ROW_LIMIT;
    let low = 0;
    for (let high = last; low < high; ) {
      const middle = (low + high) >> 1;
      if (rows[middle].getBoundingClientRect().bottom > 0) high = middle;
      else low = middle + 1;
    }
    return low;
  };

  // `state`: doc (fore, focus of its document), back (outside the modal dialog), inside (within it), operable (inside a control),
  // pointer (an element above is clickable already), text (may text be written), forced (write though it is hidden), level (of
  // nesting), locked (the element around may not lay it out), faded (an element around is transparent).
  const children = (node, state) => {
    if (state.level > LEVEL_LIMIT) {
      const inner = node.querySelectorAll("*").length;
      if (inner) scene.deep.set(node, inner);
      return;
    }
    const tag = node.localName;
    if (SECTIONS.has(tag) && node.rows.length > ROW_LIMIT) return someRows(node, state);
    const list = tag === "slot" ? node.assignedNodes({ flatten: true }) : null;
    if (list?.length) for (const child of list) writeChild(child, state);
    else for (let child = node.firstChild; child; child = child.nextSibling) writeChild(child, state);
    writeKept();
  };

  // The window of a long table: its rows of headers, and those from the first in sight.
  const someRows = (section, state) => {
    const first = firstRow(section);
    const heads = Math.min(headRows(section), first);
    const before = scene.shown.get(section);
    const shown = new Set();
    const some = (child, count) => {
      for (let rows = 0; child; child = child.nextSibling) {
        if (child.localName === "tr" && ++rows > count) break;
        if (child.nodeType === 1) shown.add(child);
        writeChild(child, state);
      }
      writeKept();
    };
    if (heads) some(section.firstChild, heads);
    some(first ? section.rows[first] : section.firstChild, ROW_LIMIT);
    scene.windows.set(section, first);
    scene.shown.set(section, shown);
    if (patch && before) for (const row of before) if (!shown.has(row)) forget(row);
  };

  // Neighbours that are as they were, in one.
  let kept = [];
  const writeKept = () => {
    if (!kept.length) return;
    out += `<cp-keep n="${kept.join()}"/>`;
    kept = [];
  };

  const writeChild = (child, state) => {
    const type = child.nodeType;
    if (type === 3) {
      if (state.text && !full()) {
        const text = squeeze(bounded(child.data, child));
        if (text) {
          writeKept();
          out += escapeText(text);
        }
      }
    } else if (type === 1) {
      if (patch?.keep) {
        const number = scene.numbers.get(child);
        if (number !== undefined) {
          kept.push(number);
          return;
        }
      }
      writeKept();
      visit(child, state);
    }
  };

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

  const graphic = (node, state) => {
    const label = node.getAttribute("aria-label") ?? [...node.children].find((c) => c.localName === "title")?.textContent;
    if (!state.operable && !state.forced && hasHandler(node, "svg") && !roleOf(node)) {
      const what = pressed(node);
      scene.handled.set(node, what);
      if (what === "icon" || (what === "words" && label)) return clickedGraphic(node, label, state);
    }
    if (!label) return tooltip(node, state);
    open("img");
    out += ' role="img"';
    attribute("alt", squeeze(label));
    out += "/>";
  };

  // A drawing that has a handler of clicks of its own.
  const clickedGraphic = (node, label, state) => {
    open("img", node, state);
    for (const name of ["id", "class", "title"]) if (node.hasAttribute(name)) attribute(name, node.getAttribute(name).slice(0, ATTRIBUTE_LIMIT));
    if (label) attribute("alt", squeeze(label));
    attribute("cp-clickable", "icon");
    attribute("cp-ref", scene.prefix + refOf(node));
    out += "/>";
  };

  // The tooltip of an ornament in a control: it may be all that names the control.
  const tooltip = (node, state) => {
    if (!(state.operable || state.pointer) || state.forced || !node.checkVisibility(SHOWN)) return;
    const bearer = node.matches(TIP) ? node : node.querySelector(TIP);
    const name = bearer && TIPS.find((name) => bearer.getAttribute(name)?.trim());
    const tip = name ? bearer.getAttribute(name) : node.querySelector("title")?.textContent;
    if (!tip?.trim()) return;
    open("img");
    attribute("cp-tip", squeeze(tip.trim()).slice(0, ATTRIBUTE_LIMIT));
    out += "/>";
  };

  const drawn = (node, pseudo) => !/^(none|normal)$/.test(getComputedStyle(node, pseudo).content);

  // Something that a script opens or shuts by these attributes; one without any size is drawn by its pseudo-elements.
  const toggles = (node) => {
    const what = node.getAttribute("data-toggle") ?? node.getAttribute("data-bs-toggle");
    if (!what || !TOGGLE.test(what)) return false;
    const rect = node.getBoundingClientRect();
    return (rect.width && rect.height) || holdsSized(node) || drawn(node, "::before") || drawn(node, "::after");
  };

  // A button by its class alone: short, without a control in it.
  const classed = (node) => BUTTON_CLASS.test(node.className) && node.textContent.trim().length <= 40 && !node.querySelector(CONTROL);

  const hasHandler = (node, tag) => (heard.has(node) || node.onclick) && !HOLDERS.has(tag);

  // What is clicked as a whole: "words", few of them, or an "icon", small and without any. "" for all else.
  const brief = (node) => {
    if (node.firstElementChild && node.querySelectorAll(":not(svg *)").length > BRIEF.elements) return "";
    const text = node.textContent.trim();
    if (text) return text.length <= BRIEF.characters ? "words" : "";
    const rect = node.getBoundingClientRect();
    return rect.width && rect.height && rect.width <= BRIEF.pixels && rect.height <= BRIEF.pixels ? "icon" : "";
  };

  // What stands beside a field and does not look as if it could be clicked: its handler only puts the focus there.
  const adorns = (node) => {
    const around = node.parentElement?.children ?? [];
    return around.length <= 3 && [...around].some((beside) => beside !== node && (beside.matches(FIELD) || beside.querySelector(FIELD)));
  };

  const pressed = (node) => {
    const what = brief(node);
    return what && adorns(node) ? `beside ${what}` : what;
  };

  const blank = (node, pseudo) => /^"\s+"$/.test(getComputedStyle(node, pseudo).content);

  // A component without contents that takes up more room than an icon draws them in a closed shadow root.
  const isClosed = (node) => {
    if (node.shadowRoot || node.firstChild || !customElements.get(node.localName)) return false;
    const { width, height } = node.getBoundingClientRect();
    return width * height > ICON_AREA;
  };

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
      if (node.getAttribute("aria-hidden") === "true") return tooltip(node, state);
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

  const FORCED = { doc: null, back: false, inside: false, operable: true, pointer: true, text: true, forced: true, level: 0, locked: false, faded: false };

  // Lists that a control opens and hidden labels that it names: read now, though they are hidden.
  const popups = () => {
    scene.relinked = false;
    const before = out;
    out = "";
    for (const [node, why] of scene.linked) {
      if (!node.isConnected) scene.linked.delete(node);
      if (!node.isConnected || scene.numbers.has(node)) continue;
      if (why === "label" && node.closest("[hidden]") === null && node.checkVisibility()) continue;
      open(why === "popup" ? "cp-popup" : "cp-label");
      if (scene.openers.has(node)) attribute("id", `cp-list-${scene.prefix}${refOf(scene.openers.get(node))}`);
      out += ">";
      if (node.localName === "datalist") {
        open("datalist");
        attribute("id", scopeOf(node) + node.id);
        out += ">";
        options(node);
        out += "</datalist>";
      } else visit(node, FORCED);
      out += why === "popup" ? "</cp-popup>" : "</cp-label>";
    }
    const written = out;
    out = before + written;
    return written;
  };

  const today = () => {
    const now = new Date();
    return [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((n) => String(n).padStart(2, "0")).join("-");
  };

  const isInlined = () => {
    try {
      return Boolean(window.frameElement);
    } catch {
      return false; // a cross-origin parent: this frame speaks for itself
    }
  };

  const READABLE = /^(text\/(html|plain|css|csv|markdown)|(application|text)\/xml|application\/(xhtml\+xml|json))$/;

  // What a person sees and was not written, in words.
  const missing = () => {
    const found = [];
    if (!READABLE.test(document.contentType)) found.push(`what a document of the type ${document.contentType} shows`);
    else if (!document.body) found.push("the page itself, which has no body");
    if (document.readyState === "loading") found.push("the rest of the page, which is still loading");
    if (scene.beyond) {
      const count = document.getElementsByTagName("*").length;
      found.push(`what comes after the first ${scene.beyond} elements; the page has ${count}`);
    }
    if (scene.long.size) found.push(`what comes after the first ${TEXT_LIMIT} characters of a text`);
    let deep = 0;
    for (const [node, count] of scene.deep) node.isConnected ? (deep += count) : scene.deep.delete(node);
    if (deep) found.push(`${deep} elements nested more than ${LEVEL_LIMIT} levels deep`);
    for (const [node, inner] of scene.frames) {
      if (!node.isConnected || !inner || !/^https?:/.test(node.src) || node.hasAttribute("srcdoc")) continue;
      if (inner.URL === "about:blank") found.push(`the frame ${node.src}, which has not loaded`);
      else if (inner.readyState === "loading") found.push(`the rest of the frame ${node.src}, which is still loading`);
      else if (!READABLE.test(inner.contentType)) found.push(`the frame ${node.src}, of the type ${inner.contentType}`);
    }
    const closed = new Set([...scene.closed].filter((node) => node.isConnected).map((node) => node.localName));
    for (const name of closed) found.push(`what <${name}> draws, which no script can look into`);
    return found;
  };

  const serialize = ({ prefix = "", seconds = Infinity } = {}) => {
    if (isInlined()) return null;
    pilot.prefix = prefix;
    sweep();
    deadline = performance.now() + seconds * 1000;
    let html = write(prefix);
    for (let again = 0; scene.unforeseen && again < 9 && performance.now() < deadline; again++) html = write(prefix);
    deadline = Infinity;
    return { html, url: location.href, title: document.title, date: today(), missing: missing() };
  };

  const write = (prefix) => {
    scene = pilot.scene = fresh(prefix);
    patch = null;
    nodes = 0;
    spent = false;
    out = "";
    open("html");
    attribute("cp-date", today());
    if (document.documentElement?.lang) attribute("lang", document.documentElement.lang);
    out += ">";
    if (document.body) {
      const state = { doc: enter(document), back: false, inside: false, operable: false, pointer: false, text: true, forced: false, level: 0, locked: true, faded: false };
      visit(document.body, state);
      popups();
    }
    out += "</html>";
    const html = out.toWellFormed();
    out = "";
    return html;
  };

  // The state to visit an element in, if a modal dialog has come or gone since it was written.
  const standing = (node, state) => {
    if (!scene.shifted || node.ownerDocument !== document) return state;
    const fore = state.doc?.fore;
    let back = false;
    for (let above = fore ? composedParent(node) : null; above; above = composedParent(above)) {
      if (fore.roots.has(above)) return { ...state, back: false, inside: true };
      if (!fore.above.has(above)) back = true;
    }
    return { ...state, back, inside: false };
  };

  // One element as it is now, with the children that are not new as <cp-keep n="1,2,..."/> (`keep`), or with all anew.
  // null: it is seen no more; undefined: it is written no more, though something in it may be.
  const rewrite = (node, keep) => {
    const state = standing(node, scene.states[scene.numbers.get(node)]);
    const { count } = scene;
    patch = { root: node, keep, written: false };
    out = "";
    nodes = 0;
    spent = false;
    scene.deep.delete(node);
    scene.long.delete(node);
    visit(node, state);
    const html = out.toWellFormed();
    const { written } = patch;
    patch = null;
    out = "";
    if (!written) scene.count = count;
    return written ? html : html ? undefined : null;
  };

  const rewritePopups = () => {
    out = "";
    const html = popups().toWellFormed();
    out = "";
    return html;
  };

  Object.assign(pilot, {
    serialize, element: undisturbed(element), refOf, isSecret, prefix: "", scene: null,
    pen: {
      rewrite, rewritePopups, relink, forget, signature, classed, pressed, clipping, foreground, composedParent, modalsIn, deepFocus, firstRow,
      today, missing, isInlined, undisturbed,
    },
  });
})();

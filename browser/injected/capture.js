// Serialises the rendered DOM to compact, well-formed HTML with its live state in attributes.
//
// The attributes are those of schema_extraction/snapshot.py. Nothing here writes to the page: no attribute, event, focus or
// scroll. What a page knows of us is one symbol on its global object:
//
//   globalThis[Symbol.for("casepilot")]
//     .serialize({prefix}) -> {html, url, title, date} | null   (null: this frame is inlined by its same-origin parent)
//     .element(ref) -> Element | null                           (null: gone from the page, or of another document)
//     .refOf(element) -> ref                                    (the same for the life of the element)
//     .prefix                                                   ("" or the frame prefix that serialize was last given)
(() => {
  const pilot = (globalThis[Symbol.for("casepilot")] ??= {});
  if (pilot.serialize) return;

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
  const VALUED = words("option button li data meter progress");
  const INLINE = words("span a b i em strong small label code abbr cite q s u time bdi bdo mark sub sup kbd samp var font data output slot");
  const VOID = words("br hr img input wbr");
  const NATIVE = words("input select textarea button summary option");
  const LINKED_POPUPS = words("listbox menu tree grid");
  // Native inputs that pages hide and draw over: the person sees and operates the drawing.
  const DRAWN_OVER = words("checkbox radio file range color");
  const WIDGETS = words(
    "button link checkbox radio switch textbox searchbox combobox listbox option menuitem menuitemcheckbox menuitemradio " +
      "tab slider spinbutton treeitem gridcell",
  );
  const NAME = /^[a-z][a-z0-9-]*$/;
  const ROW_LIMIT = 200;
  const NODE_LIMIT = 30000;
  const ATTRIBUTE_LIMIT = 300;

  const escapeText = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const escapeValue = (text) =>
    text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;").replace(/\n/g, "&#10;");
  // Characters that XML cannot hold, and runs of blanks.
  const clean = (text) => text.replace(/[\u0000-\u0008\u000b\u000e-\u001f\ufffe\uffff]/g, "");
  const squeeze = (text) => clean(text).replace(/[ \t\r\f]+/g, " ").replace(/\s*\n\s*/g, "\n");

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
  const composedParent = (node) => node.assignedSlot ?? node.parentElement ?? (node.getRootNode().host || null);

  const everyRoot = (root, found = [root]) => {
    for (const node of root.querySelectorAll("*")) {
      if (node.shadowRoot) {
        found.push(node.shadowRoot);
        everyRoot(node.shadowRoot, found);
      }
    }
    return found;
  };

  const byId = (node, ids) => {
    const root = node.getRootNode();
    return (ids ?? "").split(/\s+/).filter(Boolean).map((id) => root.getElementById?.(id)).filter(Boolean);
  };

  // What stays operable while a modal dialog is open: the dialog and the popups that its controls point to, each with the
  // elements above it. null when no modal dialog is open.
  const foreground = (doc) => {
    const open = [];
    for (const root of everyRoot(doc)) {
      for (const node of root.querySelectorAll('dialog[open],[aria-modal="true"]')) {
        const modal = node.matches(":modal") || node.getAttribute("aria-modal") === "true";
        if (modal && node.checkVisibility({ opacityProperty: true, visibilityProperty: true })) open.push(node);
      }
    }
    if (!open.length) return null;
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

  // -- one document -------------------------------------------------------------------------------------------------------
  const serialize = ({ prefix = "" } = {}) => {
    let parent = null;
    try {
      parent = window.frameElement;
    } catch {
      // a cross-origin parent: this frame speaks for itself
    }
    if (parent) return null;
    pilot.prefix = prefix;
    sweep();

    const out = [];
    const scopes = new Map();
    const emitted = new WeakSet();
    const linked = new Map(); // hidden elements that a control points to, with the reason
    let nodes = 0;

    // Ids are scoped to their document or shadow root; the output has one scope, so inner ids get a prefix.
    const scopeOf = (node) => {
      const root = node.getRootNode();
      if (root === document) return "";
      let scope = scopes.get(root);
      if (scope === undefined) scopes.set(root, (scope = `s${scopes.size + 1}.`));
      return scope;
    };

    const attribute = (name, value) => {
      out.push(" ", name, '="', escapeValue(clean(String(value))), '"');
    };

    const roleOf = (node) => (node.getAttribute("role") ?? "").trim().split(/\s+/)[0].toLowerCase();

    const isEditor = (node) =>
      node.isContentEditable && !(node.parentElement && node.parentElement.isContentEditable) && node.localName !== "html";

    const address = (node) => {
      const raw = node.getAttribute("href") ?? "";
      if (raw.startsWith("#") || !/^https?:$/.test(node.protocol ?? "")) return raw;
      return node.origin === location.origin ? node.href.slice(location.origin.length) : node.href;
    };

    const writeAttributes = (node, tag, role) => {
      const scope = scopeOf(node);
      for (const { name, value } of node.attributes) {
        const aria = name.startsWith("aria-");
        if (!(aria || ATTRIBUTES.has(name) || name.startsWith("data-") || (name === "value" && VALUED.has(tag)))) continue;
        if (!NAME.test(name) || name.startsWith("data-v-")) continue;
        if (name === "tabindex" && role) continue;
        if (FLAGS.has(name)) attribute(name, "");
        else if (name === "href") attribute(name, address(node).slice(0, 2 * ATTRIBUTE_LIMIT));
        else if (scope && IDREFS.has(name)) attribute(name, value.trim().split(/\s+/).filter(Boolean).map((id) => scope + id).join(" "));
        else attribute(name, value.slice(0, ATTRIBUTE_LIMIT));
      }
      if (NATIVE.has(tag) || tag === "fieldset") if (node.matches(":disabled")) attribute("disabled", "");
    };

    const writeState = (node, tag, role, editor, focused) => {
      if (tag === "input") {
        const type = node.type;
        if (type === "checkbox" || type === "radio") {
          attribute("cp-checked", node.indeterminate ? "mixed" : node.checked);
          attribute("value", node.value.slice(0, ATTRIBUTE_LIMIT));
        } else if (isSecret(node)) attribute("cp-sensitive", "true");
        else if (type === "file") attribute("cp-value", [...node.files].map((file) => file.name).join(", "));
        else attribute("cp-value", node.value);
        if (node.matches(":user-invalid")) attribute("cp-invalid", node.validationMessage);
      } else if (tag === "textarea" || tag === "select") {
        attribute("cp-value", node.value);
        if (node.matches(":user-invalid")) attribute("cp-invalid", node.validationMessage);
      } else if (tag === "output") attribute("cp-value", node.value);
      else if (editor) attribute("cp-value", node.innerText.trim());
      if (tag === "option" && node.selected) attribute("cp-selected", "true");
      if (node === focused) attribute("cp-focus", "true");
    };

    const options = (select) => {
      let shown = 0;
      const one = (option) => {
        if (option.hidden || ++shown > 1000) return;
        out.push("<option");
        attribute("value", option.value.slice(0, ATTRIBUTE_LIMIT));
        if (option.selected) attribute("cp-selected", "true");
        if (option.matches(":disabled")) attribute("disabled", "");
        out.push(">", escapeText(squeeze(option.label || option.text)), "</option>");
      };
      for (const child of select.children) {
        if (child.localName === "option") one(child);
        else if (child.localName === "optgroup") {
          out.push("<optgroup");
          attribute("label", child.label);
          out.push(">");
          for (const option of child.children) if (option.localName === "option") one(option);
          out.push("</optgroup>");
        }
      }
    };

    const link = (node, role) => {
      for (const name of ["aria-controls", "aria-owns"]) {
        for (const popup of byId(node, node.getAttribute(name))) {
          if (LINKED_POPUPS.has(roleOf(popup)) || popup.querySelector('[role="option"]')) linked.set(popup, "popup");
        }
      }
      for (const label of byId(node, node.getAttribute("aria-labelledby"))) if (!linked.has(label)) linked.set(label, "label");
      if (node.list) linked.set(node.list, "popup");
    };

    // `state`: doc, focused, fore (see foreground), back (outside the modal dialog), operable (inside a control),
    // pointer (an element above is clickable already), text (may text be written), forced (write though it is hidden).
    const children = (node, state) => {
      const list = node.localName === "slot" ? node.assignedNodes({ flatten: true }) : null;
      const kids = list?.length ? list : node.childNodes;
      let rows = 0;
      for (const child of kids) {
        if (child.nodeType === 3) {
          if (state.text) {
            const text = squeeze(child.data);
            if (text) out.push(escapeText(text));
          }
        } else if (child.nodeType === 1) {
          if (child.localName === "tr" && ++rows > ROW_LIMIT) continue;
          visit(child, state);
        }
      }
    };

    // Null: leave it out with all that is in it. Otherwise whether the element itself is seen.
    const seen = (node, tag, state) => {
      if (state.forced || tag === "body") return true;
      if (node.checkVisibility({ opacityProperty: true, visibilityProperty: true })) {
        const rect = node.getBoundingClientRect();
        if (rect.width && rect.height && rect.right > -1000) return true;
        if (tag === "br" || tag === "option" || tag === "wbr") return true;
        if (tag === "input" && DRAWN_OVER.has(node.type)) return true;
        const style = getComputedStyle(node);
        if (style.display === "contents") return false;
        if (rect.width && rect.height) return NATIVE.has(tag) || tag === "a" ? null : true; // parked beside the page
        if (style.overflowX !== "visible" || style.overflowY !== "visible") {
          return /inline|table-row|table-column|table-.*-group/.test(style.display) ? true : null;
        }
        if (tag === "iframe" || (NATIVE.has(tag) && !node.firstChild)) return null;
        return true;
      }
      if (tag === "input" && DRAWN_OVER.has(node.type) && node.checkVisibility({ visibilityProperty: true })) return true;
      const style = getComputedStyle(node);
      if (style.display === "contents") return false;
      if (style.display === "none" || !node.checkVisibility({ opacityProperty: true })) {
        // An opacity of nought hides all, save inputs that are drawn over.
        return style.display !== "none" && node.querySelector("input[type=checkbox],input[type=radio],input[type=file]") ? false : null;
      }
      return false; // visibility: hidden, which children may undo
    };

    const frame = (node, state) => {
      let inner = null;
      try {
        inner = node.contentDocument;
      } catch {
        // cross-origin: captured by its own call
      }
      out.push("<cp-frame");
      for (const name of ["id", "name", "title", "aria-label", "src"]) {
        const value = node.getAttribute(name);
        if (value) attribute(name, value.slice(0, ATTRIBUTE_LIMIT));
      }
      attribute("cp-ref", prefix + refOf(node));
      out.push(">");
      const body = inner?.body;
      if (body) {
        const below = { ...state, fore: state.back ? null : foreground(inner), focused: state.focused === node ? deepFocus(inner) : null, pointer: false };
        if (inner.designMode === "on" || body.isContentEditable) {
          out.push("<div");
          attribute("contenteditable", "true");
          attribute("role", "textbox");
          attribute("aria-multiline", "true");
          attribute("aria-label", body.getAttribute("aria-label") ?? node.title ?? node.getAttribute("aria-label") ?? "");
          attribute("cp-ref", prefix + refOf(body));
          attribute("cp-value", body.innerText.trim());
          if (state.focused === node) attribute("cp-focus", "true");
          out.push("></div>");
        } else children(body, below);
      }
      out.push("</cp-frame>");
    };

    const graphic = (node) => {
      const label = node.getAttribute("aria-label") ?? [...node.children].find((c) => c.localName === "title")?.textContent;
      if (!label) return;
      out.push('<img role="img"');
      attribute("alt", squeeze(label));
      out.push("/>");
    };

    const visit = (node, state) => {
      const tag = node.localName;
      if (SKIP.has(tag) || emitted.has(node) || ++nodes > NODE_LIMIT) return;
      const { fore } = state;
      // The rest of the page is shut off while a modal dialog is open, often by these very attributes.
      let back = state.back;
      if (fore && !back && !state.inside) back = !fore.above.has(node) && !fore.roots.has(node);
      const besideModal = back && !state.back;
      if (!besideModal && !state.forced && !(fore && fore.above.has(node))) {
        if (node.inert || node.getAttribute("aria-hidden") === "true") return;
      }
      if (tag === "input" && node.type === "hidden") return;
      const visible = seen(node, tag, state);
      if (visible === null) return;
      emitted.add(node);
      const inside = state.inside || Boolean(fore?.roots.has(node));
      if (tag === "iframe") {
        if (besideModal) out.push('<div cp-inert="true">');
        frame(node, { ...state, back, inside: false });
        if (besideModal) out.push("</div>");
        return;
      }
      if (tag === "svg") return graphic(node);

      const role = roleOf(node);
      const editor = isEditor(node);
      const native = NATIVE.has(tag) || (tag === "a" && node.hasAttribute("href"));
      const operable = native || editor || WIDGETS.has(role);
      const name = NAME.test(tag) ? tag : "cp-element";
      const bare = !visible && !node.shadowRoot;
      if (!bare || operable || role || node.id) {
        const style = state.forced ? null : getComputedStyle(node);
        out.push("<", name);
        writeAttributes(node, tag, role);
        writeState(node, tag, role, editor, state.focused);
        let clickable = false;
        if (!operable && !role && !state.operable && !state.pointer && tag !== "label" && style) {
          clickable = Boolean(node.onclick) || node.tabIndex === 0 || style.cursor === "pointer";
          if (clickable) attribute("cp-clickable", "true");
        }
        if (operable || clickable || tag === "label") attribute("cp-ref", prefix + refOf(node));
        if (besideModal) attribute("cp-inert", "true");
        if (style && INLINE.has(tag) && style.display !== "inline" && style.display !== "contents") attribute("cp-block", "true");
        if ((tag === "table" || tag === "tbody") && node.rows.length > ROW_LIMIT) attribute("cp-total", node.rows.length);
        if (operable) link(node, role);
        if (VOID.has(tag)) {
          out.push("/>");
          return;
        }
        out.push(">");
        const below = {
          ...state,
          back,
          inside,
          operable: state.operable || operable || tag === "label",
          pointer: state.pointer || clickable,
          text: visible || Boolean(style && style.display === "contents" && style.visibility === "visible"),
        };
        if (tag === "select") options(node);
        else if (tag === "textarea" || editor) {
          // its text is its value
        } else if (node.shadowRoot) {
          out.push("<cp-shadow>");
          children(node.shadowRoot, { ...below, text: true });
          out.push("</cp-shadow>");
        } else children(node, below);
        out.push("</", name, ">");
        return;
      }
      const contents = getComputedStyle(node);
      children(node, { ...state, back, inside, text: contents.display === "contents" && contents.visibility === "visible" });
    };

    // Lists that a control opens and hidden labels that it names: read now, though they are hidden.
    const popups = () => {
      for (const [node, why] of linked) {
        if (emitted.has(node)) continue;
        if (why === "label" && node.closest("[hidden]") === null && node.checkVisibility()) continue;
        out.push(why === "popup" ? "<cp-popup>" : "<cp-label>");
        if (node.localName === "datalist") {
          out.push("<datalist");
          attribute("id", scopeOf(node) + node.id);
          out.push(">");
          options(node);
          out.push("</datalist>");
        } else visit(node, { focused: null, fore: null, back: false, inside: false, operable: true, pointer: true, text: true, forced: true });
        out.push(why === "popup" ? "</cp-popup>" : "</cp-label>");
      }
    };

    const now = new Date();
    const date = [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((n) => String(n).padStart(2, "0")).join("-");
    out.push("<html");
    attribute("cp-date", date);
    if (document.documentElement?.lang) attribute("lang", document.documentElement.lang);
    out.push(">");
    if (document.body) {
      visit(document.body, {
        focused: deepFocus(document),
        fore: foreground(document),
        back: false,
        inside: false,
        operable: false,
        pointer: false,
        text: true,
        forced: false,
      });
      popups();
    }
    out.push("</html>");
    return { html: out.join("").toWellFormed(), url: location.href, title: document.title, date };
  };

  const deepFocus = (doc) => {
    let focused = doc.activeElement;
    while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
    return focused === doc.body ? null : focused;
  };

  Object.assign(pilot, { serialize, element, refOf, isSecret, prefix: "" });
})();

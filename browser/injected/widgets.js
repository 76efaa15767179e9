// What a widget is, holds and offers: for the hands, which need to know how to work it, and for the recorder.
//
//   globalThis[Symbol.for("casepilot.widgets")]
//     .kind(element) -> "native-select" | "drawn" | "combobox" | "listbox" | "radios" | "check" | "editor" | "input" | "file" |
//                       "stepper" | "other"; "drawn": a native select without looks of its own, or the box that is drawn for it
//     .label(element), .options(element) -> [{element, label, disabled, selected}], .popup(element) -> Element|null
//     .value(element), .checked(element), .hit(element) -> what a person would click to operate it
//     .begin(element): from now on, what opens belongs to it    .shown(element) -> the words in its box
//     .offer(element, label, limit, still) -> Promise of what its list offers    .complaint(element) -> why its value is refused
//     .openedFor(element) -> what opened for it since `begin`, what lies over the page first
// calendars.js and presses.js add to it.
(() => {
  const KEY = Symbol.for("casepilot.widgets");
  if (globalThis[KEY]) return;

  const fold = (text) => String(text ?? "").replace(/\s+/g, " ").trim();
  const role = (element) => (element.getAttribute("role") ?? "").trim().split(/\s+/)[0].toLowerCase();
  const visible = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const clips = (element) => getComputedStyle(element).overflow !== "visible";
  const small = (element) => {
    const box = element.getBoundingClientRect();
    return box.width < 2 || box.height < 2;
  };
  // Seen with a size of its own, on the page, and not clipped away by a box without one.
  const usable = (element) => {
    const box = element.getBoundingClientRect();
    if (box.width < 2 || box.height < 2 || box.right <= 0 || box.bottom + scrollY <= 0 || !visible(element)) return false;
    for (let above = element.parentElement; above; above = above.parentElement) if (small(above) && clips(above)) return false;
    return true;
  };
  const TEXTLESS = new Set("button submit reset image checkbox radio file color range hidden".split(" "));

  // A property, for elements of any frame.
  const isEditor = (element) => element.isContentEditable && !element.parentElement?.isContentEditable;

  // A select that nobody sees, and the box that is drawn for it beside it or beside what clips it away.
  const hiddenSelect = (element) => element?.localName === "select" && !usable(element);
  const boxOf = (select) => {
    for (const around of [select, select.parentElement]) {
      if (around !== select && (around?.childElementCount !== 1 || !small(around))) break;
      for (const beside of [around.nextElementSibling, around.previousElementSibling]) {
        if (beside && beside.localName !== "label" && beside.localName !== "select" && usable(beside)) return beside;
      }
    }
    return null;
  };
  const selectOf = (element) => {
    if (element.localName === "select") return element;
    for (let at = element, level = 0; at && level < 4; at = at.parentElement, level++) {
      for (const beside of [at.previousElementSibling, at.nextElementSibling]) {
        const inner = beside?.childElementCount === 1 && small(beside) ? beside.firstElementChild : beside;
        if (hiddenSelect(inner)) return boxOf(inner)?.contains(element) ? inner : null;
      }
      if (/^(form|body|main|fieldset|td|li)$/.test(at.parentElement?.localName ?? "body")) return null;
    }
    return null;
  };

  const kind = (element) => {
    const tag = element.localName;
    const is = role(element);
    if (tag === "select") return hiddenSelect(element) && boxOf(element) ? "drawn" : "native-select";
    if (tag === "input" && element.type === "file") return "file";
    if (tag !== "input" && (is === "slider" || is === "spinbutton") && !element.isContentEditable) return "stepper";
    if (tag === "input" && (element.type === "checkbox")) return "check";
    if (is === "checkbox" || is === "switch" || is === "menuitemcheckbox") return "check";
    if ((tag === "input" && element.type === "radio") || is === "radio" || is === "radiogroup") return "radios";
    if (tag !== "input" && tag !== "textarea" && !element.isContentEditable && selectOf(element)) return "drawn";
    if (is === "combobox" || element.getAttribute("aria-haspopup") === "listbox") return "combobox";
    if (is === "listbox") return "listbox";
    if (tag === "input" && !TEXTLESS.has(element.type)) return "input";
    if (tag === "textarea") return "input";
    if (isEditor(element) || ((is === "textbox" || is === "searchbox") && element.isContentEditable)) return "editor";
    if ((tag === "fieldset" || is === "group") && element.querySelector("input[type=radio],[role=radio]")) return "radios";
    return "other";
  };

  const byId = (element, ids) => {
    const root = element.getRootNode();
    return (ids ?? "").split(/\s+/).filter(Boolean).map((id) => root.getElementById?.(id)).filter(Boolean);
  };

  const label = (element) => {
    const named = byId(element, element.getAttribute("aria-labelledby"));
    if (named.length) return fold(named.map((node) => node.innerText || node.textContent).join(" "));
    const aria = fold(element.getAttribute("aria-label"));
    if (aria) return aria;
    if (element.labels?.length) {
      return fold([...element.labels].map((node) => node.ariaLabel || node.innerText || node.textContent).join(" "));
    }
    if (element.localName === "option") return fold(element.label || element.text);
    // A list item has a value, too: its number.
    return fold(element.innerText || element.textContent) || fold(element.title) || (element.localName === "li" ? "" : fold(element.value));
  };

  // The list that a combobox opens: the one it names, else the only visible one.
  const popup = (element) => {
    for (const attribute of ["aria-controls", "aria-owns"]) {
      for (const node of byId(element, element.getAttribute(attribute))) {
        if (role(node) === "listbox" || node.querySelector("[role=option]")) return node;
      }
    }
    const inner = element.querySelector("[role=listbox]");
    if (inner) return inner;
    const input = element.localName === "input" ? null : element.querySelector("input[role=combobox],input[aria-controls]");
    if (input && input !== element) return popup(input);
    const shown = [];
    const roots = new Set([element.getRootNode(), element.ownerDocument]);
    for (const root of roots) for (const node of root.querySelectorAll("[role=listbox]")) if (visible(node)) shown.push(node);
    return shown.length === 1 ? shown[0] : null;
  };

  const radios = (element) => {
    if (element.localName === "input" && element.type === "radio") {
      const root = element.form ?? element.getRootNode();
      const all = [...root.querySelectorAll("input[type=radio]")];
      return element.name ? all.filter((node) => node.name === element.name && node.form === element.form) : [element];
    }
    if (role(element) === "radio") {
      const group = element.closest("[role=radiogroup]") ?? element.parentElement;
      return [...group.querySelectorAll("[role=radio]")];
    }
    return [...element.querySelectorAll("input[type=radio],[role=radio]")];
  };

  const checked = (element) => {
    if (element.localName === "input") return element.checked;
    return (element.getAttribute("aria-checked") ?? element.getAttribute("aria-pressed")) === "true";
  };

  const chosen = (element) =>
    element.getAttribute("aria-selected") === "true" || element.getAttribute("aria-checked") === "true";

  // -- lists that open --------------------------------------------------------------------------------------------------------
  const ENTRY = "[role=option],[role=menuitem],[role=menuitemradio],[role=treeitem]";
  const LONGEST = 160; // characters of one entry of a list
  const WHAT = { subtree: true, childList: true, attributes: true, characterData: true };
  let opened = null; // what was added to the page or changed its looks since `begin`

  const begin = (element) => {
    opened?.observer.disconnect();
    const touched = new Set();
    const observer = new MutationObserver((records) => {
      for (const record of records) {
        if (record.type === "attributes") touched.add(record.target);
        for (const node of record.addedNodes) if (node.nodeType === 1) touched.add(node);
      }
    });
    opened = { element, touched, observer };
    observer.observe(element.ownerDocument, { ...WHAT, attributeFilter: ["class", "style", "hidden", "open", "aria-hidden"] });
    const root = element.getRootNode();
    if (root !== element.ownerDocument) observer.observe(root, WHAT);
    return true;
  };

  const floats = (node) => /^(absolute|fixed)$/.test(getComputedStyle(node).position);

  // What opened for an element, what lies over the page first.
  const openedFor = (element) => {
    if (opened?.element !== element) return [];
    const found = [...opened.touched].filter((node) => node.isConnected && !node.contains(element) && !node.parentElement?.closest("[role=listbox]") && usable(node));
    return found.sort((a, b) => Number(floats(b)) - Number(floats(a)));
  };

  const brief = (node) => {
    const text = fold(node.innerText);
    return text && text.length <= LONGEST;
  };

  // The lines of a list: by role, else by markup, else the most elements of one kind side by side.
  const lines = (list) => {
    const marked = [...list.querySelectorAll(ENTRY)].filter(usable);
    if (marked.length || role(list) === "listbox") return marked;
    const items = [...list.querySelectorAll("li")].filter((node) => !node.querySelector("li") && usable(node) && brief(node));
    if (items.length) return items;
    let best = [];
    for (const node of [list, ...list.querySelectorAll("div,ul,ol,span,tbody")]) {
      const first = node.firstElementChild;
      if (!first || /^(label|input|select|button)$/.test(first.localName)) continue;
      const kin = [...node.children].filter((child) => child.localName === first.localName && usable(child) && brief(child));
      if (kin.length > best.length && kin.every((child) => !child.querySelector("input,select,textarea"))) best = kin;
    }
    return best;
  };

  const entries = (element) => {
    const list = popup(element);
    const named = list && usable(list) ? lines(list) : [];
    if (named.length) return named;
    for (const node of openedFor(element)) {
      const found = lines(node);
      if (found.length) return found;
    }
    return [];
  };

  const asOption = (node) => ({
    element: node,
    label: label(node),
    disabled: node.getAttribute("aria-disabled") === "true" || /(^|[\s_-])disabled(\s|$)/.test(node.className),
    selected: chosen(node),
  });

  const options = (element) => {
    switch (kind(element)) {
      case "native-select":
        return [...element.options].map((node) => ({
          element: node,
          label: fold(node.label || node.text),
          disabled: node.matches(":disabled"),
          selected: node.selected,
        }));
      case "radios":
        return radios(element).map((node) => ({
          element: node,
          label: label(node),
          disabled: node.matches(":disabled") || node.getAttribute("aria-disabled") === "true",
          selected: checked(node),
        }));
      case "listbox":
        return lines(element).map(asOption);
      default: {
        if (element.list) return [...element.list.options].map((node) => ({ ...asOption(node), label: fold(node.label || node.value) }));
        return entries(element).map(asOption);
      }
    }
  };

  // What the widget shows as its value, as a person reads it.
  const value = (element) => {
    switch (kind(element)) {
      case "native-select":
      case "radios":
      case "listbox":
        return options(element).filter((option) => option.selected).map((option) => option.label).join(", ");
      case "drawn":
        return [...selectOf(element).selectedOptions].map((option) => fold(option.label || option.text)).join(", ");
      case "file":
        return [...element.files].map((file) => file.name).join(", ");
      case "stepper":
        return element.getAttribute("aria-valuenow") ?? fold(element.innerText);
      case "combobox": {
        if (element.localName === "input") return element.value;
        const input = element.querySelector("input");
        return input ? input.value : fold(element.innerText);
      }
      case "check":
        return element.indeterminate || element.getAttribute("aria-checked") === "mixed" ? "mixed" : checked(element) ? "on" : "off";
      case "editor":
        return element.innerText.replace(/\u00a0/g, " ").replace(/\n$/, "");
      default:
        return "value" in element ? String(element.value) : fold(element.innerText);
    }
  };

  const expanded = (element) => {
    const list = popup(element);
    const state = element.getAttribute("aria-expanded") ?? element.querySelector("[aria-expanded]")?.getAttribute("aria-expanded");
    return state === null || state === undefined ? Boolean(list && visible(list)) : state === "true";
  };

  // A native checkbox or radio that is drawn over, or takes no clicks, is worked by its label; a hidden select by its box.
  const hit = (element) => {
    if (element.localName === "select") return boxOf(element) ?? element;
    if (element.localName !== "input") return element;
    if (usable(element) && getComputedStyle(element).pointerEvents !== "none") return element;
    return [...(element.labels ?? [])].find(usable) ?? element;
  };

  // The words in the box of a field: what stands around it up to the next field, its label and what it opened left out.
  const FIELDS = "input:not([type=hidden]),select,textarea,[role=combobox],[contenteditable=true]";
  const shown = (element) => {
    let box = element;
    for (let level = 0; level < 4; level++) {
      const above = box.parentElement;
      if (!above || /^(form|body|main|fieldset|td|tr|section|article|dialog)$/.test(above.localName)) break;
      const others = [...above.querySelectorAll(FIELDS)].filter((node) => node !== element && !element.contains(node) && !node.contains(element));
      if (others.some((node) => node.localName !== "select" ? usable(node) : !hiddenSelect(node))) break;
      box = above;
    }
    const lists = [popup(element), ...(opened?.element === element ? opened.touched : [])].filter((node) => node && floats(node));
    const words = [];
    const walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const around = walker.currentNode.parentElement;
      if (around.closest("label,option,script,style,[role=listbox],[role=menu]") || lists.some((list) => list.contains(around))) continue;
      if (visible(around)) words.push(walker.currentNode.data);
    }
    return fold(words.join(" "));
  };

  // What stands in the box as tokens, and whether the field is one that takes them.
  const TOKEN = /(^|[\s_-])(chips?|tags?|tokens?|tagify|multi-?value)(?=$|[\s_-])/i;
  const takesTokens = (element) => {
    if (element.localName !== "input") return false;
    for (let above = element.parentElement, level = 0; above && level < 2; above = above.parentElement, level++) {
      if (above.querySelectorAll(FIELDS).length > 1) break;
      if (TOKEN.test(above.getAttribute("class") ?? "")) return true;
      const before = [...above.children].filter((node) => node !== element && !node.contains(element) && node.localName !== "label");
      if (before.some((node) => TOKEN.test(node.getAttribute("class") ?? "") && fold(node.innerText))) return true;
    }
    return false;
  };

  // Why the page refuses what a field holds, in its words; "" while it does not.
  const complaint = (element) => {
    const { validity } = element;
    if (validity && !validity.valid && !validity.valueMissing) return element.validationMessage;
    if (element.getAttribute("aria-invalid") !== "true") return "";
    const told = [...byId(element, element.getAttribute("aria-errormessage")), ...byId(element, element.getAttribute("aria-describedby"))];
    return fold(told.filter(visible).map((node) => node.innerText).join(" ")) || "It is marked as invalid.";
  };

  const entered = (element) => [value(element), complaint(element), shown(element)];

  const off = (element) => element.matches(":disabled") || element.getAttribute("aria-disabled") === "true";
  const disabled = (element) => (kind(element) === "radios" ? radios(element).every(off) && radios(element).length > 0 : off(element));

  // The option with this label, letter case aside where nothing matches it exactly.
  const find = (element, wanted) => {
    const list = options(element);
    const lower = fold(wanted).toLowerCase();
    const same = list.find((option) => option.label === fold(wanted)) ?? list.find((option) => option.label.toLowerCase() === lower);
    if (same) return same;
    // An entry may say more of itself in further lines.
    const headed = list.filter((option) => fold(option.element.innerText?.trim().split("\n")[0]).toLowerCase() === lower);
    return headed.length === 1 ? headed[0] : null;
  };

  // Lists that only draw what is in sight are gone through from the top.
  const SEEK = 4000; // ms
  const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  const seek = async (element, wanted) => {
    let at = options(element)[0]?.element.parentElement;
    while (at && at !== document.body && !(at.scrollHeight > at.clientHeight + 4 && /auto|scroll/.test(getComputedStyle(at).overflowY))) at = at.parentElement;
    if (!at || at === document.body || at.contains(element)) return null;
    const { scrollTop } = at;
    const until = performance.now() + SEEK;
    at.scrollTop = 0;
    for (let last = -1; performance.now() < until; ) {
      await frame();
      const found = find(element, wanted);
      if (found) return found;
      if (at.scrollTop === last) {
        await new Promise((resolve) => setTimeout(resolve, 150)); // more may be on its way
        if (at.scrollTop + at.clientHeight >= at.scrollHeight - 1) break;
      }
      last = at.scrollTop;
      at.scrollTop += Math.max(20, at.clientHeight - 30);
    }
    at.scrollTop = scrollTop;
    await frame();
    return null;
  };

  const FADING = 60; // ms

  // Wait for an option: until it is there, until the list is there without it and stays so for `still` ms, or for `limit` ms.
  const offer = (element, wanted, limit, still) =>
    new Promise((resolve) => {
      const started = performance.now();
      let timer = 0;
      const done = async (found) => {
        clearTimeout(timer);
        observer.disconnect();
        if (!found && wanted && kind(element) !== "native-select") found = await seek(element, wanted);
        resolve({
          found: Boolean(found),
          disabled: Boolean(found?.disabled),
          index: found ? options(element).findIndex((option) => option.element === found.element) : -1,
          labels: options(element).map((option) => option.label),
        });
      };
      const check = () => {
        clearTimeout(timer);
        const found = find(element, wanted);
        const left = limit - (performance.now() - started);
        if (found || left <= 0) return done(found);
        const there = options(element).length;
        // No mutation tells that a list has faded in.
        timer = setTimeout(there ? () => done(find(element, wanted)) : check, Math.min(left, there ? still : FADING));
      };
      const observer = new MutationObserver(check);
      observer.observe(element.ownerDocument, WHAT);
      const root = element.getRootNode();
      if (root !== element.ownerDocument) observer.observe(root, WHAT);
      check();
    });

  const api = {
    kind, label, options, popup, value, checked, chosen, expanded, hit, disabled, find, offer, fold, role, radios, isEditor, visible,
    begin, openedFor, entered, shown, takesTokens, complaint, usable,
  };
  Object.defineProperty(globalThis, KEY, { value: api });
})();

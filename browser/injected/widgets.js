// What a widget is, holds and offers: for the hands, which need to know how to work it, and for the recorder.
//
//   globalThis[Symbol.for("casepilot.widgets")]
//     .kind(element) -> "native-select" | "combobox" | "listbox" | "radios" | "check" | "editor" | "input" | "other"
//     .label(element), .options(element) -> [{element, label, disabled, selected}], .popup(element) -> Element|null
//     .value(element), .checked(element), .hit(element) -> what a person would click to operate it
(() => {
  const KEY = Symbol.for("casepilot.widgets");
  if (globalThis[KEY]) return;

  const fold = (text) => String(text ?? "").replace(/\s+/g, " ").trim();
  const role = (element) => (element.getAttribute("role") ?? "").trim().split(/\s+/)[0].toLowerCase();
  const visible = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const TEXTLESS = new Set("button submit reset image checkbox radio file color range hidden".split(" "));

  // A property, for elements of any frame.
  const isEditor = (element) => element.isContentEditable && !element.parentElement?.isContentEditable;

  const kind = (element) => {
    const tag = element.localName;
    const is = role(element);
    if (tag === "select" && !element.multiple && element.size <= 1) return "native-select";
    if (tag === "select") return "native-select";
    if (tag === "input" && (element.type === "checkbox")) return "check";
    if (is === "checkbox" || is === "switch" || is === "menuitemcheckbox") return "check";
    if ((tag === "input" && element.type === "radio") || is === "radio" || is === "radiogroup") return "radios";
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
    if (element.labels?.length) return fold([...element.labels].map((node) => node.innerText || node.textContent).join(" "));
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
      default: {
        const list = kind(element) === "listbox" ? element : popup(element);
        if (!list) return [];
        return [...list.querySelectorAll("[role=option]")].filter(visible).map((node) => ({
          element: node,
          label: label(node),
          disabled: node.getAttribute("aria-disabled") === "true",
          selected: chosen(node),
        }));
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
      case "combobox": {
        if (element.localName === "input") return element.value;
        const input = element.querySelector("input");
        return input ? input.value : fold(element.innerText);
      }
      case "check":
        return checked(element) ? "on" : "off";
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

  const small = (element) => {
    const box = element.getBoundingClientRect();
    return box.width < 2 || box.height < 2;
  };

  // A native checkbox or radio that is drawn over is worked by its label.
  const hit = (element) => {
    if (element.localName !== "input" || (visible(element) && !small(element))) return element;
    return [...(element.labels ?? [])].find((node) => visible(node) && !small(node)) ?? element;
  };

  const off = (element) => element.matches(":disabled") || element.getAttribute("aria-disabled") === "true";
  const disabled = (element) => (kind(element) === "radios" ? radios(element).every(off) && radios(element).length > 0 : off(element));

  // The option with this label, letter case aside where nothing matches it exactly.
  const find = (element, wanted) => {
    const list = options(element);
    const lower = fold(wanted).toLowerCase();
    return list.find((option) => option.label === fold(wanted)) ?? list.find((option) => option.label.toLowerCase() === lower) ?? null;
  };

  // Wait for an option: until it is there, until the list is there without it and stays so for `still` ms, or for `limit` ms.
  const offer = (element, wanted, limit, still) =>
    new Promise((resolve) => {
      const started = performance.now();
      let timer = 0;
      const done = (found) => {
        clearTimeout(timer);
        observer.disconnect();
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
        timer = setTimeout(options(element).length ? () => done(find(element, wanted)) : check, Math.min(left, options(element).length ? still : left));
      };
      const observer = new MutationObserver(check);
      const what = { subtree: true, childList: true, attributes: true, characterData: true };
      observer.observe(element.ownerDocument, what);
      const root = element.getRootNode();
      if (root !== element.ownerDocument) observer.observe(root, what);
      check();
    });

  const api = {
    kind, label, options, popup, value, checked, chosen, expanded, hit, disabled, find, offer, fold, role, radios, isEditor, visible,
  };
  Object.defineProperty(globalThis, KEY, { value: api });
})();

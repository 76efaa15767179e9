// Attributes and live state of elements.

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

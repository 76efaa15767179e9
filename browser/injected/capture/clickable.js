// What can be clicked without being a native control.

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

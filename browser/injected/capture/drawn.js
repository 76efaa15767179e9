// What is drawn in place of native fields.

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

// What follows a select that nobody sees and says what is chosen in it, or is named after it.
const drawnBeside = (node) => {
  const face = node.nextElementSibling;
  const shown = node.selectedOptions[0]?.text.trim();
  if (!face || !shown || /^(label|option|input|select|textarea|script|style)$/.test(face.localName) || !isShown(face)) return null;
  if (!face.textContent.trim().startsWith(shown)) return null;
  scene.faces.add(face);
  return face;
};

// What is drawn in place of a native select that has no looks of its own: a control beside it that opens a list.
const drawnSelect = (node) => {
  const around = clipping(node.parentElement) === node ? node.parentElement : null;
  if (around) return drawnList(node, around);
  const rect = node.getBoundingClientRect();
  if (!rect.width || !rect.height || !node.checkVisibility({ visibilityProperty: true })) return drawnBeside(node);
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

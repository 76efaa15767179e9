// The children of an element; those of a long table in a window.

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

// Hidden lists and labels that controls name.

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

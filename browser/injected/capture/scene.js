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

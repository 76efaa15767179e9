// The whole page, or one element of it anew.

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

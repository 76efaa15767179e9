// Live parts: elements with data-live are fetched again when something happens, and changed only where they differ.
import { all, find } from "./dom.js";
import { signInAgain } from "./request.js";

const running = new Map();

/** Runs `work`; calls of the same name while it runs become one more run after it. */
export async function once(name, work) {
  if (running.has(name)) return running.set(name, true);
  running.set(name, false);
  try {
    await work();
  } catch (error) {
    // No connection: the stream tells so, and everything is fetched again when it is back.
    if (!(error instanceof TypeError)) throw error;
  } finally {
    const again = running.get(name);
    running.delete(name);
    if (again) once(name, work);
  }
}

/** Fetch a live part again and bring it up to date. */
export const refresh = (name) =>
  once(name, async () => {
    const part = find(`[data-live="${name}"]`);
    if (!part) return;
    const source = new URL(part.dataset.source, location.href);
    const chosen = find("[data-handoff]")?.dataset.handoff;
    if (name === "queue" && chosen) source.searchParams.set("chosen", chosen);
    const answer = await fetch(source, { headers: { "x-fragment": name } });
    if (answer.ok) put(part, await answer.text());
    else if (answer.status === 401 && (await signInAgain())) refresh(name);
  });

const ENTRIES = "input:not([type=hidden]), select, textarea";

/** Whether an operator is at this input, or has entered something in it. */
function entered(input) {
  if (input === document.activeElement) return true;
  if (input.tagName !== "SELECT") return input.value !== input.defaultValue;
  const initial = input.options[Math.max(0, [...input.options].findIndex((option) => option.defaultSelected))];
  return input.selectedOptions[0] !== initial;
}

const holds = (node) => node.nodeType === 1 && (node.matches(ENTRIES) ? entered(node) : all(ENTRIES, node).some(entered));

/** Change a part to `html`. Inputs that an operator is at or has filled in stay as they are, also where the new part has none of
 * them; so do open details, the focus and the place scrolled to. */
export function put(part, html) {
  const focus = part.contains(document.activeElement) ? place(document.activeElement) : null;
  const top = part.scrollTop;
  Idiomorph.morph(part, html, {
    morphStyle: "innerHTML",
    callbacks: {
      beforeNodeMorphed: (old) => !(old.nodeType === 1 && old.matches(ENTRIES) && entered(old)),
      beforeNodeRemoved: (old) => !holds(old),
      beforeAttributeUpdated: (name, old) => !(name === "open" && old.tagName === "DETAILS"),
    },
  });
  part.scrollTop = top;
  if (focus && !part.contains(document.activeElement)) find(focus, part)?.focus({ preventScroll: true });
  dress(part);
}

function place(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  if (element.dataset.card) return `[data-card="${CSS.escape(element.dataset.card)}"]`;
  if (element.dataset.key) return `[data-key="${CSS.escape(element.dataset.key)}"]`;
  return null;
}

// Times and counters

function span(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function tick() {
  for (const time of all("time[data-since]")) {
    const text = span(Math.max(0, (Date.now() - Date.parse(time.dataset.since)) / 1000));
    if (time.textContent !== text) time.textContent = text;
  }
}

export function count(input) {
  const shown = find(`[data-counter="${input.id}"]`);
  const most = input.maxLength < 20000 ? ` of ${input.maxLength}` : ""; // beyond that it is the console's own limit
  if (shown) shown.textContent = `${input.value.length}${most} characters`;
}

/** Fill in what the page itself knows better: times, counters, which card is open, the number in the title. */
export function dress(root) {
  all("[data-counted]", root).forEach(count);
  tick();
  const open = find("[data-handoff]")?.dataset.handoff;
  for (const link of all("[data-card]")) {
    if (link.dataset.card === open) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  const waiting = find("[data-count]");
  if (waiting) badge(Number(waiting.dataset.count));
}

function badge(waiting) {
  const shown = find("#open");
  if (shown) shown.textContent = String(waiting);
  document.title = (waiting ? `(${waiting}) ` : "") + document.title.replace(/^\(\d+\) /, "");
}

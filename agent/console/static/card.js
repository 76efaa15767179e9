// The card of a hand-off: which one is open, what its forms and keys do.
import { all, find, toast } from "./dom.js";
import { dress, once, put, refresh } from "./live.js";
import { post, signInAgain } from "./request.js";

const pane = find("#card");
const SEEN = 400; // ms from which on a card that came by itself takes an answer: what is pressed sooner was meant for the one before
const address = (id) => `/handoffs/${encodeURIComponent(id)}`;
const fragment = { headers: { "x-fragment": "card" } };

let turn = 0; // grows with every card that is asked for; what arrives for an earlier one is dropped
let coming = ""; // the hand-off whose card is on its way
let missed = false; // something has happened to it meanwhile
let sending = false; // an answer is on its way to the console
let held = null; // the answer that can still be taken back: { id, until, toast, text }

export const shown = () => find("[data-handoff]", pane ?? document)?.dataset.handoff ?? "";

const busy = (now) => pane?.setAttribute("aria-busy", String(now));
const isBusy = () => pane?.getAttribute("aria-busy") === "true";
const tooSoon = () => toast(sending ? "Not done: your answer is still being sent." : "Not done: this card has only just come. Look at it first.");

/** Bring the open card up to date. */
export const refreshCard = () =>
  once("card", async () => {
    if (coming) return void (missed = true);
    const id = shown();
    const began = turn;
    if (!pane || !id) return;
    const answer = await fetch(address(id), fragment);
    const html = await answer.text();
    if (began !== turn || sending) return; // it is fetched once more when the answer is through
    if (answer.ok) put(pane, html);
    else if (answer.status === 401 && (await signInAgain())) refreshCard();
  });

/** Something has happened to a hand-off. */
export function happened(id) {
  if (id === shown() || id === coming) refreshCard();
}

/** Put a card before the operator. `itself`: they have not chosen this one, so it takes no answer at once. */
export async function open(id, { focus = false, push = true, itself = false } = {}) {
  if (!pane) return (location.href = address(id));
  const mine = ++turn;
  coming = id;
  missed = false;
  busy(true);
  const answer = await fetch(address(id), fragment).catch(() => null);
  const html = answer?.ok ? await answer.text().catch(() => null) : null;
  if (mine !== turn) return;
  if (html === null && answer?.status === 401 && (await signInAgain())) return mine === turn && open(id, { focus, push, itself });
  coming = "";
  if (html === null) {
    busy(false);
    refresh("queue");
    return toast(answer ? `The card could not be had: ${answer.status}.` : "The console cannot be reached.", { bad: true });
  }
  const inside = pane.contains(document.activeElement);
  Object.assign(pane.dataset, { live: "card", source: address(id) });
  if (id === shown()) put(pane, html);
  else {
    pane.innerHTML = html;
    pane.scrollTop = 0;
    dress(pane);
  }
  if (missed) refreshCard();
  if (push && location.pathname !== address(id)) history.pushState(null, "", address(id));
  if (focus) find(`[data-card="${CSS.escape(id)}"]`)?.focus();
  else if (inside && !pane.contains(document.activeElement)) find("[data-handoff]", pane)?.focus({ preventScroll: true });
  if (itself) setTimeout(() => mine === turn && busy(sending), SEEN);
  else busy(sending);
}

function close() {
  turn += 1;
  coming = "";
  delete pane.dataset.live;
  busy(false);
  const words = document.createElement("p");
  words.className = "empty";
  words.textContent = "Nothing else waits for you. The next hand-off appears in the queue by itself.";
  pane.replaceChildren(words);
  history.pushState(null, "", "/queue");
}

// Answers

const following = () => {
  const links = all("[data-card]");
  const here = links.findIndex((link) => link.hasAttribute("aria-current"));
  return (links[here + 1] ?? links.find((_, index) => index !== here))?.dataset.card ?? "";
};

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.dataset.plain !== undefined || form.method !== "post") return;
  event.preventDefault();
  if (sending || isBusy()) return tooSoon();
  if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) return;
  const id = form.closest("[data-handoff]").dataset.handoff;
  const after = following();
  const began = turn;
  sending = true;
  busy(true);
  const { status, said } = await post(form.action, new FormData(form));
  sending = false;
  if (began === turn) busy(false);
  if (status !== 200) return refused(form, status, said.message);
  form.reset();
  if (said.to) return drive(said.to);
  if (said.state === "held") undoable(id, said);
  else if (said.message) toast(said.message, { seconds: said.state === "seeded" ? 12 : 5 });
  refresh("queue");
  if (began !== turn) return; // the operator has gone on to another card by themselves
  if (form.dataset.stay !== undefined) refreshCard();
  else if (["rejected", "seeded"].includes(said.state) || form.action.endsWith("/undo")) open(id, { itself: true });
  else if (after) open(after, { itself: true });
  else close();
});

function refused(form, status, message) {
  toast(message, { bad: true, seconds: 10 });
  const input = find("input:not([type=hidden]), select, textarea", form);
  if (status === 422 && input) {
    input.setAttribute("aria-invalid", "true");
    input.focus();
  }
  if ([404, 409, 410].includes(status)) refresh("queue"), refreshCard();
}

/** To the live page of a session, where the wheel is taken at once. */
function drive(to) {
  sessionStorage.setItem("take", to);
  location.href = to;
}

function undoable(id, said) {
  held?.toast.box.remove();
  const text = `Accepted ${id.split(".")[0].replace(/-[0-9a-f]{8}$/, "")}.`;
  const box = toast(text, { seconds: said.undo_seconds, button: { text: "Undo (u)", press: undo } });
  held = { id, until: Date.now() + said.undo_seconds * 1000, toast: box, text };
  countDown();
}

/** Say how long the held answer can still be taken back. */
export function countDown() {
  if (!held) return;
  const left = Math.ceil((held.until - Date.now()) / 1000);
  if (left > 0) held.toast.words.textContent = `${held.text} It leaves in ${left} s.`;
  else held.toast.box.remove(), (held = null);
}

async function undo() {
  const { id, toast: box } = held;
  held = null;
  box.box.remove();
  const { status, said } = await post(`${address(id)}/undo`, {});
  if (status !== 200) return toast(said.message, { bad: true, seconds: 10 });
  toast("Taken back. It is still yours.");
  refresh("queue");
  open(id, { itself: true });
}

// Keys

function step(by) {
  const links = all("[data-card]");
  if (!links.length) return;
  const from = coming || shown();
  const here = links.findIndex((link) => link.dataset.card === from);
  const to = here < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, here + by));
  open(links[to].dataset.card, { focus: true });
}

const ENTRIES = ["input:not([type=hidden])", "select", "textarea"];
const keys = {
  j: () => step(1),
  k: () => step(-1),
  u: () => (held ? undo() : find('#card [data-key="u"]')?.click()),
  e: () => find(ENTRIES.map((entry) => `[data-edit] ${entry}`).join())?.focus(),
  r: () => find("[data-reject]")?.focus(),
};

/** Does what a key is for; returns whether it is for anything. */
export function press(event) {
  const own = keys[event.key];
  const button = own ? null : find(`#card [data-key="${CSS.escape(event.key)}"]`);
  if (!own && !button) return false;
  if (event.repeat && !"jk".includes(event.key)) return true; // a key that is held down answers one card, not the queue
  if (isBusy() && !"jku".includes(event.key)) tooSoon();
  else if (own) own();
  else button.click();
  return true;
}

document.addEventListener("input", ({ target }) => target.removeAttribute?.("aria-invalid"));
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches("textarea")) event.target.form?.requestSubmit();
});

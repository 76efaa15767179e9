// The console's pages: live parts, forms without reload, keys. Without it every form and link still works.
const body = document.body;
const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
let csrf = body.dataset.csrf;
let held = null; // the answer that can still be taken back: { id, until, toast }

// Messages

function toast(text, { bad = false, button = null, seconds = 6 } = {}) {
  const box = document.createElement("div");
  box.className = bad ? "toast bad" : "toast";
  const words = document.createElement("span");
  words.textContent = text;
  box.append(words);
  if (button) {
    const press = document.createElement("button");
    press.type = "button";
    press.textContent = button.text;
    press.addEventListener("click", button.press);
    box.append(press);
  }
  find("#toasts").append(box);
  setTimeout(() => box.remove(), seconds * 1000);
  return { box, words };
}

// Requests

/** Sends what changes something, once; resolves to the answer's JSON, or null when it was refused (which has been told). */
async function post(address, entries) {
  const send = () =>
    fetch(address, {
      method: "POST",
      body: new URLSearchParams(entries),
      headers: { accept: "application/json", "x-csrf-token": csrf },
    });
  let answer;
  try {
    answer = await send();
    if (answer.status === 401) {
      await signInAgain();
      answer = await send();
    }
  } catch {
    toast("Not sent: the console cannot be reached. Nothing was done; try again.", { bad: true });
    return null;
  }
  const said = await answer.json().catch(() => ({ message: `The console answered ${answer.status}.` }));
  if (answer.ok) return said;
  toast(said.message, { bad: true, seconds: 10 });
  if ([404, 409, 410].includes(answer.status)) refresh("queue"), refresh("card");
  return null;
}

function signInAgain() {
  const dialog = find("#relogin");
  const form = find("#relogin-form");
  const alert = find(".alert", form);
  if (!dialog.open) dialog.showModal();
  return new Promise((signedIn) => {
    form.onsubmit = async (event) => {
      event.preventDefault();
      const answer = await fetch("/login", {
        method: "POST",
        body: new URLSearchParams(new FormData(form)),
        headers: { accept: "application/json" },
      }).catch(() => null);
      const said = answer ? await answer.json() : { message: "The console cannot be reached." };
      alert.hidden = Boolean(answer?.ok);
      alert.textContent = said.message ?? "";
      if (!answer?.ok) return;
      if (said.name !== body.dataset.operator) return location.reload();
      csrf = said.csrf;
      all("input[name=csrf]").forEach((input) => (input.value = csrf));
      form.reset();
      dialog.close();
      connect();
      signedIn();
    };
  });
}

// Live parts: elements with data-live are fetched again when something happens

const busy = new Map();
const moved = new Set(); // hand-offs that something happened to since they were last fetched

/** Fetch a live part again and put it in place, keeping what has the focus; calls while one runs become one more. */
async function refresh(name) {
  const part = find(`[data-live="${name}"]`);
  if (!part) return;
  if (busy.has(name)) return busy.set(name, true);
  busy.set(name, false);
  try {
    const chosen = find("#card")?.dataset.handoff ?? "";
    const source = new URL(part.dataset.source, location.href);
    if (name === "queue") source.searchParams.set("chosen", find("[data-handoff]")?.dataset.handoff ?? chosen);
    const answer = await fetch(source, { headers: { "x-fragment": name } });
    if (answer.ok && part.dataset.source === source.pathname) put(part, await answer.text());
    else if (answer.status === 401) await signInAgain();
  } catch {
    // The stream tells that the connection is lost, and everything is fetched again when it is back.
  }
  const again = busy.get(name);
  busy.delete(name);
  if (again) refresh(name);
}

function put(part, html) {
  if (part.innerHTML === html) return;
  const focus = part.contains(document.activeElement) ? place(document.activeElement) : null;
  const top = part.scrollTop;
  part.innerHTML = html;
  part.scrollTop = top;
  if (focus) find(focus, part)?.focus({ preventScroll: true });
  dress(part);
}

function place(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  if (element.dataset.card) return `[data-card="${CSS.escape(element.dataset.card)}"]`;
  if (element.dataset.key) return `[data-key="${CSS.escape(element.dataset.key)}"]`;
  return null;
}

/** Whether the operator has begun to enter something on the card. */
const entering = () =>
  all("#card input:not([type=hidden]), #card select, #card textarea").some((input) =>
    input.tagName === "SELECT"
      ? [...input.options].some((option) => option.selected !== option.defaultSelected)
      : input.value !== input.defaultValue,
  );

async function open(id, { focus = false, push = true } = {}) {
  const pane = find("#card");
  if (!pane) return (location.href = `/handoffs/${id}`);
  const address = `/handoffs/${encodeURIComponent(id)}`;
  moved.delete(id);
  const answer = await fetch(address, { headers: { "x-fragment": "card" } }).catch(() => null);
  if (!answer) return toast("The console cannot be reached.", { bad: true });
  if (answer.status === 401) return signInAgain().then(() => open(id, { focus, push }));
  if (!answer.ok) return refresh("queue");
  Object.assign(pane.dataset, { live: "card", source: address });
  pane.innerHTML = await answer.text();
  pane.scrollTop = 0;
  dress(pane);
  all("[data-card]").forEach((link) => link.toggleAttribute("aria-current", link.dataset.card === id));
  if (moved.has(id)) refresh("card"); // something happened to it while it was on its way here
  if (push && location.pathname !== address) history.pushState(null, "", address);
  if (focus) find(`[data-card="${CSS.escape(id)}"]`)?.focus();
}

function close() {
  const pane = find("#card");
  if (!pane) return;
  delete pane.dataset.live;
  pane.innerHTML = '<p class="empty">Nothing else waits for you.</p>';
  history.pushState(null, "", "/queue");
}

// Time, counters

function span(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function tick() {
  const now = Date.now();
  for (const time of all("time[data-since]")) {
    const text = span(Math.max(0, (now - Date.parse(time.dataset.since)) / 1000));
    if (time.textContent !== text) time.textContent = text;
  }
  if (held) {
    const left = Math.ceil((held.until - now) / 1000);
    if (left > 0) held.toast.words.textContent = `${held.text} It leaves in ${left} s.`;
    else held.toast.box.remove(), (held = null);
  }
}

function count(input) {
  const shown = find(`[data-counter="${input.id}"]`);
  if (shown) shown.textContent = `${input.value.length} of ${input.maxLength} characters`;
}

function dress(root) {
  all("[data-counted]", root).forEach(count);
  tick();
  const waiting = find("[data-count]");
  if (waiting) badge(Number(waiting.dataset.count));
}

function badge(waiting) {
  const shown = find("#open");
  if (shown) shown.textContent = String(waiting);
  document.title = (waiting ? `(${waiting}) ` : "") + document.title.replace(/^\(\d+\) /, "");
}

// Forms

const next = () => {
  const links = all("[data-card]");
  const here = links.findIndex((link) => link.hasAttribute("aria-current"));
  return links[here + 1] ?? links.find((_, index) => index !== here);
};

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.dataset.plain !== undefined || form.method !== "post") return;
  event.preventDefault();
  if (form.dataset.sending || (form.dataset.confirm && !window.confirm(form.dataset.confirm))) return;
  form.dataset.sending = "yes";
  const buttons = all("#card button").filter((button) => !button.disabled);
  const id = find("[data-handoff]")?.dataset.handoff;
  const following = next()?.dataset.card;
  const entries = new FormData(form);
  buttons.forEach((button) => (button.disabled = true));
  const said = await post(form.action, entries);
  delete form.dataset.sending;
  buttons.forEach((button) => (button.disabled = false));
  if (!said) return;
  if (said.state === "held") undoable(id, said);
  else if (said.message) toast(said.message, { seconds: said.state === "seeded" ? 12 : 5 });
  refresh("queue");
  if (form.dataset.stay !== undefined || ["rejected", "seeded"].includes(said.state) || form.action.endsWith("/undo")) open(id);
  else if (following) open(following);
  else close();
});

function undoable(id, said) {
  held?.toast.box.remove();
  const words = `Accepted ${id.split(".")[0].replace(/-[0-9a-f]{8}$/, "")}.`;
  const shown = toast(words, { seconds: said.undo_seconds, button: { text: "Undo (u)", press: undo } });
  held = { id, until: Date.now() + said.undo_seconds * 1000, toast: shown, text: words };
  tick();
}

async function undo() {
  if (!held) return;
  const { id, toast: shown } = held;
  held = null;
  shown.box.remove();
  const said = await post(`/handoffs/${encodeURIComponent(id)}/undo`, {});
  if (!said) return;
  toast("Taken back. It is still yours.");
  refresh("queue");
  open(id);
}

// Links and keys

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-card], a[data-order]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  if (link.dataset.card) return open(link.dataset.card);
  document.cookie = `order=${link.dataset.order}; samesite=strict; path=/`;
  refresh("queue");
});

function step(by) {
  const links = all("[data-card]");
  if (!links.length) return;
  const here = links.findIndex((link) => link.hasAttribute("aria-current"));
  const to = here < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, here + by));
  open(links[to].dataset.card, { focus: true });
}

let went = 0;
const keys = {
  j: () => step(1),
  k: () => step(-1),
  u: () => (held ? undo() : find('#card [data-key="u"]')?.click()),
  e: () => (find("[data-edit] input:not([type=hidden]), [data-edit] select, [data-edit] textarea") ?? body).focus(),
  r: () => (find("[data-reject]") ?? body).focus(),
  g: () => (went = Date.now()),
  "?": () => find("#keys")?.showModal(),
};

document.addEventListener("keydown", (event) => {
  const field = event.target.closest("input, select, textarea");
  if (event.key === "Escape" && field && !event.target.closest("dialog")) return field.blur();
  if (field || event.metaKey || event.ctrlKey || event.altKey || find("dialog[open]")) return;
  const going = Date.now() - went < 1500 ? { q: "/queue", s: "/sessions" }[event.key] : null;
  went = 0;
  if (going) return (location.href = going);
  const button = keys[event.key] ? null : find(`#card [data-key="${CSS.escape(event.key)}"]`);
  if (!keys[event.key] && !button) return;
  event.preventDefault();
  if (keys[event.key]) keys[event.key]();
  else button.click();
});

document.addEventListener("input", (event) => event.target.dataset?.counted !== undefined && count(event.target));
window.addEventListener("popstate", () => location.reload());
find("#help")?.addEventListener("click", keys["?"]);

// Light or dark

const theme = localStorage.getItem("theme");
if (theme) document.documentElement.dataset.theme = theme;
find("#theme")?.addEventListener("click", () => {
  const dark = getComputedStyle(document.documentElement).colorScheme === "dark";
  const chosen = dark ? "light" : "dark";
  document.documentElement.dataset.theme = chosen;
  localStorage.setItem("theme", chosen);
});

// Notifications

const asks = "Notification" in window && Notification.permission === "default";
const notify = find("#notify");
if (notify) {
  notify.hidden = !asks;
  notify.addEventListener("click", async () => {
    notify.hidden = (await Notification.requestPermission()) !== "default";
  });
}

function tell(id) {
  if (!("Notification" in window) || Notification.permission !== "granted" || document.hasFocus()) return;
  const shown = new Notification("A hand-off waits", { body: id.split(".")[0], tag: "casepilot" });
  shown.onclick = () => (window.focus(), open(id), shown.close());
}

// The stream

let stream = null;
let lost = false;

function line(text) {
  const shown = find("#line");
  if (shown) shown.innerHTML = text ? `<span class="tag bad">${text}</span>` : "";
}

function everything() {
  all("[data-live]").forEach((part) => {
    if (part.dataset.live !== "card" || !entering()) refresh(part.dataset.live);
  });
}

function connect() {
  stream?.close();
  stream = new EventSource(`/events?after=${body.dataset.last}`);
  stream.onopen = () => {
    if (lost) line(""), everything();
    lost = false;
    body.dataset.line = "open";
  };
  stream.onerror = () => {
    lost = true;
    body.dataset.line = "lost";
    line(stream.readyState === EventSource.CLOSED ? "signed out" : "connection lost, trying again");
    // Closed for good means that the console did not take the login; one that is merely away is asked again by the browser.
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => find("#relogin")?.open || check(), 1000);
  };
  const on = (name, act) =>
    stream.addEventListener(name, (event) => {
      body.dataset.last = event.lastEventId;
      act(JSON.parse(event.data));
    });
  on("handoff", ({ id, change, operator }) => {
    moved.add(id);
    const here = find("[data-handoff]")?.dataset.handoff === id;
    if (change !== "shown") refresh("queue");
    if (here && operator !== body.dataset.operator && entering() && change !== "ended") toast("This hand-off has changed.");
    else if (here && !find('[data-sending="yes"]')) refresh("card");
    refresh("session");
    if (change === "opened") tell(id);
    if (change === "ended" && here && held?.id !== id) refresh("queue");
  });
  on("state", () => (refresh("sessions"), refresh("session"), refresh("supervision")));
  on("problem", ({ message }) => toast(message, { bad: true, seconds: 12 }));
  on("again", everything);
  on("signed-out", () => (stream.close(), check()));
}

async function check() {
  const answer = await fetch("/queue", { headers: { "x-fragment": "queue" } }).catch(() => null);
  if (answer?.status === 401) await signInAgain();
  else connect();
}

dress(document);
setInterval(tick, 1000);
connect();

// The console's pages: the stream of what happens, keys, theme and notifications. Without it every form and link still works.
import { countDown, happened, open, press, refreshCard } from "./card.js";
import { all, find, toast } from "./dom.js";
import { count, dress, refresh, tick } from "./live.js";
import { signInAgain } from "./request.js";

const body = document.body;

// Links and keys

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-card], a[data-order]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  if (link.dataset.card) return open(link.dataset.card);
  document.cookie = `order=${link.dataset.order}; samesite=strict; path=/`;
  refresh("queue");
});

const help = () => find("#keys")?.showModal();
let went = 0; // when `g` was pressed

document.addEventListener("keydown", (event) => {
  const field = event.target.closest("input, select, textarea");
  if (event.key === "Escape" && field && !event.target.closest("dialog")) return field.blur();
  if (field || event.metaKey || event.ctrlKey || event.altKey || find("dialog[open]")) return;
  const going = Date.now() - went < 1500 ? { q: "/queue", s: "/sessions" }[event.key] : null;
  went = event.key === "g" ? Date.now() : 0;
  if (going) return (location.href = going);
  if (event.key === "?") help();
  else if (event.key !== "g" && !press(event)) return;
  event.preventDefault();
});

document.addEventListener("input", (event) => event.target.dataset?.counted !== undefined && count(event.target));
window.addEventListener("popstate", () => location.reload());
find("#help")?.addEventListener("click", help);

// Light or dark

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
  const notice = new Notification("A hand-off waits", { body: id.split(".")[0], tag: "casepilot" });
  notice.onclick = () => (window.focus(), open(id), notice.close());
}

// The stream

let stream = null;
let lost = false;

function line(text) {
  const shown = find("#line");
  if (!shown) return;
  shown.replaceChildren();
  if (!text) return;
  const tag = document.createElement("span");
  tag.className = "tag bad";
  tag.textContent = text;
  shown.append(tag);
}

function everything() {
  all("[data-live]").forEach((part) => (part.dataset.live === "card" ? refreshCard() : refresh(part.dataset.live)));
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
    if (stream.readyState === EventSource.CLOSED) setTimeout(check, 1000);
  };
  const on = (name, act) =>
    stream.addEventListener(name, (event) => {
      body.dataset.last = event.lastEventId;
      act(JSON.parse(event.data));
    });
  on("handoff", ({ id, change }) => {
    if (change !== "shown") refresh("queue");
    happened(id);
    refresh("session");
    if (change === "opened") tell(id);
  });
  on("state", () => (refresh("sessions"), refresh("session"), refresh("supervision")));
  on("problem", ({ message }) => toast(message, { bad: true, seconds: 12 }));
  on("again", everything);
  on("signed-out", () => (stream.close(), check()));
}

async function check() {
  const answer = await fetch("/queue", { headers: { "x-fragment": "queue" } }).catch(() => null);
  if (answer?.status === 401) signInAgain(); // what signs in again connects again
  else if (answer) connect();
  else setTimeout(check, 1000);
}

document.addEventListener("signed-in", connect);
dress(document);
setInterval(() => (tick(), countDown()), 1000);
connect();

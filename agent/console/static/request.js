// Requests that change something, and signing in again when the login ends in the middle of one.
import { all, find, toast } from "./dom.js";

let csrf = document.body.dataset.csrf;
let signing = null; // the sign-in that is open: everything that meets the end of the login waits for the same one

/** Sends what changes something, once; resolves to { status, said }: the answer's JSON, and status 0 when no answer came. */
export async function post(address, entries) {
  const send = () =>
    fetch(address, {
      method: "POST",
      body: new URLSearchParams(entries),
      headers: { accept: "application/json", "x-csrf-token": csrf },
    });
  try {
    let answer = await send();
    if (answer.status === 401) {
      if (!(await signInAgain())) return { status: 401, said: { message: "Not sent: you are signed out." } };
      answer = await send();
    }
    if (answer.status === 403 && (await renewed())) answer = await send();
    const said = await answer.json().catch(() => ({ message: `The console answered ${answer.status}.` }));
    return { status: answer.status, said };
  } catch {
    return { status: 0, said: { message: "No answer from the console. Look at the card when the connection is back, and try again." } };
  }
}

/** Learns the token of a login that was begun in another window; resolves to whether there is a new one of the same operator. */
async function renewed() {
  const page = await fetch("/queue").then((answer) => answer.text());
  const now = new DOMParser().parseFromString(page, "text/html").body.dataset;
  if (now.operator !== document.body.dataset.operator || now.csrf === csrf) return false;
  take(now.csrf);
  return true;
}

function take(token) {
  csrf = document.body.dataset.csrf = token;
  all("input[name=csrf]").forEach((input) => (input.value = token));
}

/** Asks for the password; resolves to whether the same operator is signed in again. */
export function signInAgain() {
  signing ??= asked().finally(() => (signing = null));
  return signing;
}

function asked() {
  const dialog = find("#relogin");
  const form = find("#relogin-form");
  const alert = find(".alert", form);
  if (!dialog.open) dialog.showModal();
  return new Promise((over) => {
    dialog.onclose = () => over(false);
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
      if (said.name !== document.body.dataset.operator) return location.reload();
      take(said.csrf);
      over(true);
      form.reset();
      dialog.close();
      toast("Signed in again. Nothing that you entered is lost.");
      document.dispatchEvent(new Event("signed-in"));
    };
  });
}

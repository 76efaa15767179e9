// The live page of a session: draws its pictures and, while this screen drives, sends mouse, wheel, keys and pastes to it.
const find = (id) => document.getElementById(id);
const frame = find("frame");
const canvas = find("picture");
const sink = find("sink");
const list = find("list");
const pen = canvas.getContext("2d", { alpha: false });
const BEAT = 5000; // ms
const LINE = 40; // CSS pixels of a line of the wheel

let socket = null;
let mine = false;
let wanted = false; // this screen has asked for the wheel: a line that comes back takes it again
let over = false;
let tries = 0;
let drawn = [];

// The line

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/sessions/${encodeURIComponent(frame.dataset.session)}/wheel`);
  socket.binaryType = "blob";
  socket.onopen = () => {
    tries = 0;
    if (wanted) take();
    else if (sessionStorage.getItem("take") === location.pathname) askFor(); // they have come here to do it themselves
    sessionStorage.removeItem("take");
  };
  socket.onmessage = ({ data }) => (typeof data === "string" ? hear(JSON.parse(data)) : draw(data));
  socket.onclose = ({ code }) => {
    drive(false);
    dark("The line to the console is lost. Trying again …");
    if (code === 4401) return location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
    if (code === 4403) return dark("There is no live page: the agents are not running, or you may not see it.");
    if (!over) setTimeout(connect, Math.min(500 * 2 ** tries++, 8000));
  };
}

const send = (message) => socket?.readyState === WebSocket.OPEN && socket.send(JSON.stringify(message));
const take = () => send({ kind: "take", csrf: document.body.dataset.csrf });
setInterval(() => send({ kind: "beat" }), BEAT);

const heard = { state, list: open, dialog: ask, returned, refused, dark: () => dark("No page is open now. The picture comes when the agent opens it.") };
const hear = (message) => heard[message.kind]?.(message);

// The picture

async function draw(blob) {
  try {
    const picture = await createImageBitmap(blob);
    if (canvas.width !== picture.width || canvas.height !== picture.height) {
      canvas.width = picture.width;
      canvas.height = picture.height;
    }
    pen.drawImage(picture, 0, 0);
    picture.close();
    dark("");
  } finally {
    send({ kind: "drawn" });
  }
  const now = performance.now();
  drawn = [...drawn.filter((at) => now - at < 2000), now];
  canvas.dataset.pictures = Number(canvas.dataset.pictures ?? 0) + 1;
}

setInterval(() => {
  const now = performance.now();
  const lately = drawn.filter((at) => now - at < 2000).length / 2;
  find("rate").textContent = lately ? `${lately.toFixed(0)} pictures a second` : "";
}, 1000);

function dark(text) {
  find("dark").textContent = text;
  find("dark").hidden = !text;
  frame.classList.toggle("away", Boolean(text));
}

// Who drives

function drive(now) {
  mine = now;
  frame.classList.toggle("mine", now);
  sink.disabled = !now;
  if (now) sink.focus({ preventScroll: true });
  else list.hidden = true;
}

function state(now) {
  over = now.over;
  if (now.mine) wanted = true;
  else if (mine && !now.driver) wanted = false;
  const driver = find("driver");
  const others = now.driver && !now.mine;
  driver.textContent = now.over ? "session is over" : now.mine ? "you drive" : now.driver ? `${now.driver} drives` : "the agent drives";
  driver.className = `tag ${now.mine ? "good" : others ? "bad" : "held"}`;
  if (!now.driver) driver.textContent += now.waits ? ", and waits" : "";
  const self = document.body.dataset.operator;
  find("take").hidden = now.over || now.mine || (others && now.driver !== self);
  const asked = wanted && !now.driver;
  find("take").disabled = asked;
  find("take").textContent = asked ? "Waiting for the agent's step …" : now.driver === self ? "Drive from this screen" : "Take over";
  find("back").hidden = !now.mine;
  find("back").disabled = false;
  find("hint").textContent = now.mine
    ? "Mouse, wheel, keyboard and paste go to the page. Ctrl Alt Q leaves it; Give back lets the agent go on."
    : "You are watching. Nothing that you do here reaches the page.";
  find("reason").textContent = now.reason || (now.over ? "The session has come to its end." : "The agent is at work.");
  find("suggestion").textContent = now.suggestion;
  if (now.driver) lines(find("done"), now.done, "Nothing yet. What an operator does is recorded as a correction.");
  if (now.mine !== mine) drive(now.mine);
}

function lines(place, texts, empty) {
  place.replaceChildren(
    ...(texts.length ? texts : [empty]).map((text) => {
      const line = document.createElement("li");
      line.textContent = text;
      if (!texts.length) line.className = "soft";
      return line;
    }),
  );
}

function returned(told) {
  wanted = false;
  find("returned").hidden = false;
  find("returned-title").textContent = told.operator === document.body.dataset.operator ? "You gave it back" : `${told.operator} gave it back`;
  find("returned-note").textContent = told.note;
  lines(find("changes"), told.changes, "Nothing on the page has changed.");
  lines(find("done"), told.done, "Nothing.");
}

function refused({ message }) {
  find("take").disabled = find("back").disabled = false;
  find("take").textContent = "Take over";
  const hint = find("hint");
  hint.textContent = message;
  if (!mine) wanted = false;
}

function askFor() {
  wanted = true;
  find("take").disabled = true;
  find("take").textContent = "Waiting for the agent's step …";
  find("returned").hidden = true;
  take();
}
find("take").onclick = askFor;
find("back").onclick = () => {
  wanted = false;
  find("back").disabled = true;
  send({ kind: "give_back" });
};

// The mouse

const MODIFIERS = (event) => (event.altKey ? 1 : 0) | (event.ctrlKey || event.metaKey ? 2 : 0) | (event.shiftKey ? 8 : 0);
const BUTTONS = ["left", "middle", "right", "back", "forward"];
const share = (value) => Math.min(1, Math.max(0, value));

function place(event) {
  const box = canvas.getBoundingClientRect();
  return { x: share((event.clientX - box.left) / box.width), y: share((event.clientY - box.top) / box.height) };
}

function mouse(action, event) {
  if (!mine) return;
  const button = action === "move" ? (event.buttons & 1 ? "left" : "none") : (BUTTONS[event.button] ?? "none");
  const clicks = action === "move" ? 0 : Math.min(3, event.detail || 1);
  send({ kind: "mouse", action, ...place(event), button, buttons: event.buttons & 31, clicks, modifiers: MODIFIERS(event) });
}

let moved = null; // where the mouse has gone and has not been told: once a frame, and before a press
const arrive = () => {
  if (moved) mouse("move", moved);
  moved = null;
};
canvas.addEventListener("mousemove", (event) => {
  if (!mine) return;
  if (!moved) requestAnimationFrame(arrive);
  moved = event;
});
canvas.addEventListener("mousedown", (event) => {
  if (!mine) return;
  event.preventDefault();
  sink.focus({ preventScroll: true });
  list.hidden = true;
  arrive();
  mouse("down", event);
  // A press that ends outside of the picture ends all the same.
  addEventListener("mouseup", (end) => (arrive(), mouse("up", end)), { once: true });
});
canvas.addEventListener("contextmenu", (event) => mine && event.preventDefault());
canvas.addEventListener(
  "wheel",
  (event) => {
    if (!mine) return;
    event.preventDefault();
    const unit = event.deltaMode === 1 ? LINE : event.deltaMode === 2 ? canvas.clientHeight : 1;
    const most = (value) => Math.max(-5000, Math.min(5000, value * unit));
    send({ kind: "scroll", ...place(event), dx: most(event.deltaX), dy: most(event.deltaY), modifiers: MODIFIERS(event) });
  },
  { passive: false },
);

// The keyboard. A field of our own takes it, so that input methods and on-screen keyboards work too.

let composing = false;

function key(action, event) {
  event.stopPropagation();
  if (!mine || composing || event.isComposing || event.keyCode === 229) return;
  const paste = (event.ctrlKey || event.metaKey) && !event.altKey && event.code === "KeyV";
  if (paste || event.key === "Meta") return; // the paste event brings the text
  if (event.ctrlKey && event.altKey && event.code === "KeyQ") {
    if (action === "down") find("back").focus();
    return event.preventDefault();
  }
  event.preventDefault();
  if (action === "down" && ["Enter", "Escape", "Tab"].includes(event.key)) list.hidden = true;
  send({
    kind: "key", action, key: event.key.slice(0, 32), code: event.code.slice(0, 32), key_code: Math.min(255, event.keyCode),
    location: event.location, repeat: event.repeat, modifiers: MODIFIERS(event),
  });
}

sink.addEventListener("keydown", (event) => key("down", event));
sink.addEventListener("keyup", (event) => key("up", event));
sink.addEventListener("compositionstart", () => (composing = true));
sink.addEventListener("compositionend", ({ data }) => {
  composing = false;
  if (data) send({ kind: "text", text: data });
  sink.value = "";
});
sink.addEventListener("input", (event) => {
  if (composing || !mine) return;
  if (event.inputType !== "insertCompositionText" && sink.value) send({ kind: "text", text: sink.value });
  sink.value = "";
});
sink.addEventListener("paste", (event) => {
  event.preventDefault();
  const text = event.clipboardData.getData("text/plain");
  if (mine && text) send({ kind: "paste", text: text.slice(0, 100000) });
});

// Lists of native selects, and the browser's own dialogs: neither is in the picture

function open({ options, x, y, width }) {
  list.hidden = !options;
  if (!options) return;
  const box = canvas.getBoundingClientRect();
  const outer = frame.getBoundingClientRect();
  let group = "";
  list.replaceChildren(
    ...options.map((option, index) => {
      const line = document.createElement("li");
      line.textContent = option.group && option.group !== group ? `${option.group}: ${option.label}` : option.label || "\u00a0";
      group = option.group;
      line.setAttribute("role", "option");
      line.setAttribute("aria-selected", String(option.selected));
      line.setAttribute("aria-disabled", String(option.disabled));
      // Not a click: the field of the keyboard keeps the focus.
      line.onmousedown = (event) => {
        event.preventDefault();
        if (option.disabled) return;
        list.hidden = true;
        send({ kind: "choose", option: index });
      };
      return line;
    }),
  );
  list.style.left = `${box.left - outer.left + x * box.width}px`;
  list.style.minWidth = `${width * box.width}px`;
  const top = box.top - outer.top + y * box.height;
  list.style.top = `${Math.min(top, Math.max(0, outer.height - list.offsetHeight - 8))}px`;
}

function ask({ dialog, text }) {
  const asked = find("asked");
  if (!dialog) return asked.close();
  find("asked-text").textContent = text;
  find("asked-input").hidden = dialog !== "prompt";
  find("asked-no").hidden = dialog === "alert";
  if (!asked.open) asked.showModal();
}

function answer(accept) {
  send({ kind: "answer", accept, text: find("asked-input").value });
  find("asked-input").value = "";
  find("asked").close();
  sink.focus({ preventScroll: true });
}
find("asked-yes").onclick = () => answer(true);
find("asked-no").onclick = () => answer(false);
find("asked").addEventListener("cancel", () => answer(false));

connect();

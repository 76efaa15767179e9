// Tells what runs in consequence of the last action, and what runs of its own accord: a clock, a poll, a carousel.
// Runs before the page's scripts; timers that were set before it came are unknown.
//
//   globalThis[Symbol.for("casepilot.causes")]
//     .rest()       what runs from now on, until somebody acts, runs of its own accord
//     .resume()     the last action is still being waited for
//     .settled()    it has come to rest; the next event begins another
//     .now()        "own": what runs now is the action's doing; "apart": it is not; "unknown"
//     .pending(time)-> ms until the last of the action's short timers is due; 0 where none is
//     .frames(time) whether the action's own frames (requestAnimationFrame) or short intervals are under way
//     .fired()      when the last of its timers fired       .sent()   when it last sent something over a web socket
//     .live()       whether an action is waited for         .began: called when one begins
//     .acted()      when its last event was
//     .browser      the browser's own setTimeout, clearTimeout and requestAnimationFrame
//
// What the page calls are the browser's own functions behind proxies: the same names, lengths, results and errors. A callback is
// called as the browser calls it, with the same `this` and arguments. What follows from it in the same task is still known; after
// an await for the network it is not, and counts as the action's unless it renews a timer that has been renewed before.
(() => {
  const KEY = Symbol.for("casepilot.causes");
  if (globalThis[KEY]) return;

  const { apply } = Reflect;
  const { Map, MessageChannel, Proxy, performance, queueMicrotask } = globalThis;
  const browser = {};
  for (const name of ["setTimeout", "clearTimeout", "requestAnimationFrame"]) browser[name] = globalThis[name].bind(globalThis);
  const now = () => performance.now();
  const source = Function.prototype.toString;
  const LONGEST = 1000; // ms; longer timers wait for nothing that an action began
  const SLACK = 150; // ms after its time that a timer may be late
  const DEPTH = 3; // timers set by timers that are followed
  const FRAMES = 1000; // ms for which frames that ask for the next are followed
  const HOPS = 16; // microtasks after a callback that count as its own: they all run before the next task
  const FRAME = 100; // ms after which a frame that has been asked for is not to come
  const BEAT = 150; // ms; longer intervals are not followed
  const LOADING = 300; // ms; longest timer that is followed which a document sets while it loads
  const RENEWAL = 1500; // ms after it fired in which a timer is renewed
  const KINDS = 400; // of timers that are remembered

  let epoch = 0; // actions so far
  let live = false;
  let settled = false;
  let handling = false; // in the task of an event by which somebody acts
  let context = null; // {epoch, depth, since, apart} of the callback that runs
  let fired = 0;
  let sent = 0;
  let acted = 0;
  let frame = 0; // when the last own frame was asked for
  let frames = 0; // own frames asked for that have not come yet
  let pulse = 0; // until when an own interval may go on changing the page
  const pending = new Map();
  const habits = new Map(); // kind of timer -> `count`: how often nobody's action set it; `fired`: when such a one last
  // did; `late`: the action during which it did; `mine`: the last action whose own timer of that kind has fired

  const own = (held) => held !== null && !held.apart && held.epoch === epoch;

  // -- what runs ----------------------------------------------------------------------------------------------------------
  const run = (held, call, self, given) => {
    const before = context;
    context = held;
    try {
      return apply(call, self, given);
    } finally {
      let hops = HOPS;
      const leave = () => {
        if (context !== held) return;
        if (hops-- > 0) queueMicrotask(leave);
        else context = null;
      };
      if (before) context = before;
      else queueMicrotask(leave);
    }
  };

  // A kind of timer: what is called and after how long. Two that look the same are one kind.
  const kind = (call, delay) => `${delay}|${typeof call === "function" ? apply(source, call, []) : call}`;

  const habit = (name) => {
    let known = habits.get(name);
    if (!known) {
      if (habits.size > KINDS) habits.clear();
      habits.set(name, (known = { count: 0, fired: -Infinity, late: 0, mine: 0 }));
    }
    return known;
  };

  // Where a timer that is being set belongs: the depth of its chain, or -1 where it runs of its own accord.
  const place = (name, delay) => {
    if (!live) {
      habit(name).count++;
      return !epoch && !context && delay <= LOADING && document.readyState !== "complete" ? 1 : -1;
    }
    if (context) return !own(context) || context.depth >= DEPTH ? -1 : context.depth + 1;
    if (handling) return 1;
    // Nobody can tell who sets it. What has just fired and is set once more renews itself.
    const known = habit(name);
    if (known.mine === epoch || (now() - known.fired < RENEWAL && (known.count > 1 || known.late === epoch))) {
      known.count++;
      known.fired = -Infinity;
      return -1;
    }
    return 1;
  };

  const wrap = (name, trap) => {
    const native = globalThis[name];
    if (typeof native === "function") globalThis[name] = new Proxy(native, { apply: trap });
  };

  const delayOf = (given) => (given === undefined ? 0 : typeof given === "number" ? Math.max(0, given) || 0 : NaN);

  // A timer that runs a text: what it runs cannot be followed, only when.
  const text = (native, self, given, depth) => {
    const id = apply(native, self, given);
    if (depth < 0) return id;
    pending.set(id, now() + delayOf(given[1]));
    browser.setTimeout(() => {
      if (pending.delete(id)) fired = now();
    }, given[1]);
    return id;
  };

  wrap("setTimeout", (native, self, given) => {
    const call = given[0];
    const delay = delayOf(given[1]);
    if (!(typeof call === "function" || typeof call === "string") || !(delay <= LONGEST)) return apply(native, self, given);
    const name = kind(call, delay);
    const depth = place(name, delay);
    if (typeof call === "string") return text(native, self, given, depth);
    const held = { epoch, depth, since: now(), apart: depth < 0 };
    let id = 0;
    given[0] = function (...said) {
      pending.delete(id);
      const known = habit(name);
      if (held.apart) {
        known.fired = now();
        if (live) known.late = epoch;
      } else {
        fired = now();
        known.mine = held.epoch;
      }
      return run(held, call, this, said);
    };
    id = apply(native, self, given);
    if (depth >= 0) pending.set(id, held.since + delay);
    return id;
  });

  wrap("clearTimeout", (native, self, given) => {
    pending.delete(given[0]);
    return apply(native, self, given);
  });

  // Whether what is begun now is the action's doing; null where nobody can tell.
  const mine = () => (!live ? false : context ? own(context) : handling || null);

  wrap("setInterval", (native, self, given) => {
    const call = given[0];
    const sure = mine();
    if (typeof call !== "function" || sure === null) return apply(native, self, given);
    const period = delayOf(given[1]) || 0;
    const held = { epoch, depth: DEPTH, since: now(), apart: !sure };
    const beat = () => {
      if (own(held) && period < BEAT && now() - held.since < 3 * FRAMES) pulse = now() + 1.5 * period;
    };
    beat();
    given[0] = function (...said) {
      beat();
      return run(held, call, this, said);
    };
    return apply(native, self, given);
  });

  wrap("requestAnimationFrame", (native, self, given) => {
    const call = given[0];
    const sure = mine();
    if (typeof call !== "function") return apply(native, self, given);
    const since = (context?.frame && context.since) || now();
    const held = sure === null ? null : { epoch, depth: context?.depth ?? 0, since, apart: !sure, frame: true };
    const asked = sure !== false && now() - since < FRAMES ? epoch : -1;
    if (asked === epoch) {
      frame = now();
      frames++;
    }
    given[0] = function (...said) {
      if (asked === epoch && frames > 0) frames--;
      return held ? run(held, call, this, said) : apply(call, this, said);
    };
    return apply(native, self, given);
  });

  const socket = globalThis.WebSocket?.prototype;
  if (socket) {
    socket.send = new Proxy(socket.send, {
      apply(native, self, given) {
        if (live && (context ? own(context) : handling)) sent = now();
        return apply(native, self, given);
      },
    });
  }

  // -- actions ------------------------------------------------------------------------------------------------------------
  const channel = new MessageChannel();
  channel.port1.onmessage = () => (handling = false);

  // Scripts may tell of input themselves, on behalf of somebody who acts; of all else only the browser does.
  const ACTS = ["pointerdown", "mousedown", "click", "keydown", "beforeinput", "input", "change", "submit"];
  const TOLD = /^(input|change)$/;
  const causes = {
    browser,
    fired: () => fired,
    sent: () => sent,
    live: () => live,
    acted: () => acted,
    began: null,
    rest() {
      live = false;
    },
    resume() {
      live = epoch > 0;
      settled = false;
    },
    settled() {
      settled = true;
    },
    now() {
      if (!live) return "unknown";
      if (context) return !own(context) ? "apart" : now() - context.since < FRAMES ? "own" : "unknown";
      return handling ? "own" : "unknown";
    },
    pending(time) {
      let last = 0;
      for (const [id, due] of pending) {
        if (time > due + SLACK) pending.delete(id);
        else last = Math.max(last, due - time, 1);
      }
      return last;
    },
    frames: (time) => (frames > 0 && time - frame < FRAME) || time < pulse,
  };

  const onAct = (event) => {
    if (!event.isTrusted && !TOLD.test(event.type)) return;
    if (!live || settled) {
      epoch++;
      live = true;
      settled = false;
      sent = fired = frames = pulse = 0;
      causes.began?.();
    }
    acted = now();
    if (!handling) {
      handling = true;
      channel.port2.postMessage(0);
    }
  };
  for (const type of ACTS) addEventListener(type, onAct, { capture: true, passive: true });
  Object.defineProperty(globalThis, KEY, { value: causes });
})();

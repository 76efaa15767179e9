// Tells what moves on the page in consequence of the last action, and which signs of waiting came with it.
//
//   globalThis[Symbol.for("casepilot.motion")]
//     .begin()      an action begins: what moves or waits now does so of its own accord
//     .moving()  -> ms until what moves in sight has come to its end; 0 where nothing does
//     .waiting() -> the visible signs of waiting: regions marked busy, and endless progress and spinners that came with the action
//     .ignore()     the endless progress and spinners of now will not be waited for again
//     .moved(element) it was set moving by something that runs of its own accord
(() => {
  const KEY = Symbol.for("casepilot.motion");
  if (globalThis[KEY]) return;

  const { Map, Set, WeakSet, performance } = globalThis;
  const { requestAnimationFrame } = globalThis[Symbol.for("casepilot.causes")].browser;
  const LONG = 2000; // ms; what moves for longer than that is waited for by nobody
  const SIGN = /spin|load|skelet|shimmer|throb|progress|busy|placeholder|wait/i;
  // Where something is, how large it is and whether it shows; colours and shadows change nothing that is read.
  const MATTERS =
    /^(opacity|transform|translate|scale|rotate|offset|visibility|display|content|clip|left|right|top|bottom|inset|width|height|min|max|block|inline|margin|padding|grid|flex|gap|font|line|zoom|perspective|all$)/;
  const HOLDS = "input,select,textarea,button,a,img,canvas,video,iframe,[role],[tabindex],[contenteditable]";
  const COVER = 0.1; // share of the window from which something empty may lie over what is read
  const animations = typeof document.getAnimations === "function" ? () => document.getAnimations() : () => [];
  const given = new WeakSet(); // signs that have been waited for in vain
  const restless = new WeakSet(); // elements that move of their own accord
  const LATE = 200; // ms that a frame is waited for
  const AGAIN = 8; // ms
  let moved = false; // something has been seen to move
  let asked = 0; // when the frame after its end was asked for
  let before = new Map(); // signs of waiting when the action began -> how many

  const seen = (element) => element?.isConnected && element.checkVisibility({ visibilityProperty: true });
  const endless = (animation) => animation.effect?.getComputedTiming().endTime === Infinity;
  const running = (animation) => animation.playState === "running" && animation.effect?.target;

  const signOf = (element, name = "") => `${element.localName}.${element.getAttribute("class") ?? ""}|${element.getAttribute("role") ?? ""}|${name}`;

  const bars = () => [...document.querySelectorAll("progress:not([value]),[role=progressbar]:not([aria-valuenow])")];

  const spinners = () => {
    const found = new Set();
    for (const animation of animations()) {
      if (!running(animation) || !endless(animation)) continue;
      const { target } = animation.effect;
      const about = `${animation.animationName ?? ""} ${target.getAttribute("class") ?? ""} ${target.id} ${target.parentElement?.getAttribute("class") ?? ""}`;
      if (SIGN.test(about)) found.add(target);
    }
    return [...found];
  };

  // Not by the methods of arrays, which a page may have replaced.
  const only = (elements, wanted) => {
    const found = [];
    for (const element of elements) if (wanted(element)) found[found.length] = element;
    return found;
  };

  const signs = () => only(new Set([...bars(), ...spinners()]), (element) => !given.has(element) && seen(element));

  const counted = (elements) => {
    const counts = new Map();
    for (const element of elements) counts.set(signOf(element), (counts.get(signOf(element)) ?? 0) + 1);
    return counts;
  };

  const matters = (animation) => {
    if (animation.transitionProperty) return MATTERS.test(animation.transitionProperty);
    for (const frame of animation.effect.getKeyframes?.() ?? []) for (const name in frame) if (MATTERS.test(name)) return true;
    return false;
  };

  // A ripple, a tick being drawn, an arrow that turns: nothing is read there, and nothing lies under it.
  const decorates = ({ pseudoElement, target }) => {
    if (pseudoElement) return true;
    if (target.textContent.trim() || target.matches(HOLDS) || target.querySelector(HOLDS) || target.shadowRoot) return false;
    const { width, height } = target.getBoundingClientRect();
    return width * height < COVER * globalThis.innerWidth * globalThis.innerHeight;
  };

  const moving = () => {
    let last = 0;
    for (const animation of animations()) {
      if (!running(animation) || animation.timeline !== document.timeline) continue;
      const { target } = animation.effect;
      if (restless.has(target)) continue;
      const rest = (animation.effect.getComputedTiming().endTime - animation.currentTime) / Math.abs(animation.playbackRate);
      if (rest <= last || rest > LONG || !matters(animation) || !target.checkVisibility() || decorates(animation.effect)) continue;
      last = rest;
    }
    if (last) moved = true;
    return last || untold();
  };

  // What has come to its end is told of with the next frame, which may be late.
  const untold = () => {
    if (!moved) return 0;
    const now = performance.now();
    if (!asked) {
      asked = now;
      requestAnimationFrame(() => {
        asked = 0;
        moved = false;
      });
    } else if (now - asked > LATE) {
      asked = 0;
      moved = false;
      return 0;
    }
    return AGAIN;
  };

  const busy = () => only(document.querySelectorAll('[aria-busy="true"]'), (element) => element.checkVisibility());

  const waiting = (acted) => {
    const marked = busy();
    if (marked.length || !acted) return marked;
    const found = signs();
    const counts = counted(found);
    return only(found, (element) => counts.get(signOf(element)) > (before.get(signOf(element)) ?? 0));
  };

  const begin = () => {
    before = counted(signs());
    for (const animation of animations()) if (running(animation)) restless.add(animation.effect.target);
  };

  const ignore = (acted) => {
    if (acted) for (const element of signs()) given.add(element);
  };

  Object.defineProperty(globalThis, KEY, {
    value: { begin, moving, waiting, ignore, moved: (element) => restless.add(element) },
  });
})();

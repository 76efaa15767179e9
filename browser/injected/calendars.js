// Turns a calendar that a field opened to a day.
//
//   globalThis[Symbol.for("casepilot.widgets")]
//     .calendar(element, isoDate) -> what to press next: {step: "day" or "turn", element}, or {step}: "none" where no calendar stands
//                                    open, "absent" where this day is not offered
(() => {
  const widgets = globalThis[Symbol.for("casepilot.widgets")];
  if (widgets.calendar) return;
  const { fold, openedFor, usable } = widgets;

  const AHEAD = /next|forward|following|^[›»>→]$/i;
  const BACK = /prev|back|^[‹«<←]$/i;
  const OUTSIDE = /other|outside|prev|next|old\b|new\b|disabled|hidden/i;
  const names = (node) => fold(`${node.ariaLabel ?? ""} ${node.title} ${node.getAttribute("data-handler") ?? ""} ${node.getAttribute("class") ?? ""}`);
  const months = (language, month) =>
    Array.from({ length: 12 }, (_, i) => new Intl.DateTimeFormat(language, { month }).format(new Date(2026, i, 1)).replace(".", "").toLowerCase());

  const sameDay = (text, [year, month, day]) => {
    const at = text ? new Date(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00` : text) : null;
    return at && at.getFullYear() === year && at.getMonth() + 1 === month && at.getDate() === day;
  };

  // The days that are shown, each an innermost element that says a number.
  const days = (box) =>
    [...box.querySelectorAll("*")].filter((node) => !node.firstElementChild && /^([1-9]|[12]\d|3[01])$/.test(fold(node.textContent)) && usable(node));

  const headed = (box) => {
    const text = fold(box.innerText).toLowerCase();
    const year = Number(text.match(/\b(19|20)\d\d\b/)?.[0] ?? [...box.querySelectorAll("select")].map((node) => node.value).find((v) => /^(19|20)\d\d$/.test(v)));
    for (const language of [document.documentElement.lang || "en", "en"]) {
      for (const style of ["long", "short"]) {
        const list = months(language, style);
        const chosen = [...box.querySelectorAll("select")].map((node) => list.indexOf(node.selectedOptions[0]?.text.toLowerCase()));
        const at = Math.max(...chosen, list.findIndex((name) => new RegExp(`(^|[^\\p{L}])${name}([^\\p{L}]|$)`, "u").test(text)), -1);
        if (at >= 0 && year) return [year, at + 1];
      }
    }
    return null;
  };

  widgets.calendar = (element, iso) => {
    const wanted = iso.split("-").map(Number);
    const boxes = [...openedFor(element), ...[...document.querySelectorAll("[role=dialog],[role=grid]")].filter(usable)];
    const box = boxes.find((node) => days(node).length > 26);
    if (!box) return { step: "none" };
    const shownDays = days(box);
    const off = (node) => node.closest("[aria-disabled=true],:disabled") || /disabled/.test(names(node.closest("td,[role=gridcell],button") ?? node));
    for (const node of shownDays) {
      for (let at = node; at && at !== box; at = at.parentElement) {
        const said = [at.ariaLabel, at.dataset.date, at.dataset.day, at.title, at.getAttribute("datetime")];
        if (said.some((text) => sameDay(text, wanted))) return off(node) ? { step: "absent" } : { step: "day", element: node };
      }
    }
    const at = headed(box);
    if (!at) return { step: "absent" };
    const distance = (wanted[0] - at[0]) * 12 + wanted[1] - at[1];
    if (distance === 0) {
      const named = shownDays.some((node) => node.ariaLabel || node.parentElement.ariaLabel);
      const mine = shownDays.filter((node) => Number(fold(node.textContent)) === wanted[2] && !OUTSIDE.test(names(node)) && !OUTSIDE.test(names(node.parentElement)));
      return mine.length === 1 && !off(mine[0]) && !(named && mine[0].ariaLabel) ? { step: "day", element: mine[0] } : { step: "absent" };
    }
    const turns = [...box.querySelectorAll("button,a,[role=button],[data-handler],span,i")].filter(usable);
    const way = distance > 0 ? AHEAD : BACK;
    const turn = turns.find((node) => (way.test(names(node)) || way.test(fold(node.innerText))) && !/year|decade/i.test(names(node)) && !shownDays.includes(node));
    return turn ? { step: "turn", element: turn } : { step: "absent" };
  };
})();

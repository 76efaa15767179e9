// What every part of the console's page needs: finding elements, and saying something in passing.
export const find = (selector, root = document) => root.querySelector(selector);
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/** Shows a message for a while; one that stands there already is shown anew, not twice. */
export function toast(text, { bad = false, button = null, seconds = 6 } = {}) {
  all(".toast").find((other) => other.firstChild.textContent === text)?.remove();
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

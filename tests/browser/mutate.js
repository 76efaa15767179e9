// One random change of the page, as applications make them: seeded, so that a failure can be run again.
((seed) => {
  let state = seed;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const pick = (list) => list[Math.floor(random() * list.length)];
  const word = () => pick(["Amount", "City", "refund", "Status: Closed", "late", "Name:", "42.10", "order 7781", "2024-05-01"]);
  const NEW = [
    "<b>Level:</b> Gold", "<button>Go on</button>", "<label>Size <input value=1></label>", "<p>Status: Open</p>", "<a href=/x>link</a>",
    "<label>L</label><input>", "<span class=label>K</span><span class=value>V</span>", "<h3>Heading</h3>", "<dl><dt>Sum<dd>12.00</dl>",
    "<section aria-label=Extra><p>in it</p></section>", "plain", "<table><tr><th>A<th>B<tr><td>1<td>2</table>",
  ];
  const everything = () => {
    const found = [...document.body.querySelectorAll("*")];
    for (const host of found.filter((node) => node.shadowRoot)) found.push(...host.shadowRoot.querySelectorAll("*"));
    for (const frame of document.querySelectorAll("iframe")) found.push(...(frame.contentDocument?.body?.querySelectorAll("*") ?? []));
    return found;
  };
  const handlers = new WeakMap();
  const nothing = () => {};
  const small = (node, most = 60) => node.querySelectorAll("*").length < most;
  const changes = {
    text: (node) => {
      const texts = [...node.childNodes].filter((child) => child.nodeType === 3);
      if (texts.length) pick(texts).data = word();
      else node.append(word());
    },
    class: (node) => node.classList.toggle(pick(["gone", "faint", "ghost", "flag", "off", "label", "value", "error"])),
    remove: (node) => node.matches("main") || (small(node, 200) && node.remove()),
    add: (node) => {
      const made = document.createElement(pick(["p", "div", "li", "span"]));
      made.innerHTML = pick(NEW);
      node[pick(["append", "prepend"])](made);
    },
    attribute: (node) =>
      node.setAttribute(pick(["title", "data-x", "aria-label", "placeholder", "role", "href", "tabindex", "aria-live"]), pick([word(), "button", "0", "polite", "status"])),
    aria: (node) =>
      node.setAttribute(
        pick(["aria-labelledby", "aria-describedby", "aria-errormessage", "aria-invalid", "aria-expanded", "aria-hidden", "aria-disabled", "aria-checked", "aria-controls"]),
        pick(["t0", "e0", "zz", "true", "false", "list"]),
      ),
    style: (node) => (node.style[pick(["display", "visibility", "opacity", "height", "cursor"])] = pick(["none", "block", "hidden", "visible", "0", "inline", "contents", "pointer", ""])),
    id: (node) => (node.id = pick(["t0", "e0", "list", "zz", "t1"])),
    move: (node, all) => {
      const to = pick(all);
      if (small(node) && !node.contains(to) && !to.contains(node)) to.append(node);
    },
    swap: (node) => node.nextElementSibling?.after(node),
    wrap: (node) => {
      if (node.matches("tr,td,th,tbody,thead,option,legend,summary")) return;
      const box = document.createElement("div");
      node.replaceWith(box);
      box.append(node);
    },
    clone: (node) => small(node, 40) && node.after(node.cloneNode(true)),
    hide: (node) => (node.hidden = true),
    value: (_, all) => {
      const field = pick(all.filter((node) => node.matches("input:not([type=checkbox],[type=radio],[type=file]),textarea")));
      if (field) field.value = field.type === "number" ? "7" : word();
    },
    check: (_, all) => {
      const box = pick(all.filter((node) => node.matches("input[type=checkbox],input[type=radio]")));
      if (box) box.checked = !box.checked;
    },
    choose: (_, all) => {
      const select = pick(all.filter((node) => node.matches("select")));
      if (!select) return;
      if (random() < 0.5) select.add(new Option(word()));
      else select.selectedIndex = Math.floor(random() * select.options.length);
    },
    disable: (_, all) => {
      const field = pick(all.filter((node) => node.matches("input,button,select,fieldset")));
      if (field) field.disabled = !field.disabled;
    },
    show: (_, all) => {
      const hidden = pick(all.filter((node) => node.hidden || node.matches(".gone,.faint,.panel,#list")));
      if (!hidden) return;
      hidden.hidden = false;
      hidden.classList.remove("gone", "faint");
      hidden.style.display = "block";
    },
    notice: (_, all) => {
      const alert = pick(all.filter((node) => node.matches("[role=alert],[aria-live]")));
      if (alert) alert.textContent = word();
    },
    label: (_, all) => {
      const label = pick(all.filter((node) => node.matches("label,legend,th,dt,h2")));
      if (label?.firstChild?.nodeType === 3) label.firstChild.data = word();
      else label?.append(word());
    },
    handler: (node) => {
      const known = handlers.get(node);
      if (known) node.removeEventListener("click", known);
      else node.addEventListener("click", nothing);
      known ? handlers.delete(node) : handlers.set(node, nothing);
    },
    row: (_, all) => {
      const row = pick(all.filter((node) => node.matches("tr")));
      if (!row) return;
      const made = row.cloneNode(true);
      row[pick(["after", "before"])](made);
      if (made.lastElementChild) made.lastElementChild.textContent = word();
    },
    focus: (_, all) => pick(all.filter((node) => node.matches("input,button,a,[tabindex]")))?.focus(),
    details: (_, all) => {
      const details = pick(all.filter((node) => node.matches("details")));
      if (details) details.open = !details.open;
    },
    dialog: (_, all) => {
      const dialog = pick(all.filter((node) => node.matches("dialog")));
      if (dialog) dialog.open ? dialog.close() : dialog[pick(["show", "showModal"])]();
    },
    modal: (_, all) => {
      const open = document.querySelector(".modal");
      for (const node of document.body.children) node.removeAttribute("aria-hidden");
      if (open) return open.remove();
      const made = document.createElement("div");
      made.className = "modal";
      made.setAttribute("role", "dialog");
      made.setAttribute("aria-modal", "true");
      made.innerHTML = "<h2>Sure?</h2><label>Why <input></label><button>Yes</button>";
      if (random() < 0.5) for (const node of document.body.children) node.setAttribute("aria-hidden", "true");
      pick([document.body, document.body, pick(all)]).append(made);
    },
  };
  window.mutate = () => {
    const all = everything();
    const [name, change] = pick(Object.entries(changes));
    const node = pick(all);
    const told = `${name} ${node.localName}`;
    change(node, all);
    return told;
  };
})

const sabotage = new Set(location.search.slice(1).split("&"));
const $ = (id) => document.getElementById(id);
const post = (path, data) => fetch(location.pathname + path, {method: "POST", body: JSON.stringify(data), headers: {"X-Mode": location.search}});
class ShadowField extends HTMLElement { connectedCallback() { this.attachShadow({mode: "open"}).innerHTML =
  '<label>Discount code <input id="code"></label>'; } }
customElements.define("shadow-field", ShadowField);

const refresh = async () => { const text = await (await fetch(location.pathname + "/state")).json();
  $("status").textContent = text.status; $("team").textContent = text.team;
  document.querySelector("[role=log]").innerHTML = text.messages; };
$("send").onclick = async () => { if (sabotage.has("swallow-send")) return;
  if (sabotage.has("confirm-send") && !confirm("Really send?")) return;
  const text = $("composer").innerText.trim(); if (!text) return;
  const answer = await post("/message", {text});
  if (!answer.ok) { $("toast").textContent = (await answer.json()).error; return; }
  $("composer").textContent = ""; if (!sabotage.has("late")) await refresh(); else setTimeout(refresh, 700); };
$("close").onclick = () => { if (sabotage.has("no-dialog")) return; $("confirm").showModal(); };
$("keep").onclick = () => $("confirm").close();
$("yes").onclick = async () => { const answer = await post("/close", {resolution: $("resolution").value});
  if (!answer.ok) { $("dialog-alert").textContent = (await answer.json()).error; return; } $("confirm").close(); await refresh(); };
$("transfer").onclick = async () => { await post("/transfer", {team: $("to-team").value}); location.href = "/cases"; };
$("lookup").onclick = async () => { if (sabotage.has("alert")) { alert("Order system is down"); return; }
  const r = await (await fetch("/orders")).json(); $("found").textContent = r.found; };
$("tab2").onclick = () => { $("tab1").setAttribute("aria-selected", "false"); $("tab2").setAttribute("aria-selected", "true");
  $("panel").textContent = "History text"; };
$("gift").onclick = () => { if (!sabotage.has("revert")) $("gift").setAttribute("aria-checked", $("gift").getAttribute("aria-checked") !== "true"); };

const carriers = ["Northwind Post", "Blue Parcel", "Swift Air"];
const listCarriers = () => { const typed = $("carrier").value.toLowerCase(); $("carriers").innerHTML = "";
  for (const name of carriers.filter((n) => n.toLowerCase().includes(typed) || carriers.includes($("carrier").value))) {
    const item = document.createElement("li"); item.setAttribute("role", "option"); item.textContent = name;
    item.onmousedown = (e) => e.preventDefault();
    item.onclick = () => { $("carrier").value = sabotage.has("revert") ? "" : name; hideCarriers(); }; $("carriers").append(item); }
  $("carriers").hidden = false; $("carrier").setAttribute("aria-expanded", "true"); };
const hideCarriers = () => { $("carriers").hidden = true; $("carrier").setAttribute("aria-expanded", "false"); };
let timer; $("carrier").oninput = () => { clearTimeout(timer); timer = setTimeout(listCarriers, 120); };
$("carrier").onkeydown = (e) => { if (e.key === "Escape") hideCarriers(); }; $("carrier").onblur = hideCarriers;
const toggle = (open) => { $("priorities").hidden = !open; $("priority").setAttribute("aria-expanded", open); };
$("priority").onclick = () => setTimeout(() => toggle($("priorities").hidden), 60);
$("priority").onkeydown = (e) => { if (e.key === "Escape") toggle(false); };
for (const item of $("priorities").children) item.onclick = () => { if (!sabotage.has("revert")) $("priority").textContent = item.textContent; toggle(false); };

if (sabotage.has("revert")) { for (const id of ["order", "note", "reason", "notify"]) $(id).addEventListener("change", () => setTimeout(() => {
  $(id).value = ""; $(id).checked = false; }, 5)); $("composer").addEventListener("input", () => { $("composer").textContent = ""; }); }
if (sabotage.has("radio-revert")) document.querySelectorAll("[name=to]").forEach((r) => r.addEventListener("change", () => { r.checked = false; }));
if (sabotage.has("disabled")) setTimeout(() => { $("submit").disabled = true; $("order").disabled = true; });
if (sabotage.has("cover")) document.body.insertAdjacentHTML("beforeend", '<div class="cover"></div>');
if (sabotage.has("enter-sends")) $("composer").addEventListener("keydown", (e) => { if (e.key !== "Enter" || e.shiftKey) return;
  e.preventDefault(); $("send").click(); });
if (sabotage.has("mask")) $("order").addEventListener("input", () => { const d = $("order").value.replace(/\D/g, "");
  $("order").value = d.length > 3 ? `(${d.slice(0, 3)}) ${d.slice(3, 6)}-${d.slice(6)}` : d; });
if (sabotage.has("keys-only")) $("note").addEventListener("input", (e) => { if (!$("note").dataset.keyed) $("note").value = ""; });
if (sabotage.has("keys-only")) $("note").addEventListener("keydown", (e) => { if (e.key.length === 1) $("note").dataset.keyed = "1"; });
if (sabotage.has("clock")) setInterval(() => { $("found").textContent = String(Date.now()); }, 15);
if (sabotage.has("rival")) $("dead").addEventListener("click", () => setTimeout(() => document.querySelector("[role=log]").insertAdjacentHTML(
  "beforeend", '<article class="inbound"><b>Ada Moss</b><p>Hello? Anybody there?</p></article>'), 20));
if (sabotage.has("unload")) addEventListener("beforeunload", (e) => e.preventDefault());

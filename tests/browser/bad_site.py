"""A site of bad pages over HTTP: pages that never answer, stall, redirect in a loop, or hold what browsers choke on.

The site answers at three hosts of this machine, so that one can hold frames of the others.
"""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

BUTTON = b"<button>Go</button>"
SPIN = b"<script>setTimeout(() => { for (;;); }, 100)</script>"
FRAMESET = b"<html><frameset cols='50%,50%'><frame name=left src=/plain><frame name=right src=/plain></frameset></html>"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' width='90' height='90'><text y='20'>Parcel</text></svg>"
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Count 0>>endobj\ntrailer<</Root 1 0 R>>"
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b4944415478da6364f80f00010501012718e366"
    "0000000049454e44ae426082"
)

RTL = (
    '<html dir="rtl"><h1>\u05e4\u05e0\u05d9\u05d9\u05d4</h1><dl><dt>\u05de\u05e6\u05d1<dd>\u05e4\u05ea\u05d5\u05d7</dl>'
    "<label>\u05e9\u05dd <input value='\u05d3\u05e0\u05d4'></label><label>\u0627\u0644\u0645\u0628\u0644\u063a "
    "<input type=number value=123></label><p>\u200f12/03/2025 \u202eabc\u202c</p><button>\u05e9\u05dc\u05d7</button>"
)
MALFORMED = b"<p>a<div><table><b>x<tr><td>1<button>Go</b></table></p></div><input aria-label='b><p>lost'>end<!-- <"
# 510,000 elements, 50 MB of markup.
BIG = b"""<h1>Big</h1><button>First</button><script>
const row = "<div data-x=" + "y".repeat(260) + "><b>Name</b> <i>cell</i></div>";
const rows = row.repeat(170);
for (let i = 0; i < 1000; i++) {
  const section = document.createElement("section");
  section.innerHTML = rows;
  document.body.append(section);
}</script><button>Last</button>"""
DEEP = b"""<button>First</button><script>
let box = document.body;
for (let i = 0; i < 1500; i++) box = box.appendChild(document.createElement("div"));
box.innerHTML = "<button>Deep</button>";</script><button>Last</button>"""
CLOSED = b"""<button>Go</button><x-pay></x-pay><script>
const inner = "<p>Pay with your card, or in 12 rates</p><label>Card <input></label>";
customElements.define("x-pay", class extends HTMLElement {
  constructor() {
    super();
    this.attachShadow({ mode: "closed" }).innerHTML = inner;
  }
})</script>"""
RESTLESS = b"""<button>Go</button><div id=d></div><script>
let i = 0;
setInterval(() => d.append(Object.assign(document.createElement("p"), { textContent: i++ })), 5);</script>"""
RECURSION = b"""<button>Go</button><script>
const frame = document.createElement("iframe");
frame.src = "/recursion?" + Math.random();
document.body.append(frame);</script>"""
FLICKER = b"""<h1>Outer</h1><button>Outer go</button><script>
setInterval(() => {
  const old = document.querySelector("iframe");
  if (old) old.remove();
  else document.body.append(Object.assign(document.createElement("iframe"), { src: "{other}/plain", title: "Pay" }));
}, 7)</script>"""
WANDERING = b"""<h1>Outer</h1><button>Outer go</button><iframe title=Pay src={other}/plain></iframe><script>
let i = 0;
setInterval(() => { document.querySelector("iframe").src = "{other}/plain?" + i++; }, 15)</script>"""

TRAVELLING = b"""<button>Go</button><script>
setTimeout(() => { location.href = "/travelling?" + Math.random(); }, 30)</script>"""
CONSTANT = b"""<button>Go</button><div id=d></div><p id=p></p><script>
let i = 0;
const turn = () => { d.style.left = ++i + "px"; requestAnimationFrame(turn); };
turn();
setInterval(() => { p.textContent = i++; }, 1);</script>"""
STRICT = b"""<h1>Strict</h1><button>Go</button><iframe sandbox title=Shut src={other}/plain></iframe>
<iframe sandbox=allow-scripts title=Own srcdoc='<button>Inner</button>'></iframe><script>document.title = "ran"</script>"""

POLICY = "default-src 'none'; script-src 'none'; frame-src *; require-trusted-types-for 'script'; trusted-types 'none'; sandbox"
HEADERS = {"/strict": {"Content-Security-Policy": POLICY}}
PAGES: dict[str, tuple[str, bytes]] = {
    "/plain": ("text/html", BUTTON + b"<p>Seen.</p>"),
    "/hangs": ("text/html", BUTTON + SPIN),
    "/frameset": ("text/html", FRAMESET),
    "/svg": ("image/svg+xml", SVG),
    "/xml": ("application/xml", b"<case><status>Open</status></case>"),
    "/text": ("text/plain", b"Status: Open\n<button>Go</button>"),
    "/json": ("application/json", b'{"status": "Open"}'),
    "/image": ("image/png", PIXEL),
    "/pdf": ("application/pdf", PDF),
    "/empty": ("text/html", b""),
    "/malformed": ("text/html", MALFORMED),
    "/wrong-charset": ("text/html; charset=utf-16", "<button>Straße</button>".encode()),
    "/latin": ("text/html; charset=iso-8859-1", "<button>Straße</button>".encode("latin-1")),
    "/utf16": ("text/html", "<button>Straße</button>".encode("utf-16")),
    "/broken-utf8": ("text/html; charset=utf-8", b"<button>Stra\xdfe</button>\x00"),
    "/rtl": ("text/html; charset=utf-8", RTL.encode()),
    "/big": ("text/html", BIG),
    "/deep": ("text/html", DEEP),
    "/closed": ("text/html", CLOSED),
    "/restless": ("text/html", RESTLESS),
    "/recursion": ("text/html", RECURSION),
    "/flicker": ("text/html", FLICKER),
    "/wandering": ("text/html", WANDERING),
    "/travelling": ("text/html", TRAVELLING),
    "/constant": ("text/html", CONSTANT),
    "/strict": ("text/html", STRICT),
}


def around(path: str) -> bytes:
    """A page with a frame of the other host in it."""
    return f"<h1>Outer</h1><button>Outer go</button><iframe title=Pay src={{other}}{path}></iframe>".encode()


class BadSite:
    """The running site. `url`, `other` and `third` are the same site; `{other}` and `{third}` in a page stand for them."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.pages = dict(PAGES)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()
        port = self.server.server_address[1]
        self.url, self.other, self.third = (f"http://{host}:{port}" for host in ("127.0.0.1", "localhost", "third.localhost"))

    def close(self) -> None:
        self.over.set()
        self.server.shutdown()
        self.server.server_close()

    def _handler(site) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                try:
                    self.serve(urlsplit(self.path).path)
                except ConnectionError:
                    pass  # the browser has gone on to another page

            def serve(self, path: str) -> None:
                if path == "/never":
                    site.over.wait(60)
                elif path == "/stall":
                    self.send_response(200)
                    self.send_header("Content-Type", "text/html")
                    self.send_header("Content-Length", "100000")
                    self.end_headers()
                    self.wfile.write(b"<button>First</button><p>Seen." + b" " * 2000)
                    self.wfile.flush()
                    site.over.wait(60)
                elif path in ("/loop", "/pool"):
                    self.send_response(302)
                    self.send_header("Location", "/pool" if path == "/loop" else "/loop")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                else:
                    kind, body = site.pages.get(path, ("text/html", b"nothing here"))
                    body = body.replace(b"{other}", site.other.encode()).replace(b"{third}", site.third.encode())
                    self.send_response(200 if path in site.pages else 404)
                    self.send_header("Content-Type", kind)
                    for name, value in HEADERS.get(path, {}).items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *arguments: Any) -> None:
                """Quiet."""

        return Handler

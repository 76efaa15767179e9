"""The pages for people, and what their forms do. Forms also work without the page's script; with it, no page is reloaded."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from agent.console.answers import Answer, Receipt
from agent.console.caller import Caller, cookie_name, parts_of, person
from agent.console.card import Card, card
from agent.console.queue import Order, Place, ordered, placed
from agent.console.render import rendered
from agent.console.security import CSRF_HEADER, check_csrf, check_origin
from agent.console.supervision import supervision
from agent.errors import UnknownError

SHOWN_HOURS = 24.0


def _order(request: Request) -> Order:
    wanted = request.query_params.get("order") or request.cookies.get("order", "")
    return next((known for known in get_args(Order) if known == wanted), "urgency")


def _places(request: Request, caller: Caller) -> list[Place]:
    parts = parts_of(request)
    return ordered(parts.floor.waiting(), _order(request), parts.answers.snoozed(caller.name))


def common(request: Request, caller: Caller, here: str) -> dict[str, Any]:
    """What every page with the console's frame is made of. `here`: the part of the console that it belongs to."""
    parts = parts_of(request)
    return {
        "here": here,
        "caller": caller,
        "csrf": caller.csrf,
        "running": parts.floor.running,
        "stage": parts.floor.stage,
        "open": parts.floor.store.count_open(),
        "last": parts.hub.last,
        "order": _order(request),
    }


def _fragment(request: Request, name: str) -> bool:
    return request.headers.get("x-fragment") == name


async def home(request: Request) -> Response:
    person(request)
    return RedirectResponse("/queue", 303)


async def queue(request: Request) -> Response:
    caller = person(request, touch=not _fragment(request, "queue"))
    context = common(request, caller, "queue") | {"places": _places(request, caller), "card": None, "held": None}
    if _fragment(request, "queue"):
        return HTMLResponse(rendered("_queue.html", chosen=request.query_params.get("chosen", ""), **context))
    return HTMLResponse(rendered("queue.html", chosen="", **context))


def _card(request: Request, caller: Caller) -> Card:
    parts, id = parts_of(request), request.path_params["id"]
    waiting = parts.floor.find(id)
    parts.answers.seen(id, caller.name)
    return card(placed(waiting), parts.floor.picture(id) is not None)


async def handoff(request: Request) -> Response:
    caller = person(request, touch=not _fragment(request, "card"))
    shown = _card(request, caller)
    context = common(request, caller, "queue") | {
        "card": shown,
        "chosen": shown.id,
        "held": parts_of(request).answers.held(shown.id),
    }
    if _fragment(request, "card"):
        return HTMLResponse(rendered("_card.html", **context))
    return HTMLResponse(rendered("queue.html", places=_places(request, caller), **context))


async def picture(request: Request) -> Response:
    person(request, touch=False)
    path = parts_of(request).floor.picture(request.path_params["id"])
    if path is None:
        raise HTTPException(404, "There is no picture of this hand-off.")
    # Where suggestions may be wrong on purpose, the picture is taken again when that has been told.
    kept = "no-store" if parts_of(request).floor.seeds.rate > 0.0 else "private, max-age=3600"
    return FileResponse(path, media_type="image/jpeg", headers={"cache-control": kept})


async def sessions(request: Request) -> Response:
    caller = person(request, touch=not _fragment(request, "sessions"))
    found = parts_of(request).floor.sessions()
    context = common(request, caller, "sessions") | {"sessions": found}
    return HTMLResponse(rendered("_sessions.html" if _fragment(request, "sessions") else "sessions.html", **context))


async def session(request: Request) -> Response:
    caller = person(request, touch=not _fragment(request, "session"))
    floor, name = parts_of(request).floor, request.path_params["session"]
    state = floor.session(name)
    if state is None:
        raise UnknownError(f"There is no session {name!r} in this run.")
    steps = floor.trace(name)
    handoffs = floor.store.handoffs_of(name)
    context = common(request, caller, "sessions") | {
        "state": state,
        "steps": steps,
        "handoffs": handoffs,
        "view": floor.find(state.handoff).handoff.view if state.handoff else steps[-1].view if steps else None,
        "pictures": [id for id, _, _ in handoffs if floor.picture(id) is not None],
    }
    return HTMLResponse(rendered("_session.html" if _fragment(request, "session") else "session.html", **context))


async def audit(request: Request) -> Response:
    caller = person(request, "supervisor")
    log = parts_of(request).audit
    subject, who = request.query_params.get("subject", ""), request.query_params.get("who", "")
    context = {"entries": log.entries(subject=subject, who=who), "broken": log.broken(), "subject": subject, "who": who}
    return HTMLResponse(rendered("audit.html", **common(request, caller, "audit"), **context))


async def figures(request: Request) -> Response:
    caller = person(request, "supervisor", touch=not _fragment(request, "supervision"))
    parts = parts_of(request)
    found = {"figures": supervision(parts.db, SHOWN_HOURS, parts.settings.rushed_seconds)}
    template = "_supervision.html" if _fragment(request, "supervision") else "supervision.html"
    return HTMLResponse(rendered(template, **common(request, caller, "supervision"), **found))


async def events(request: Request) -> Response:
    caller = person(request, touch=False)
    parts = parts_of(request)
    after = request.headers.get("last-event-id") or request.query_params.get("after", "")
    secret = request.cookies.get(cookie_name(parts.settings.tls), "")
    stream = parts.hub.stream(
        caller.name,
        int(after) if after.isdecimal() else None,
        lambda: parts.logins.find(secret, touch=False) is not None,
    )
    return StreamingResponse(stream, media_type="text/event-stream", headers={"x-accel-buffering": "no"})


# What the forms do


async def _form(request: Request) -> tuple[Caller, dict[str, str]]:
    """The person and what was entered, once it is sure that the person's own page has sent it."""
    check_origin(request)
    caller = person(request)
    form = await request.form(max_files=0, max_fields=100)
    entered = {key: str(value) for key, value in form.items()}
    check_csrf(caller.csrf, request.headers.get(CSRF_HEADER) or entered.get("csrf", ""))
    return caller, entered


def _asks_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")


def _said(request: Request, receipt: Receipt | None = None, to: str = "/queue") -> Response:
    if _asks_json(request):
        return JSONResponse(receipt.model_dump() if receipt else {"handoff": request.path_params["id"], "state": "done"})
    return RedirectResponse(to, 303)


async def answer(request: Request) -> Response:
    caller, entered = await _form(request)
    chosen = {key: entered[key] for key in ("kind", "reason", "note", "key", "value", "alternative") if entered.get(key)}
    if chosen.get("kind") == "edit" and "alternative" not in chosen:
        chosen["value"] = entered.get("value", "")
    try:
        given = Answer.model_validate(chosen)
    except ValidationError as error:
        first = error.errors()[0]
        raise HTTPException(422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}. Reload the card.") from error
    receipt = await parts_of(request).answers.answer(request.path_params["id"], caller.name, given)
    stays = receipt.state in ("rejected", "seeded")
    return _said(request, receipt, f"/handoffs/{receipt.handoff}" if stays else "/queue")


async def undo(request: Request) -> Response:
    caller, _ = await _form(request)
    await parts_of(request).answers.undo(request.path_params["id"], caller.name)
    return _said(request, to=f"/handoffs/{request.path_params['id']}")


async def claim(request: Request) -> Response:
    """I will do it: in the window that the page has, else on its live page in the console."""
    caller, _ = await _form(request)
    parts, id = parts_of(request), request.path_params["id"]
    waiting = parts.answers.claim(id, caller.name)
    if parts.floor.desk.takeovers.windowed:
        return _said(request, to=f"/handoffs/{id}")
    live = f"/sessions/{waiting.handoff.session}/page"
    if _asks_json(request):
        return JSONResponse({"handoff": id, "state": "done", "to": live})
    return RedirectResponse(live, 303)


async def release(request: Request) -> Response:
    caller, _ = await _form(request)
    await parts_of(request).answers.release(request.path_params["id"], caller.name)
    return _said(request)


async def give_back(request: Request) -> Response:
    caller, entered = await _form(request)
    await parts_of(request).answers.give_back(request.path_params["id"], caller.name, entered.get("note", ""))
    return _said(request)


async def end(request: Request) -> Response:
    caller, entered = await _form(request)
    await parts_of(request).answers.end_session(request.path_params["id"], caller.name, entered.get("note", ""))
    return _said(request)


async def not_now(request: Request) -> Response:
    caller, _ = await _form(request)
    parts = parts_of(request)
    parts.answers.snooze(request.path_params["id"], caller.name, parts.settings.snooze_seconds)
    return _said(request)


ROUTES = [
    Route("/", home),
    Route("/queue", queue),
    Route("/handoffs/{id}", handoff),
    Route("/handoffs/{id}/picture", picture),
    Route("/sessions", sessions),
    Route("/sessions/{session}", session),
    Route("/audit", audit),
    Route("/supervision", figures),
    Route("/events", events),
    Route("/handoffs/{id}/answer", answer, methods=["POST"]),
    Route("/handoffs/{id}/undo", undo, methods=["POST"]),
    Route("/handoffs/{id}/claim", claim, methods=["POST"]),
    Route("/handoffs/{id}/release", release, methods=["POST"]),
    Route("/handoffs/{id}/give-back", give_back, methods=["POST"]),
    Route("/handoffs/{id}/end", end, methods=["POST"]),
    Route("/handoffs/{id}/not-now", not_now, methods=["POST"]),
]

"""A small made-up support desk, as views and recorded steps only: no page, no browser.

Four processes with forms, rules over facts, reasons that follow from what the customer wrote, ids to copy out of messages,
replies with slots, and a closing. Every case is drawn from a seed. The judge of a case is `Case.script`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zlib import crc32

from policies.trace import Step, TraceWriter
from schema_extraction.action import (
    Action,
    Check,
    Click,
    CloseCase,
    Fill,
    Select,
    SendMessage,
    Target,
    TransferCase,
)
from schema_extraction.normalise import value
from schema_extraction.view import Control, Fact, Format, Message, Notice, Option, Row, Section, Table, View

TODAY = date(2024, 6, 3)
START = datetime(2024, 6, 3, 9, 0, tzinfo=UTC)
FIRST = "Ana Boris Carla Deniz Emil Fatima Goran Hana Igor Jana Kemal Lena Marek Nadia Omar Petra Rosa Sven Tara Yusuf".split()
LAST = "Adler Brandt Costa Dvorak Egger Farkas Garcia Holm Ito Jensen Klein Lopez Meyer Novak Okafor Park Quinn Rossi".split()
ITEMS = "boots jacket lamp kettle backpack headphones scarf toaster monitor blanket".split()
LEVELS = ("Guest", "Bronze", "Silver", "Gold")

REASONS = {
    "Wrong size": [
        "The {item} are too tight on me.",
        "I need a bigger size of the {item}.",
        "The {item} is far too large for me.",
        "Turns out the fit is wrong, the {item} is too small.",
        "I ordered the wrong size of {item}.",
        "These {item} do not fit me at all.",
    ],
    "Damaged": [
        "The {item} came broken.",
        "There is a crack in the {item} I received.",
        "My {item} arrived with a big tear.",
        "The {item} stopped working after one day, it is faulty.",
        "The box was crushed and the {item} is smashed.",
        "The {item} has a defect.",
    ],
    "Changed mind": [
        "I simply do not like the {item} any more.",
        "I found something better than the {item}.",
        "I no longer need the {item}.",
        "I changed my mind about the {item}.",
        "After thinking about it the {item} is not for me.",
        "My husband bought the same {item}, so I do not want it.",
    ],
}
OPENINGS = (
    "Hi, my name is {name}.",
    "Hello, this is {name}.",
    "Good morning, {name} here, my name is {name}.",
    "Hey there. My name is {name}.",
)
ORDER_LINES = ("My order number is {order}.", "It is about order {order}.", "The order id is {order}, placed lately.")


@dataclass
class Form:
    """One human task: its title, instruction, fields (name, role, options, wanted value) and the button that ends it."""

    title: str
    instruction: str
    fields: list[tuple[str, str, tuple[str, ...], str]]
    button: str = "Complete task"


@dataclass
class Case:
    """`script`: what a faultless operator does, in order."""

    case_id: str
    process: str
    facts: dict[str, str]
    messages: list[Message]
    plan: list[Form | SendMessage | CloseCase | TransferCase]
    truth: dict[str, str] = field(default_factory=dict)


def _key(form: Form, name: str, role: str) -> str:
    return f"/{form.title}/{role}/{name}"


def control(form: Form, spec: tuple[str, str, tuple[str, ...], str], held: str) -> Control:
    name, role, options, _ = spec
    return Control(
        ref=f"e{crc32(f'{form.title} {name}'.encode()) % 1000}",
        key=_key(form, name, role),
        role=role,
        name=name,
        section=form.title,
        value=None if role == "checkbox" or not held else value(held, "choice" if options else name),
        options=tuple(Option(label=o, value=o.lower(), selected=o == held) for o in ("Choose…", *options)) if options else (),
        checked=held == "on" if role == "checkbox" else None,
        required=role != "checkbox",
        format=Format(type="number") if role == "spinbutton" else Format(),
    )


def view_of(case: Case, form: Form | None, held: dict[str, str], sent: list[Message], closed: bool = False) -> View:
    facts = tuple(
        Fact(key=f"/Customer/{label}", label=label, value=value(text, label), section="Customer")
        for label, text in case.facts.items()
    )
    controls = [
        Control(ref="n1", key="/nav/link/Home", role="link", name="Home", section="nav", href="/"),
        Control(ref="n2", key="/nav/link/Queue", role="link", name="Queue", section="nav", href="/queue"),
        Control(ref="t1", key="/Case/tab/History", role="tab", name="History", section="Case"),
        Control(ref="m1", key="/Chat/textbox/Message", role="textbox", name="Message", part="send_message.text"),
        Control(ref="m2", key="/Chat/button/Send", role="button", name="Send", part="send_message.send", critical=True),
        Control(
            ref="c1",
            key="/Case/combobox/Resolution",
            role="combobox",
            name="Resolution",
            part="close_case.resolution",
            options=tuple(Option(label=o, value=o) for o in ("Resolved", "Rejected", "Duplicate")),
        ),
        Control(
            ref="c2", key="/Case/button/Close case", role="button", name="Close case", part="close_case.submit", critical=True
        ),
        Control(
            ref="x1",
            key="/Case/combobox/Team",
            role="combobox",
            name="Team",
            part="transfer_case.team",
            options=tuple(Option(label=o, value=o) for o in ("Billing", "Logistics")),
        ),
        Control(
            ref="x2", key="/Case/button/Transfer", role="button", name="Transfer", part="transfer_case.submit", critical=True
        ),
    ]
    sections = [Section(name="Case", text=f"Process {case.process}")]
    if form is not None:
        sections.append(Section(name=form.title, text=form.instruction))
        controls += [control(form, spec, held.get(spec[0], "")) for spec in form.fields]
        controls.append(
            Control(
                ref="b1",
                key=f"/{form.title}/button/{form.button}",
                role="button",
                name=form.button,
                section=form.title,
                critical=True,
            )
        )
    table = Table(
        key="/Orders",
        name="Orders",
        headers=("Order", "Item", "Status"),
        rows=(Row(cells=(value("A-100-200", "order id"), value(case.truth["item"]), value("Delivered"))),),
        total=1,
    )
    return View(
        path=f"/cases/{case.case_id}",
        title=f"Case {case.case_id}",
        profile="made-up",
        case_id=case.case_id,
        slice=case.process,
        today=TODAY,
        sections=tuple(sections),
        controls=tuple(controls),
        facts=facts,
        messages=(*case.messages, *sent),
        tables=(table,),
        notices=(Notice(kind="status", text="Task opened"),) if form else (),
        closed=closed,
    )


def _yes(condition: bool) -> str:
    return "Yes" if condition else "No"


Rule = Callable[[int, float, str], bool]

PROCESSES: dict[str, Rule] = {
    "Return": lambda days, total, level: days <= 90 and level in ("Gold", "Silver"),
    "Refund": lambda days, total, level: total <= 100 or level == "Gold",
    "Fee waiver": lambda days, total, level: days <= 30 and total > 50,
    "Exchange": lambda days, total, level: days <= 60 and level != "Guest",
}


def draw(number: int, rng: random.Random, process: str | None = None) -> Case:
    process = process or rng.choice(list(PROCESSES))
    days, total = rng.randint(1, 180), round(rng.uniform(5, 250), 2)
    level, item = rng.choice(LEVELS), rng.choice(ITEMS)
    name = f"{rng.choice(FIRST)} {rng.choice(LAST)}"
    order = f"{rng.randint(1000000, 9999999)}"
    reason = rng.choice(list(REASONS))
    ok = PROCESSES[process](days, total, level)
    said = [
        rng.choice(OPENINGS).format(name=name) + " " + rng.choice(REASONS[reason]).format(item=item),
        rng.choice(ORDER_LINES).format(order=order),
    ]
    facts = {
        "Full name": name,
        "E-mail": f"{name.split()[0].lower()}{rng.randint(1, 99)}@example.com",
        "Membership": level,
        "Purchase date": (TODAY - timedelta(days=days)).isoformat(),
        "Order total": f"${total}",
        "Account id": f"AC-{rng.randint(10000, 99999)}",
        "City": rng.choice(("Graz", "Linz", "Wien", "Salzburg")),
    }
    first = name.split()[0]
    verify = Form(
        "Verify customer",
        "Check who is writing and which order it is about.",
        [
            ("Customer name", "textbox", (), name),
            ("Order number", "textbox", (), order),
            ("Account", "textbox", (), facts["Account id"]),
            ("Identity checked", "checkbox", (), "on"),
        ],
    )
    assess = Form(
        f"Assess {process.lower()}",
        "Decide by the rules of this process.",
        [
            ("Reason", "combobox", tuple(REASONS), reason),
            ("Eligible", "combobox", ("Yes", "No"), _yes(ok)),
            ("Amount", "spinbutton", (), f"{total:.2f}"),
        ],
    )
    if ok:
        reply = f"Dear {first}, we approved your {process.lower()} for order {order}. ${total} will follow within 5 days."
    else:
        reply = f"Dear {first}, sorry, we cannot offer a {process.lower()} for order {order}."
    end: CloseCase | TransferCase = CloseCase(resolution="Resolved" if ok else "Rejected")
    if process == "Fee waiver" and reason == "Damaged":
        end = TransferCase(team="Logistics")
    return Case(
        case_id=f"C{number:05d}",
        process=process,
        facts=facts,
        messages=[Message(author=name, direction="inbound", text=text) for text in said],
        plan=[verify, assess, SendMessage(text=reply), end],
        truth={"item": item, "eligible": _yes(ok), "reason": reason},
    )


def script(case: Case, rng: random.Random | None = None) -> Iterator[tuple[View, Action]]:
    """What a faultless operator does in `case`, with the view before each action. With `rng`, fields are filled in another
    order now and then, and an idle tab is opened."""
    sent: list[Message] = []
    for stage in case.plan:
        if not isinstance(stage, Form):
            yield view_of(case, None, {}, sent), stage
            if isinstance(stage, SendMessage):
                sent.append(Message(author="Support", direction="outbound", text=stage.text))
            continue
        held: dict[str, str] = {}
        fields = list(stage.fields)
        if rng and rng.random() < 0.1:
            rng.shuffle(fields)
        for spec in fields:
            name, role, options, wanted = spec
            view = view_of(case, stage, held, sent)
            if rng and rng.random() < 0.03:
                yield view, Click(target=Target(key="/Case/tab/History", role="tab", name="History"))
            target = Target(key=_key(stage, name, role), role=role, name=name)
            if role == "checkbox":
                yield view, Check(target=target)
            elif options:
                yield view, Select(target=target, option=wanted)
            else:
                yield view, Fill(target=target, value=wanted)
            held[name] = wanted
        button = Target(key=f"/{stage.title}/button/{stage.button}", role="button", name=stage.button)
        yield view_of(case, stage, held, sent), Click(target=button)


def record(folder: Path, count: int, seed: int = 0, process: str | None = None, first: int = 0) -> list[Case]:
    """Write traces of `count` cases to `folder`, one file a case, and give the cases back."""
    rng = random.Random(seed)
    cases = [draw(first + n, rng, process) for n in range(count)]
    for case in cases:
        writer = TraceWriter(folder, case.case_id)
        for index, (view, action) in enumerate(script(case, rng)):
            time = START + timedelta(minutes=int(case.case_id[1:]), seconds=index)
            writer.write(
                Step(
                    case_id=case.case_id,
                    session=case.case_id,
                    index=index,
                    time=time,
                    actor="operator",
                    view=view,
                    action=action,
                )
            )
        writer.close()
    return cases

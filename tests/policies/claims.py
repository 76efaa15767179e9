"""A made-up claims desk: views whose fields hold what an operator works out, for the tests of `policies.derive`.

`WORKED_OUT` says, a kind of formula each, what a faultless operator enters; `entries` makes recorded entries with slips.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from policies.dataset import Sample
from policies.derive.expressions import add_months
from policies.derive.operands import operands
from policies.derive.table import Entry
from schema_extraction.action import Action, Fill, Select, Target
from schema_extraction.normalise import value
from schema_extraction.view import Control, Fact, Message, Option, Row, Table, View

TODAY = date(2026, 3, 2)
FIRST = "Ana Boris Carla Deniz Emil Fatima Goran Hana Igor Jana Kemal Lena Marek Nadia Omar Petra Rosa Sven Tara Yusuf".split()
LAST = "Adler Brandt Costa Dvorak Egger Farkas Garcia Holm Ito Jensen Klein Lopez Meyer Novak Okafor Park Quinn Rossi".split()
FIELD = "/settle-the-claim/textbox/payout/0"
DECISION = "/settle-the-claim/combobox/decision/0"


@dataclass(frozen=True)
class Claim:
    number: int
    today: date
    name: str
    email: str
    policy: str
    claimed: float
    excess: float
    limit: float
    rate: float
    nights: int
    price: float
    start: date
    end: date
    born: date
    notice: int
    term: int
    orders: tuple[tuple[str, float], ...]
    meant: int
    member: str

    @property
    def length(self) -> int:
        return (self.end - self.start).days


def draw(rng: random.Random, number: int, *, one_day: bool = True) -> Claim:
    name = f"{rng.choice(FIRST)} {rng.choice(LAST)}"
    today = TODAY if one_day else TODAY + timedelta(days=rng.randint(0, 40))
    start = today - timedelta(days=rng.randint(45, 300))
    orders = tuple((f"A-{rng.randint(10000, 99999)}", round(rng.uniform(5, 400), 2)) for _ in range(rng.randint(1, 4)))
    return Claim(
        number=number,
        today=today,
        name=name,
        email=f"{name.split()[0].lower()}{rng.randint(1, 99)}@{rng.choice(('example', 'mailbox', 'firm', 'post'))}.com",
        policy=f"PL-{rng.randint(1000, 9999)}-{rng.choice('ABCD')}",
        claimed=round(rng.uniform(100, 6000), 2),
        excess=rng.choice((100.0, 150.0, 250.0, 500.0)),
        limit=float(rng.choice((1000, 2500, 4000))),
        rate=rng.choice((3, 5, 7.5, 12)),
        nights=rng.randint(1, 14),
        price=round(rng.uniform(20, 180), 2),
        start=start,
        end=start + timedelta(days=rng.randint(2, 40)),
        born=date(rng.randint(1940, 2004), rng.randint(1, 12), rng.randint(1, 28)),
        notice=rng.randint(1, 60),
        term=rng.choice((6, 12, 24, 36)),
        orders=orders,
        meant=rng.randrange(len(orders)),
        member=rng.choice(("Gold", "Silver", "Bronze")),
    )


def view_of(claim: Claim, process: str = "Claim", held: str = "") -> View:
    """The page on which a claim is settled, with `held` in the field."""
    facts = {
        "Full name": claim.name,
        "E-mail": claim.email,
        "Policy": claim.policy,
        "Amount claimed": f"${claim.claimed:,.2f}",
        "Excess": f"${claim.excess:.2f}",
        "Limit": f"${claim.limit:,.2f}",
        "Rate": f"{claim.rate:g}%",
        "Nights": str(claim.nights),
        "Price per night": f"${claim.price:.2f}",
        "Start": claim.start.isoformat(),
        "End": claim.end.isoformat(),
        "Date of birth": claim.born.isoformat(),
        "Period of notice": f"{claim.notice} days",
        "Term": f"{claim.term} months",
        "Membership": claim.member,
    }
    rows = tuple(Row(cells=(value(order, "order id"), value(f"${amount:.2f}"))) for order, amount in claim.orders)
    name = "Payout"
    return View(
        path=f"/claims/{claim.number}",
        case_id=f"C-{claim.number}",
        slice=process,
        today=claim.today,
        facts=tuple(
            Fact(key=f"/claim/fact/{label.lower().replace(' ', '-')}/0", label=label, value=value(text, label))
            for label, text in facts.items()
        ),
        tables=(Table(key="/orders", name="Orders", headers=("Order", "Total"), rows=rows, total=len(rows)),),
        messages=(
            Message(author="Customer", direction="inbound", text=f"Hello, it is about order {claim.orders[claim.meant][0]}."),
        ),
        controls=(
            Control(ref="e1", key=FIELD, role="textbox", name=name, value=value(held, name) if held else None),
            Control(
                ref="e2",
                key=DECISION,
                role="combobox",
                name="Decision",
                options=(Option(label="Pay", value="p"), Option(label="Refuse", value="r"), Option(label="Ask", value="a")),
            ),
        ),
    )


def _age(claim: Claim) -> int:
    return claim.today.year - claim.born.year - ((claim.today.month, claim.today.day) < (claim.born.month, claim.born.day))


WORKED_OUT: dict[str, Callable[[Claim], str]] = {
    "less": lambda c: f"{c.claimed - c.excess:.2f}",
    "plus": lambda c: f"{c.claimed + c.price:.2f}",
    "times": lambda c: f"{c.nights * c.price:.2f}",
    "divided": lambda c: f"{c.claimed / c.nights:.2f}",
    "the smaller": lambda c: f"{min(c.claimed, c.limit):.2f}",
    "the larger": lambda c: f"{max(c.claimed, c.limit):.2f}",
    "a percentage on the page": lambda c: f"{c.claimed * c.rate / 100:.2f}",
    "a learned percentage": lambda c: f"{c.claimed * 0.15:.2f}",
    "a learned surcharge": lambda c: f"{c.price + 12.5:.2f}",
    "less a learned share of another": lambda c: f"{c.claimed - 0.2 * c.limit:.2f}",
    "the smaller of a difference and a limit": lambda c: f"{min(c.claimed - c.excess, c.limit):.2f}",
    "a percentage of a difference": lambda c: f"{(c.claimed - c.excess) * c.rate / 100:.2f}",
    "days times a price": lambda c: f"{c.length * c.price:.2f}",
    "not below nought": lambda c: f"{max(c.claimed - 3000, 0):.2f}",
    "a capped share": lambda c: f"{min(c.claimed * 0.1, 300):.2f}",
    "days between": lambda c: str(c.length),
    "days until the day of the work": lambda c: str((c.today - c.start).days),
    "weeks": lambda c: f"{c.length / 7:.1f}",
    "age": lambda c: str(_age(c)),
    "a date plus learned days": lambda c: (c.end + timedelta(days=14)).isoformat(),
    "a date plus days on the page": lambda c: (c.end + timedelta(days=c.notice)).isoformat(),
    "a date plus months on the page": lambda c: f"{add_months(c.start, c.term):%d/%m/%Y}",
    "so many days from the day of the work": lambda c: (c.today + timedelta(days=7)).isoformat(),
    "a sum of a column": lambda c: f"{sum(amount for _, amount in c.orders):.2f}",
    "the row that the customer speaks of": lambda c: f"{c.orders[c.meant][1]:.2f}",
    "first word": lambda c: c.name.split()[0],
    "last word in capitals": lambda c: c.name.split()[-1].upper(),
    "initials": lambda c: "".join(word[0] for word in c.name.split()),
    "domain": lambda c: c.email.split("@")[1],
    "part of an id": lambda c: c.policy.split("-")[1],
    "two words joined": lambda c: ", ".join(reversed(c.name.split())),
    "a user name": lambda c: (c.name[0] + c.name.split()[-1]).lower(),
    "a fixed beginning": lambda c: f"REF/{c.policy}",
}


def recorded(claims: list[Claim], entered: list[str], process: str = "Claim") -> list[Sample]:
    """The samples of operators who filled in `entered`."""
    target = Target(key=FIELD, role="textbox", name="Payout")
    return [
        Sample(f"C-{claim.number}", view_of(claim, process), (), Fill(target=target, value=text))
        for claim, text in zip(claims, entered, strict=True)
    ]


def chosen(claims: list[Claim], options: list[str]) -> list[tuple[View, Action]]:
    """The views and actions of operators who chose `options`."""
    target = Target(key=DECISION, role="combobox", name="Decision")
    return [(view_of(claim), Select(target=target, option=option)) for claim, option in zip(claims, options, strict=True)]


def slips(texts: list[str], rng: random.Random, share: float = 0.04) -> list[str]:
    """`texts` with a share of them taken from another case."""
    return [rng.choice(texts) if rng.random() < share else text for text in texts]


def entries(claims: list[Claim], texts: list[str]) -> list[Entry]:
    """The same as the search takes them."""
    return [
        Entry(f"C-{claim.number}", operands(view_of(claim)), value(text, "Payout"))
        for claim, text in zip(claims, texts, strict=True)
    ]


def measure(seeds: int, cases: int) -> None:
    """Print how often each kind of formula is found from `cases` cases with 4% slips, and something in shuffled values."""
    from policies.derive.search import find

    total = false = 0
    for name, rule in WORKED_OUT.items():
        hits = wrong = 0
        for seed in range(seeds):
            rng = random.Random(1000 * cases + seed)
            group = [draw(rng, number, one_day=False) for number in range(cases)]
            new = [draw(rng, number, one_day=False) for number in range(50)]
            texts = slips([rule(c) for c in group], rng)
            found = find(entries(group, texts))
            told = [formula.value(operands(view_of(c))) for c in new for formula in found[:1]]
            hits += sum(v is not None and v[1] == rule(c) for v, c in zip(told, new, strict=False)) >= 48
            rng.shuffle(texts)
            wrong += bool(find(entries(group, texts)))
        total, false = total + seeds, false + wrong
        print(f"{name:42} found {hits}/{seeds}  in shuffled values {wrong}/{seeds}", flush=True)
    print(f"in shuffled values: {false} of {total} fields")


if __name__ == "__main__":
    import sys

    measure(int(sys.argv[1]), int(sys.argv[2]))

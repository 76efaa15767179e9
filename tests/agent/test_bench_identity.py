"""The benchmark of identity: its changes do what they say, its truth is nobody's to read, and it can tell right from wrong."""

from __future__ import annotations

from random import Random

import pytest
from lxml import html as lxml_html

from agent.bench import mutations
from agent.bench.fitting import fit
from agent.bench.forms import MARK, form_page
from agent.bench.identity import cases, curve, draws, share
from agent.bench.versions import KEPT, KINDS, OTHER, PARTS, Base, bases, changed, look
from agent.bench.wording import german, synonym
from schema_extraction.extract import extract
from schema_extraction.likeness import FEATURES
from schema_extraction.match import Match, Weights, match, shipped
from schema_extraction.static import snapshot_of_html


def base(seed: int, part: str = "test") -> Base:
    return Base(f"form {seed}", "generated form", part, form_page(seed), other=form_page(seed, data=1))


def test_the_truth_is_not_in_the_view() -> None:
    page = form_page(4)
    root = lxml_html.document_fromstring(page)
    for element in root.iter():
        element.attrib.pop(MARK, None)
    bare = lxml_html.tostring(root, encoding="unicode", doctype="<!doctype html>")
    whole = lxml_html.tostring(lxml_html.document_fromstring(page), encoding="unicode", doctype="<!doctype html>")
    assert extract(snapshot_of_html(str(bare))) == extract(snapshot_of_html(str(whole)))


@pytest.mark.parametrize("seed", [5, 8, 11, 14])
def test_every_control_of_a_page_has_an_identity_of_its_own(seed: int) -> None:
    seen = look(form_page(seed))
    assert set(seen.true) == {control.key for control in seen.view.controls}
    assert len(set(seen.true.values())) == len(seen.true) > 12


def test_another_case_has_the_same_controls_and_other_data() -> None:
    for seed in range(12):
        first, second = look(form_page(seed)), look(form_page(seed, data=1))
        lasting = [{identity for identity in seen.true.values() if ":" not in identity} for seen in (first, second)]
        assert lasting[0] == lasting[1]
        assert first.view.facts != second.view.facts


@pytest.mark.parametrize("kind", [kind for kind in KEPT if kind != "other data"])
def test_what_a_key_must_survive_leaves_every_control_there(kind: str) -> None:
    for seed in (5, 8, 11, 14, 17):
        before, page = look(form_page(seed)), changed(base(seed), kind, Random(seed))
        if page is not None:
            assert set(before.true.values()) <= set(look(page).true.values()), kind


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("reload", "other data", "second release")])
def test_every_change_changes_pages(kind: str) -> None:
    made = [changed(base(seed), kind, Random(seed)) for seed in range(20)]
    assert sum(page is not None and page != form_page(seed) for seed, page in enumerate(made)) >= 8


def test_reordering_moves_fields_with_their_labels() -> None:
    root = lxml_html.document_fromstring(form_page(5))
    before = look(form_page(5))
    assert mutations.reorder(root, Random(3))
    after = look(str(lxml_html.tostring(root, encoding="unicode", doctype="<!doctype html>")))
    names = [{seen.true[c.key]: (c.section, c.name) for c in seen.view.controls} for seen in (before, after)]
    assert names[0] == names[1]
    assert [c.key for c in before.view.controls] != [c.key for c in after.view.controls]


def test_a_replaced_field_is_another_control() -> None:
    met = [case for seed in range(5, 30, 3) for case in cases(base(seed), "fields replaced", Random(seed)) if case.true is None]
    assert met and all(case.control.key not in {c.key for c in case.after.view.controls} for case in met)


def test_keys_survive_what_they_must() -> None:
    for kind in KEPT:
        for seed in (5, 8, 11):
            for case in cases(base(seed), kind, Random(f"{kind} {seed}")):
                assert case.true == case.control.key, (kind, seed, case.control.key, case.true)


def test_few_matches_are_wrong_on_pages_that_nothing_was_fitted_to() -> None:
    answers = [(case, match(case.target, case.after.view)) for case in draws([base(s) for s in range(60_000, 60_140)], seed=7)]
    used = [(case, answer) for case, answer in answers if isinstance(answer, Match)]
    wrong = [case for case, answer in used if answer.control.key != case.true]
    assert len(used) >= 20 and len(wrong) <= 1, (len(used), [case.control.key for case in wrong])


def test_the_parts_share_no_page() -> None:
    pages = [{made.html for made in bases(part, 4) if made.family != "practice BPM"} for part in PARTS]
    assert not (pages[0] & pages[1] or pages[1] & pages[2] or pages[0] & pages[2])
    processes = [{made.name.split(",")[0] for made in bases(part, 4) if made.family == "practice BPM"} for part in PARTS]
    assert all(processes) and not (processes[0] & processes[1] or processes[1] & processes[2] or processes[0] & processes[2])


def test_the_second_release_of_the_practice_bpm_has_the_same_controls_under_other_names() -> None:
    desk = next(made for made in bases("test", 1) if made.family == "practice BPM" and made.release)
    assert desk.release is not None
    before, after = look(desk.html), look(desk.release)
    assert set(before.true.values()) == set(after.true.values())
    assert "Reply" in {c.name for c in before.view.controls} and "Reply" not in {c.name for c in after.view.controls}


def test_fitting_learns_that_names_and_places_matter() -> None:
    found = [
        case for seed in range(0, 45, 3) for kind in OTHER for case in cases(base(seed), kind, Random(seed)) if case.undecided
    ]
    weights, constant = fit(found)
    assert set(weights) == set(FEATURES) == set(shipped().weights)
    assert weights["name alike"] > 0 and weights["place"] > 0 and weights["other row"] < 0 and constant < 0
    model = Weights(weights=weights, constant=constant, tau=0.9)
    used = [(a, c) for c in found if isinstance(a := match(c.target, c.after.view, model), Match)]
    assert sum(a.control.key == c.true for a, c in used) / len(used) > 0.95


def test_shares_and_the_curve_of_risk_and_coverage() -> None:
    assert share(0, 0).value is None and share(9, 10).value == 0.9 and share(9, 10).lower < 0.6
    points = curve([(0.9, True), (0.8, True), (0.3, False), (0.7, True)], 8)
    assert points[-1].coverage == 0.5 and points[-1].risk == 0.25
    assert [p.risk for p in points] == sorted(p.risk for p in points)


def test_other_words_are_other_words() -> None:
    assert synonym("Refund amount", Random(1)) in ("Amount to refund", "Money back")
    assert german("Reason for return", Random(1)) == "Rückgabegrund"
    assert german("Complete task", Random(1)) != "Complete task"

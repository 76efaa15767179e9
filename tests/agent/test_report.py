from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from lxml import html
from playwright.sync_api import Page

from agent.charts import Bar, Part, Series, bars, lines
from agent.report import render_report, write_report
from agent.results import Check, Results, Spread, headline
from tests.agent.sample_results import results

# A 1 x 1 PNG.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


def text(page: str) -> str:
    return " ".join(html.fromstring(page).text_content().split())


def test_the_page_needs_nothing_from_outside(tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(PIXEL)
    (tmp_path / "two.png").write_bytes(PIXEL)
    page = write_report(results(), tmp_path / "report.html", tmp_path).read_text()
    tree = html.fromstring(page)
    assert not tree.xpath("//script | //link | //iframe")
    assert all(src.startswith("data:image/png;base64,") for src in tree.xpath("//@src"))
    assert len(tree.xpath("//img")) == 2
    assert "url(" not in page and "@import" not in page


def test_every_figure_is_there() -> None:
    found = text(render_report(results()))
    for figure in headline(results()):
        assert figure.name in found
        assert figure.casepilot in found
    for words in (
        "52.9%",
        "55 of 104",
        "at least 94.7%",
        "Needs about 25 more",
        "C-1013",
        "refund 45.00",
        "0.410",
        "casepilot bpm judge",
    ):
        assert words in found, words


def test_what_was_written_by_others_is_escaped() -> None:
    page = render_report(results())
    assert "&lt;the carrier&gt;" in page
    assert "<the carrier>" not in page


def test_a_missing_screenshot_is_left_out(tmp_path: Path) -> None:
    tree = html.fromstring(render_report(results(), tmp_path))
    assert not tree.xpath("//img")
    assert len(tree.xpath("//article")) == 2


def test_only_the_run_is_needed() -> None:
    bare = Results(run=results().run)
    found = text(render_report(bare))
    assert "52.9%" in found
    assert "None: every case that closed with no operator action ended as" in found
    assert "Replay" not in found


def test_falling_short_is_said() -> None:
    checks = (
        Check(name="Session automation", relation="at least", wanted=0.45, met=0.31),
        Check(name="Replay", relation="at most", wanted=0.25, met=0.2),
        Check(name="Precision", relation="at least", wanted=0.9, met=None),
    )
    short = results().model_copy(update={"checks": checks})
    assert [c.name for c in short.short] == ["Session automation", "Precision"]
    found = text(render_report(short))
    assert "Fell short of 2 of 3 promises" in found
    assert "Session automation 31% (at least 45%)" in found


def test_results_json_holds_every_figure_by_name(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    results().write(path)
    data = json.loads(path.read_text())
    assert data["run"]["session_automation"]["value"] == pytest.approx(55 / 104)
    assert data["run"]["unattended_precision"]["lower"] == pytest.approx(0.9473, abs=1e-4)
    assert data["critic"]["critic"]["macro_f1"] > data["critic"]["confidence"]["macro_f1"]
    assert Results.model_validate_json(path.read_text()) == results()


def test_spread() -> None:
    assert Spread.of([]) is None
    spread = Spread.of([1.0, 2.0, 6.0])
    assert spread is not None and (spread.count, spread.mean, spread.median) == (3, 3.0, 2.0)


def test_charts_draw_inside_their_box_and_escape_labels() -> None:
    chart = lines([Series(name="a<b", style="first", points=((0.0, 0.0), (1.0, 5.0)))], x_label="x", y_label="y")
    assert "a&lt;b" in chart
    numbers = [float(n) for n in re.findall(r"[ML]([\d.]+) ", str(chart))]
    assert all(0 <= n <= 520 for n in numbers)
    assert 'width="0' not in bars([Bar(label="none", whole=0, parts=(Part(value=0, style="good", words=""),))])


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_overflows_at_1280_and_on_a_phone(page: Page, tmp_path: Path, scheme: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    report = write_report(results(), tmp_path / "report.html")
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(report.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert {url for url in asked if not url.startswith("data:")} == {report.as_uri()}

"""What a person who writes a profile is told: every fault at once, each with its line and what to do."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema_extraction.errors import ProfileError
from schema_extraction.profile import Profile, compiled, load_profile, parse_profile

GOOD = Path(str(files("fixtures.bpm").joinpath("profile.yaml")))
HEAD = "name: desk\nbase_url: http://desk.test\n"


def faults(text: str) -> list[str]:
    """What is said of a profile, one fault a line, without the name of the file."""
    with pytest.raises(ProfileError) as raised:
        parse_profile(text, "desk.yaml")
    said = str(raised.value)
    assert said.startswith("Profile 'desk.yaml'")
    first, *rest = said.splitlines()
    return [line.strip() for line in rest] if rest else [first.removeprefix("Profile 'desk.yaml', ")]


def fault(text: str) -> str:
    (only,) = faults(text)
    return only


def test_the_profile_that_ships_is_read() -> None:
    profile = load_profile(GOOD)
    assert profile.case_id("http://127.0.0.1:8010/cases/C-1041?tab=2") == "C-1041"
    assert [part.name for part in profile.composites["close_case"]] == ["resolution", "submit", "confirm"]


def test_a_misspelt_field_is_told_with_its_line_and_the_right_word() -> None:
    told = fault(HEAD + "compsites:\n  send_message: []\n")
    assert told == "line 3, column 1: unknown field 'compsites'; did you mean 'composites'?"


def test_a_misspelt_field_deep_inside() -> None:
    told = fault(HEAD + "ignore:\n  - {role: link, name: Home}\n  - {role: link, nmae: Help}\n")
    assert told == "line 5, column 18: unknown field 'nmae' in 'ignore[1]'; did you mean 'name'?"


def test_a_field_like_no_other_is_told_with_those_there_are() -> None:
    assert "expected one of 'role', 'name', 'section'" in fault(HEAD + "ignore: [{zzz: 1}]\n")


def test_a_misspelt_composite() -> None:
    told = fault(HEAD + "composites:\n  send_mesage: []\n")
    assert told == "line 4, column 3: unknown name 'send_mesage' in 'composites'; did you mean 'send_message'?"


def test_what_is_missing_is_told_where_it_belongs_with_an_example() -> None:
    told = fault(
        HEAD + "work_list: {path: /work}\nlogin:\n  path: /login\n  username: {name: User}\n  submit: {role: button}\n"
    )
    assert told == "line 4, column 1: field 'password' is missing in 'login'; add it, such as `password: {name: Password}`."


def test_all_faults_are_told_at_once_in_the_order_of_the_file() -> None:
    told = faults(HEAD + "case:\n  path: /cases/\n  id: /cases/(\\d+)\nslcie: {fact: Kind}\nrequests_per_second: fast\n")
    assert [line.partition(",")[0] for line in told] == ["line 4", "line 6", "line 7"]
    assert "{case_id}" in told[0] and "did you mean 'slice'?" in told[1] and "expected a number, met the text 'fast'" in told[2]


def test_a_field_given_twice_is_refused() -> None:
    told = fault(HEAD + "slice: {fact: Kind}\nname: again\n")
    assert told == "line 4, column 1: field 'name' is given twice, first in line 1; keep one of the two."


@pytest.mark.parametrize(
    ("written", "column"),
    [("Sign (in", 17), ("'Sign (in'", 18), ("'It''s (in'", 19)],
    ids=["plain", "quoted", "with an apostrophe"],
)
def test_a_bad_regular_expression_is_told_with_its_place(written: str, column: int) -> None:
    told = fault(HEAD + f"ignore:\n  - {{name: {written}}}\n")
    assert told.startswith(f"line 4, column {column}: 'ignore[0].name': ") and "unterminated subpattern" in told


def test_a_case_id_without_a_group() -> None:
    told = fault(HEAD + "case: {path: '/cases/{case_id}', id: '/cases/\\d+'}\n")
    assert "line 3" in told and "has no group" in told and r"'/cases/(\d+)'" in told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("slice: {fact: No}\n", "YAML reads yes, no, on and off so; put it in quotes"),
        ("slice: {fact: 12}\n", "met the number 12; put it in quotes"),
        ("slice: Kind\n", "expected fields with values, met the text 'Kind'"),
        ("ignore: {role: link}\n", "expected a list"),
        ("composites: {close_case: [{name: a, kind: push, control: {}}]}\n", "expected 'value' or 'click', met 'push'"),
        ("requests_per_second: 0\n", "greater than 0"),
    ],
)
def test_a_value_of_the_wrong_kind_says_what_was_expected(text: str, words: str) -> None:
    told = fault(HEAD + text)
    assert words in told and told.startswith("line 3, column ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            'name: "a\\d"\n',
            "line 1, column 10: not valid YAML: found unknown escape character 'd'; write regular expressions in",
        ),
        ("name: a\n\tbase_url: b\n", "line 2, column 1: not valid YAML"),
        ("name: a: b\n", "line 1, column 8: not valid YAML"),
        ("- name\n", "line 1, column 1: expected fields with values"),
        ("name: 2026-13-45\n", "line 1, column 7: not readable: month must be in 1..12; write it in quotes"),
        ("name: !!python/object:os.system ls\n", "line 1, column 7: not valid YAML"),
    ],
)
def test_what_is_not_yaml_is_told_with_its_place(text: str, words: str) -> None:
    assert words in fault(text)


def test_an_empty_file() -> None:
    with pytest.raises(ProfileError, match="is empty. Draft one with `casepilot profile init URL`"):
        parse_profile("# nothing yet\n", "desk.yaml")


def test_aliases_cannot_blow_a_file_up() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "aliases included" in fault("\n".join(lines))


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="Cannot read profile .*no.yaml.*No such file"):
        load_profile(tmp_path / "no.yaml")
    (tmp_path / "latin.yaml").write_bytes("name: Büro".encode("latin-1"))
    with pytest.raises(ProfileError, match="is not UTF-8 text"):
        load_profile(tmp_path / "latin.yaml")


@given(
    st.text(alphabet=st.characters(codec="utf-8"), max_size=80)
    | st.from_regex(r"(\w+: [\[{&*!'\"\w]{0,9}\n){0,5}", fullmatch=True)
)
def test_no_text_gets_another_answer_than_a_profile_or_a_fault(text: str) -> None:
    try:
        assert isinstance(parse_profile(text, "any.yaml"), Profile)
    except ProfileError as error:
        assert "any.yaml" in str(error)


def test_regular_expressions_are_compiled_once() -> None:
    assert compiled("Sen[d]") is compiled("Sen[d]")


def test_the_schema_describes_every_field() -> None:
    schema = Profile.model_json_schema()
    for model in (schema, *schema["$defs"].values()):
        bare = [name for name, field in model.get("properties", {}).items() if not field.get("description")]
        assert not bare, (model["title"], bare)


def test_the_critic_that_reads_no_text_is_asked_for_in_the_profile() -> None:
    start = "name: desk\nbase_url: https://desk.example\n"
    assert parse_profile(start, "desk.yaml").critic == "full"
    assert parse_profile(start + "critic: typed\n", "desk.yaml").critic == "typed"
    with pytest.raises(ProfileError, match="line 3.*critic.*'full' or 'typed'"):
        parse_profile(start + "critic: blind\n", "desk.yaml")

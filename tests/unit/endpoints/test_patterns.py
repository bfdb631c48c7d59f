"""Which blobs a location with wildcards names."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.endpoints.patterns import MAX_WILDCARDS, has_wildcards, split_pattern
from shared.errors import MalformedRequest


def matches(pattern: str, name: str) -> bool:
    prefix, compiled = split_pattern(pattern)
    return name.startswith(prefix) and (compiled is None or compiled.fullmatch(name) is not None)


@pytest.mark.parametrize("name", ["", "a", "a/b.csv", "a/b/", "a/[b]{c}+$.csv"])
def test_without_wildcards_everything_listed_is_meant(name: str) -> None:
    assert not has_wildcards(name)
    assert split_pattern(name) == (name, None)


@pytest.mark.parametrize(
    ("pattern", "prefix"),
    [
        ("flowers/2026/**/*.csv", "flowers/2026/"),
        ("flowers/part-*.csv", "flowers/"),
        ("flowers/?/x", "flowers/"),
        ("*.csv", ""),
        ("**", ""),
        ("a*b/c/", ""),
    ],
)
def test_the_folder_before_the_first_wildcard_is_listed(pattern: str, prefix: str) -> None:
    assert has_wildcards(pattern)
    assert split_pattern(pattern)[0] == prefix


@pytest.mark.parametrize(
    ("pattern", "named", "others"),
    [
        ("a/*.csv", ["a/x.csv", "a/.csv"], ["a/b/x.csv", "a/x.csvx", "b/x.csv", "a/x.CSV", "a/xcsv"]),
        ("a/**/*.csv", ["a/x.csv", "a/b/x.csv", "a/b/c/d/x.csv"], ["x.csv", "ab/x.csv", "a/x.csv/y"]),
        ("a/**", ["a/b", "a/b/c"], ["a/", "a", "b/a/c"]),
        ("a/*/", ["a/b/c", "a/b/c/d"], ["a/b", "a/b/"]),
        ("**/b/**/c?", ["b/cd", "x/b/b/cd", "x/b/y/z/cd"], ["xb/cd", "b/c", "b/cde", "b/y/cd/z"]),
        ("a/**/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["ab", "a/xb"]),
        ("*a*a", ["aa", "xaya", "aaa"], ["a", "aab", "a/a"]),
        ("*ab*ab", ["abab", "xabxab"], ["ab", "aab"]),
        ("part-??.csv", ["part-01.csv"], ["part-1.csv", "part-/1.csv", "part-001.csv"]),
        ("a+(b)*.csv", ["a+(b).csv", "a+(b)c.csv"], ["aab.csv"]),
        ("*/x\u00e9.csv", ["a b/x\u00e9.csv"], ["a/xe.csv"]),
        ("*.csv", ["a\nb.csv"], ["a.csv\n"]),
    ],
)
def test_a_pattern_names_these_and_no_others(pattern: str, named: list[str], others: list[str]) -> None:
    assert [name for name in named + others if matches(pattern, name)] == named


@pytest.mark.parametrize("pattern", ["a**", "a/**b/c", "***", "a/***/b", "a/b**/"])
def test_two_stars_stand_alone(pattern: str) -> None:
    with pytest.raises(MalformedRequest, match="alone between two slashes"):
        split_pattern(pattern)


def test_wildcards_are_bounded() -> None:
    assert matches("a?" * MAX_WILDCARDS, "ab" * MAX_WILDCARDS)
    with pytest.raises(MalformedRequest, match=f"at most {MAX_WILDCARDS} wildcards"):
        split_pattern("a?" * (MAX_WILDCARDS + 1))


def named(pattern: list[str], name: list[str]) -> bool:
    """The same, said simply, by trying as long as it takes."""
    if not pattern:
        return not name
    if pattern == ["**"]:
        return bool(name)
    if pattern[0] == "**":
        return any(named(pattern[1:], name[skipped:]) for skipped in range(len(name) + 1))
    segment = pattern[0].replace("*", ".*").replace("?", ".")
    return bool(name) and re.fullmatch(segment, name[0]) is not None and named(pattern[1:], name[1:])


SEGMENTS = st.one_of(st.just("**"), st.text("ab*?", min_size=1, max_size=4).filter(lambda text: "**" not in text))


@given(st.lists(SEGMENTS, min_size=1, max_size=5), st.lists(st.text("ab", min_size=1, max_size=4), min_size=1))
def test_patterns_mean_what_the_simple_reading_of_them_means(segments: list[str], names: list[str]) -> None:
    pattern = "/".join(segments)
    if has_wildcards(pattern) and len(re.findall(r"\*+|\?", pattern)) <= MAX_WILDCARDS:
        assert matches(pattern, "/".join(names)) == named(segments, names)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("**/" + "*a" * (MAX_WILDCARDS - 1) + "b", "a" * 1000),
        ("/".join(["**/a?"] * (MAX_WILDCARDS // 2)), "ab/" * 330 + "c"),
        ("/".join(["**/*a*"] * (MAX_WILDCARDS // 3)) + "/b", "aa/" * 330 + "c"),
    ],
)
def test_a_name_that_nearly_matches_costs_little(pattern: str, name: str) -> None:
    compiled = split_pattern(pattern)[1]
    assert compiled is not None
    assert compiled.fullmatch(name) is None

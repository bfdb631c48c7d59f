"""The one reader of JSON bodies: what it refuses, and what it says."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import MalformedRequest
from shared.models.json_body import MAX_DEPTH, has_booleans, read_json, read_object


def refused(body: bytes) -> str:
    with pytest.raises(MalformedRequest) as caught:
        read_json(body)
    return caught.value.message


def nested(depth: int, core: str = "1", aside: str = "") -> bytes:
    """`depth` lists, each with something aside in front of the next one."""
    return (f"[{aside}" * depth + core + "]" * depth).encode()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"{", "unexpected end of data: line 1 column 2 (char 1)"),
        (b"[1,]", "trailing comma is not allowed: line 1 column 3 (char 2)"),
        (b'["\xff"]', "it is not UTF-8 at byte 2"),
        (b'["secret', "unexpected end of data: line 1 column 9 (char 8)"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_without_the_content(body: bytes, says: str) -> None:
    assert refused(body) == f"the body is not JSON: {says}"


@pytest.mark.parametrize("spelling", ["NaN", "Infinity", "-Infinity", "-NaN", "nan", "inf"])
@pytest.mark.parametrize("around", ["%s", "[%s]", '{"a": %s}', '["ü", 1,\n%s]', "[1,%s]"])
def test_numbers_that_json_has_not_are_told_what_to_send_instead(spelling: str, around: str) -> None:
    message = refused((around % spelling).encode())
    assert "NaN and Infinity are not JSON" in message
    assert "send null" in message


def test_a_bare_nan_is_null_where_it_is_taken() -> None:
    body = b'{"NaN": ["NaN", NaN, "\\"NaN", [NaN],NaN], "a":NaN}'
    assert read_json(body, takes_nan=True) == {"NaN": ["NaN", None, '"NaN', [None], None], "a": None}


@pytest.mark.parametrize(
    "body", [b"[-NaN]", b"[NaN", b"[NaNa]", b"[1NaN]", b"[NaN, Infinity]", b'["NaN]', b'["NaN" 1]']
)
def test_what_holds_a_nan_and_is_broken_is_refused_all_the_same(body: bytes) -> None:
    with pytest.raises(MalformedRequest, match="the body is not JSON"):
        read_json(body, takes_nan=True)


def test_a_mistake_behind_a_text_that_looks_like_a_number_is_told_as_it_is() -> None:
    assert refused(b'["NaN" 1]').startswith("the body is not JSON: unexpected")


@pytest.mark.parametrize("aside", ["", "[],", '"]]]]",', '"[",', r'"\"]",', r'"\\",', '{"a": {}},', '"",', "[[[]]],"])
def test_a_body_is_taken_down_to_the_stated_depth(aside: str) -> None:
    assert read_json(nested(MAX_DEPTH - 3, aside=aside))
    assert refused(nested(MAX_DEPTH + 1, aside=aside)) == f"the body is nested deeper than {MAX_DEPTH} levels"


def test_the_depth_counts_objects_and_lists_exactly() -> None:
    assert read_json(nested(MAX_DEPTH))
    body = b'[{"a":' * (MAX_DEPTH // 2) + b"%s" + b"}]" * (MAX_DEPTH // 2)
    assert read_json(body % b"1")
    assert "nested deeper" in refused(body % b"[]")


def test_a_body_deeper_than_the_parser_goes_is_refused() -> None:
    assert refused(nested(100_000)).startswith("the body is not JSON: depth limit exceeded")


@pytest.mark.parametrize(
    "body",
    [
        '{"a": 1, "a": 2}',
        '{"a" : 1, "b": 2, "a"\n:2}',
        '{"x": {"a": 1, "a": 1}}',
        '{"x": [{"b": 1, "a": 1}, {"a": 1, "a": 1}]}',
        '{"x": [[{"a": 1, "a": 1}]]}',
        '[1, {"a": [], "a": ":"}]',
        r'{"a": ":", "\u0061": "\":"}',
        '{"a": "12:30", "a": "12:30"}',
    ],
)
def test_a_member_that_is_given_twice_is_named(body: str) -> None:
    assert refused(body.encode()) == 'the member "a" is given twice in one object'


@pytest.mark.parametrize(
    "document",
    [
        {"a": "12:30", "b": {"a": "http://x:1"}},
        {"a": '"a": 1', "b": '\\":'},
        {"rows": [{"a": 1}, {"a": 2}], "a": [[{"a": 1}, {"a": {"a": 1}}]]},
        [{"a": 1}, 1, {"a": 1}],
        [1, {"a": ":"}],
        {"": {"": ""}},
        ":",
    ],
)
def test_members_of_different_objects_and_colons_in_texts_are_no_doubles(document: object) -> None:
    assert read_json(json.dumps(document).encode()) == document
    assert read_json(json.dumps(document, indent=1, separators=(" ,", " : ")).encode()) == document


def test_a_large_body_is_read_as_a_small_one_is() -> None:
    document = {"columns": ["a", "b"], "data": [[float(row), "x:y"] for row in range(5000)], "rows": [{"a": 1}] * 1000}
    assert read_json(orjson.dumps(document)) == document
    assert "given twice" in refused(orjson.dumps(document)[:-1] + b',"data":[]}')


def test_an_object_is_asked_for_with_what_it_must_hold() -> None:
    assert read_object(b'{"a": 1}', "with rows") == {"a": 1}
    with pytest.raises(MalformedRequest, match="the body must be an object with rows"):
        read_object(b"[]", "with rows")


names = st.sampled_from(["a", "b", "", ":", '"', '":', "[", "]}"])
scalars = names | st.none() | st.integers(0, 9)
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4), max_leaves=30
)


@given(documents, st.booleans())
def test_every_document_is_read_as_it_is(document: object, spaced: bool) -> None:
    separators = (" , ", " \n:") if spaced else None
    assert read_json(json.dumps(document, separators=separators).encode()) == document


pairs = st.recursive(
    scalars.map(json.dumps),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda values: "[" + ",".join(values) + "]")
        | st.lists(st.tuples(names.map(json.dumps), inner), max_size=3).map(
            lambda members: "{" + ",".join(f"{name} : {value}" for name, value in members) + "}"
        )
    ),
    max_leaves=20,
)


@given(pairs)
def test_doubles_are_found_exactly_as_an_exact_reading_finds_them(text: str) -> None:
    doubles = []

    def look(members: list[tuple[str, object]]) -> dict[str, object]:
        doubles.append(len(members) - len(dict(members)))
        return dict(members)

    document = json.loads(text, object_pairs_hook=look)
    if sum(doubles):
        assert "is given twice" in refused(text.encode())
    else:
        assert read_json(text.encode()) == document


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        read_json(body)
    except MalformedRequest as error:
        assert error.message.startswith(("the body", "the member"))  # noqa: PT017 - either outcome is right


@given(st.recursive(st.booleans() | st.floats() | st.none(), st.lists))
def test_booleans_are_seen_in_the_bytes(document: object) -> None:
    written = orjson.dumps(document)
    assert has_booleans(written) is any(word in written for word in (b"true", b"false"))


@pytest.mark.parametrize("body", [b'{"rate": [1.5]}', b'{"feature": [null]}', b"[1, 2]", b""])
def test_letters_of_the_words_alone_are_no_booleans(body: bytes) -> None:
    assert not has_booleans(body)

from shared.auth.access import Principal
from shared.auth.keys import KeyId
from shared.auth.tokens import Verified
from shared.auth.verified import MAX_AGE_S, MAX_ENTRIES, VerifiedTokens
from tests.unit.auth.issuing import NOW, V1, V2

CALLER = Principal("tenant", "object", "client", "app", frozenset({"Endpoint.Score"}), frozenset())
KEY = KeyId(V2, "one")
LIVE = frozenset({KEY})


def kept(expires_at: float = NOW + 3600) -> VerifiedTokens:
    tokens = VerifiedTokens()
    tokens.keep("token", Verified(CALLER, expires_at, KEY), NOW)
    return tokens


def test_a_token_is_found_by_its_whole_text() -> None:
    assert kept().find("token", LIVE, NOW) is CALLER
    assert kept().find("token ", LIVE, NOW) is None


def test_an_entry_lives_five_minutes_however_often_it_is_found() -> None:
    tokens = kept()
    for age in (0.0, MAX_AGE_S / 2, MAX_AGE_S - 1):
        assert tokens.find("token", LIVE, NOW + age) is CALLER
    assert tokens.find("token", LIVE, NOW + MAX_AGE_S) is None
    assert len(tokens) == 0


def test_an_entry_never_outlives_its_token() -> None:
    tokens = kept(expires_at=NOW + 10)
    assert tokens.find("token", LIVE, NOW + 9.9) is CALLER
    assert tokens.find("token", LIVE, NOW + 10) is None


def test_a_token_within_the_leeway_after_its_end_is_not_kept() -> None:
    assert len(kept(expires_at=NOW)) == 0


def test_an_entry_goes_with_its_key() -> None:
    for live in (frozenset[KeyId](), frozenset({KeyId(V2, "two")}), frozenset({KeyId(V1, "one")})):
        tokens = kept()
        assert tokens.find("token", live, NOW) is None
        assert tokens.find("token", LIVE, NOW) is None


def test_the_least_recently_used_entry_makes_room() -> None:
    tokens = VerifiedTokens(max_entries=3)
    verified = Verified(CALLER, NOW + 3600, KEY)
    for name in ("a", "b", "c", "a", "d"):
        if tokens.find(name, LIVE, NOW) is None:
            tokens.keep(name, verified, NOW)
    assert len(tokens) == 3
    assert [name for name in "abcd" if tokens.find(name, LIVE, NOW)] == ["a", "c", "d"]


def test_the_number_of_entries_is_bounded() -> None:
    tokens = VerifiedTokens()
    for each in range(MAX_ENTRIES + 50):
        tokens.keep(str(each), Verified(CALLER, NOW + 3600, KEY), NOW)
    assert len(tokens) == MAX_ENTRIES


def test_tokens_themselves_are_not_held() -> None:
    assert "token" not in repr(vars(kept()))

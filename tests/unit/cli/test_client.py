"""The token of the command line's calls."""

from itertools import count

import pytest

from cli.client import App


def test_a_token_is_asked_for_when_it_is_needed_and_anew_before_it_can_have_run_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, asked = 1000.0, count(1)
    monkeypatch.setattr("cli.client.time.monotonic", lambda: now)
    app = App("http://127.0.0.1:9", lambda: f"token {next(asked)}")
    assert (app.token(), app.token()) == ("token 1", "token 1")
    now += 239
    assert app.token() == "token 1"
    now += 2
    assert (app.token(), app.token()) == ("token 2", "token 2")

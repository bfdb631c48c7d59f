"""What foreign code says, before a caller reads it."""

import pytest

from shared.models.flavors.wording import one_line


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("two\n  lines", "two lines"),
        ("No such file: '/home/a b/model.pkl'", "No such file: '…'"),
        ('no module at "/x/y z"', 'no module at "…"'),
        ("see /tmp/x/y.py:3, and ../z", "see …:3, and …"),
        ("~/model is gone", "… is gone"),
        ("3/4 of km/h and/or text/plain", "3/4 of km/h and/or text/plain"),
        ("a" * 1000, "a" * 300),
        ("bad bytes \udcff\udcfe in 花", "bad bytes ?? in 花"),
    ],
)
def test_it_is_one_line_without_paths(said: str, told: str) -> None:
    assert one_line(said) == told

"""Settings that make no sense are told in one form, all at once."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from protocol.settings import refusals, refuse


@dataclass(frozen=True)
class Pair:
    near: float = 1.0
    far: float = 2.0


def test_each_bad_setting_gets_a_line_with_its_name_its_value_and_what_is_allowed():
    pair = Pair(near=-1.0, far=5.0)
    found = refusals(pair, near=(pair.near >= 0, "0 or more coins"), far=(pair.far <= 3, "at most 3"))
    assert found == ["near = -1.0: must be 0 or more coins", "far = 5.0: must be at most 3"]


def test_good_settings_pass_in_silence_and_the_rest_is_raised_together():
    pair = Pair()
    refuse(pair, near=(pair.near >= 0, "0 or more coins"))
    with pytest.raises(ValueError, match="(?s)^near = 1.0: must be 2\nfar = 2.0: must be 3$"):
        refuse(pair, near=(False, "2"), far=(False, "3"))

"""What people may write in the kinds of this provider, and what they are told when it is wrong."""

from typing import Any

import pytest
from pydantic import ValidationError

from argos_gitops.model.spec import SpecModel
from argos_gitops.providers.crowdsec.countries import COUNTRY_CODES
from argos_gitops.providers.crowdsec.kinds import AllowlistSpec, CountryBanSpec, DecisionSpec
from argos_gitops.providers.crowdsec.settings import CrowdSecSettings

_DECISION = {"edge": "main", "scope": "Ip", "value": "203.0.113.7", "reason": "scanner"}
_SETTINGS = {
    "lapiUrl": "http://127.0.0.1:8081",
    "machine": {"id": "argos", "password": {"env": "PASSWORD"}},
}


def test_the_spec_of_the_design_is_accepted() -> None:
    """The example of the design page, `until` with its time zone included."""
    spec = DecisionSpec.model_validate({**_DECISION, "type": "ban", "until": "2027-01-01T00:00:00Z"})
    assert spec.canonical_value == "203.0.113.7"
    assert spec.until is not None
    assert spec.until.isoformat() == "2027-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("model", "spec", "said"),
    [
        (DecisionSpec, {**_DECISION, "value": "203.0.113.0/24"}, "for a range use scope Range"),
        (DecisionSpec, {**_DECISION, "scope": "Range", "value": "203.0.113.1/24"}, "did you mean"),
        (DecisionSpec, {**_DECISION, "scope": "Country"}, "'Ip' or 'Range'"),
        (DecisionSpec, {**_DECISION, "type": "drop"}, "'ban', 'captcha' or 'throttle'"),
        (DecisionSpec, {**_DECISION, "until": "2027-01-01T00:00:00"}, "timezone"),
        (DecisionSpec, {**_DECISION, "reason": "two\nlines"}, "pattern"),
        (DecisionSpec, {**_DECISION, "reason": "x (until 2027-01-01T00:00:00Z)"}, "set the field `until`"),
        (CountryBanSpec, {"edge": "main", "country": "UK", "reason": "policy"}, "did you mean GB"),
        (CountryBanSpec, {"edge": "main", "country": "ng", "reason": "policy"}, "pattern"),
        (AllowlistSpec, {"entries": []}, "at least 1"),
        (AllowlistSpec, {"entries": [{"value": "192.0.2.1/24", "reason": "us"}]}, "did you mean"),
        (CrowdSecSettings, {**_SETTINGS, "lapiUrl": "http://u:p@127.0.0.1"}, "pattern"),
        (CrowdSecSettings, {**_SETTINGS, "bouncer": {"mode": "module"}}, "needs a key"),
        (CrowdSecSettings, {**_SETTINGS, "maxAge": "1s"}, "4s at least"),
    ],
)
def test_what_is_wrong_is_refused_in_words(model: type[SpecModel], spec: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        model.model_validate(spec)


def test_all_countries_are_known() -> None:
    """249 codes of ISO 3166-1, and Kosovo's."""
    assert len(COUNTRY_CODES) == 250
    assert {"NG", "IR", "BR", "DE", "US", "XK"} <= COUNTRY_CODES

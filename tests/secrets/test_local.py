"""Secrets from the environment and from files."""

from pathlib import Path

import pytest

from argos_gitops.model.errors import SettingsError
from argos_gitops.model.secret import SecretRef
from argos_gitops.secrets.local import LocalSecrets
from tests.secrets.vaults import empty_vault


def test_values_are_found_and_masked(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("canary-9e\n")
    secrets = LocalSecrets({"NAME": "canary-8d"}, empty_vault())
    from_environment = secrets.resolve(SecretRef(env="NAME"))
    from_file = secrets.resolve(SecretRef(file=str(tmp_path / "secret")))
    assert (from_environment.reveal(), from_file.reveal()) == ("canary-8d", "canary-9e")
    assert f"{from_environment} {from_file!r}" == "******** ********"


@pytest.mark.parametrize(
    "ref", [SecretRef(env="NONE"), SecretRef(file="/nowhere/x"), SecretRef(file="relative")]
)
def test_what_is_missing_is_named(ref: SecretRef) -> None:
    with pytest.raises(SettingsError, match=str(ref)) as error:
        LocalSecrets({}, empty_vault()).resolve(ref)
    assert error.value.reason == "SecretMissing"

"""Values reach Compose by a file, and come out as they went in."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argos_gitops.providers.docker.compose.errors import ComposeError
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer
from argos_gitops.providers.docker.compose.values import UnwritableError, written_values
from tests.providers.docker.compose.stacks import Surroundings

MEANING = st.sampled_from(
    [
        "\\",
        '"',
        "'",
        "$",
        "${",
        "}",
        "$$",
        "#",
        " #",
        "\n",
        "\r",
        "\r\n",
        "\t",
        "=",
        ":",
        "\\n",
        "\\$",
        "\\0",
        "${A}",
        "%",
    ]
)
TEXTS = st.lists(MEANING | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4)).map(
    "".join
)


@settings(
    max_examples=12,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(TEXTS, min_size=40, max_size=120))
def test_every_value_comes_out_as_it_went_in(around: Surroundings, texts: list[str]) -> None:
    values = {f"V{number}": text for number, text in enumerate(texts)}
    lines = "".join(f'      {name}: "${{{name}}}"\n' for name in values)
    stack = around.stack(
        {"compose.yaml": f"services:\n  web:\n    image: web\n    environment:\n{lines}"}, environment=values
    )
    found = ComposeRenderer(around.context()).render(stack).services["web"]["environment"]
    assert found == values


def test_what_cannot_be_written_is_refused() -> None:
    for values in (
        {"A": "a\0b"},
        {"A": "\ud800"},
        {"A B": "x"},
        {"": "x"},
        {"A=B": "x"},
        {"1A": "x"},
        {"A\n": "x"},
    ):
        with pytest.raises(UnwritableError):
            written_values(values)


def test_a_refused_value_is_a_problem_of_the_stack(around: Surroundings) -> None:
    stack = around.stack(
        {"compose.yaml": "services: {web: {image: x}}\n"}, environment={"NOT A NAME": "canary-value"}
    )
    with pytest.raises(ComposeError, match=r"spec\.environment: 'NOT A NAME' is no name") as caught:
        ComposeRenderer(around.context()).render(stack)
    assert "canary-value" not in str(caught.value)


def test_values_of_the_document_win_and_serve_env_files(around: Surroundings) -> None:
    files = {
        "compose.yaml": 'services: {web: {image: x, labels: {t: "${TAG}", i: "${IMAGE}", o: "${OTHER}"}}}\n',
        ".env": "TAG=file\nIMAGE=x:${SPEC}\nOTHER=other\n",
    }
    stack = around.stack(files, environment={"TAG": "spec", "SPEC": "1"})
    labels = ComposeRenderer(around.context()).render(stack).services["web"]["labels"]
    assert labels == {"t": "spec", "i": "x:1", "o": "other"}

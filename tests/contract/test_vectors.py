"""Our own reader and writer against the golden vectors; other software is tested in `tests/interop`."""

import json

import pytest

from contracts.envelope import InvalidEnvelope, read
from tests.contract.vectors import NO_DATA, Vector, vectors

VALID = [pytest.param(vector, id=name) for name, vector in vectors("valid").items()]
INVALID = [pytest.param(vector, id=name) for name, vector in vectors("invalid").items()]
OURS = [pytest.param(vector, id=name) for name, vector in vectors("valid").items() if vector.written_by_us]


@pytest.mark.parametrize("vector", VALID)
def test_a_valid_one_is_read_as_it_should(vector: Vector) -> None:
    envelope, data = read(vector.headers, vector.value)
    assert envelope == vector.envelope
    assert vector.data is NO_DATA if data is None else json.loads(data) == vector.data


@pytest.mark.parametrize("vector", INVALID)
def test_an_invalid_one_is_refused_and_the_refusal_says_where(vector: Vector) -> None:
    with pytest.raises(InvalidEnvelope, match=rf"\b{vector.refused}\b"):
        read(vector.headers, vector.value)


@pytest.mark.parametrize("vector", OURS)
def test_what_we_write_is_this_byte_for_byte(vector: Vector) -> None:
    assert vector.envelope
    assert vector.envelope.headers() == vector.headers

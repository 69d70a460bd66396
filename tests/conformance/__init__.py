"""SMPP dialogues as data, played against the real gate over real sockets. README.md describes the files."""

import pytest

pytest.register_assert_rewrite("tests.conformance.stage")  # so that a failed dialogue shows both sides of a comparison

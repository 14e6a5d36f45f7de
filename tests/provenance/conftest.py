"""One identity and one signed picture for all tests here that only read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.provenance.keys import Identity, Unlocked
from tests.drawn import identity_in, signed


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return identity_in(tmp_path_factory.mktemp("identity"))


@pytest.fixture(scope="session")
def unlocked(identity: Identity) -> Unlocked:
    return identity.unlock()


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    """The identity of another installation."""
    found = identity_in(tmp_path_factory.mktemp("other"))
    found.unlock()
    return found


@pytest.fixture(scope="session")
def png(unlocked: Unlocked) -> bytes:
    return signed(unlocked)


@pytest.fixture(scope="session")
def jpeg(unlocked: Unlocked) -> bytes:
    return signed(unlocked, "jpeg")


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The public C2PA test pictures, which lie beside the project and may not be copied into it."""
    folder = Path(__file__).parents[3] / "shared" / "fixtures" / "c2pa"
    if not folder.is_dir():
        pytest.skip("the public C2PA test pictures are not beside this checkout (../shared)")
    return folder

"""A home folder with a random model in it, exported once for all tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.frame import ModelInfo
from engine.models.card import info_of, read_card
from engine.studio import Studio
from tests.random_model import NAME, write_random_model


@pytest.fixture(scope="session")
def random_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of model folders; nobody may change it."""
    folder = tmp_path_factory.mktemp("models")
    write_random_model(folder)
    return folder


@pytest.fixture
def model_folder(home: Path, random_models: Path) -> Path:
    """The random model as an import of this test's own home."""
    folder = home / "models" / NAME
    shutil.copytree(random_models / NAME, folder)
    return folder


@pytest.fixture
def info(model_folder: Path) -> ModelInfo:
    """What is known of the random model."""
    return info_of(model_folder, read_card(model_folder), bundled=False)


@pytest.fixture
def studio(home: Path, model_folder: Path) -> Studio:
    """A studio that knows the random model, beside whatever is bundled."""
    return Studio(home)

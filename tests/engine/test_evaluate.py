from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.cancel import CancelToken
from engine.checkpoints.safetensors_file import read_safetensors, write_safetensors
from engine.directions.ranges import Reach
from engine.errors import DirectionError, ModelError, TrainingError
from engine.frame import Progress
from engine.gan.stylegan2 import Generator
from engine.gan.stylegan2_config import StyleGAN2Config
from engine.models.bundled import bundled_folder
from engine.models.card import info_of, read_card
from engine.models.opened import Model, open_model
from engine.perception.reader import build, stored_tensors
from engine.services import discover, evaluate_generator, evaluate_reader
from engine.services.bundle import NAME, bundle_stylegan2
from engine.services.evaluate import checked_card, evaluate, folder_bytes
from engine.training.checkpoint import save_generator
from engine.training.metrics import frechet_distance, precision_recall
from engine.training.options import Stage, TrainStyleGAN2
from engine.training.regression import portrait_columns, write_folder
from engine.training.train_attributes import spec as attributes_spec
from engine.training.train_judge import spec as judge_spec

TINY = StyleGAN2Config(8, 8, 0, 16, {4: 8, 8: 8, 16: 8}, 2)


def test_the_same_pictures_are_precise_and_recalled() -> None:
    features = np.random.RandomState(0).randn(60, 8)
    assert precision_recall(features, features) == (1.0, 1.0)


def test_pictures_far_away_are_neither() -> None:
    features = np.random.RandomState(0).randn(60, 8)
    assert precision_recall(features, features + 100) == (0.0, 0.0)


def test_a_collapsed_generator_is_precise_but_recalls_little() -> None:
    rng = np.random.RandomState(0)
    real = rng.randn(300, 2)
    made = real[:1] + rng.randn(300, 2) * 1e-3
    precision, recall = precision_recall(real, made)
    assert precision > 0.95
    assert recall < 0.05


def test_blocks_do_not_change_what_is_covered(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.training import metrics

    rng = np.random.RandomState(1)
    real, made = rng.randn(50, 4), rng.randn(40, 4) + 0.5
    whole = precision_recall(real, made)
    monkeypatch.setattr(metrics, "BLOCK", 7)
    assert precision_recall(real, made) == whole
    assert 0 < whole[0] < 1


def test_the_frechet_distance_of_known_normals() -> None:
    x = np.random.RandomState(2).randn(4000, 3)
    x = (x - x.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T))).T  # covariance I exactly
    assert frechet_distance(x, x) == pytest.approx(0.0, abs=1e-9)
    scales, shift = np.array([2.0, 3.0, 0.5]), np.array([1.0, 0.0, -2.0])
    expected = (shift**2).sum() + ((scales - 1) ** 2).sum()
    assert frechet_distance(x, x * scales + shift) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    "folder", sorted(bundled_folder().glob("*/card.json")), ids=lambda path: path.parent.name
)
def test_the_card_of_every_bundled_model_states_the_digest_of_its_weights(folder: Path) -> None:
    card = checked_card(folder.parent)
    assert card["name"] == folder.parent.name
    assert card["bytes"] == folder_bytes(folder.parent)
    assert card["licence"] == "Apache-2.0"
    assert card["scores"], "measure it: python main.py evaluate " + card["name"]
    assert card["scores"]["measured"]["command"].startswith("python main.py evaluate")


def quiet(told: Progress) -> None:
    """Progress that nobody reads."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of model folders: an untrained tiny generator, and both reading networks."""
    root = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    work = root / "work"
    work.mkdir()
    generator = Generator(TINY)
    save_generator(work / "generator.safetensors", generator, images="320", seconds="9")
    run = TrainStyleGAN2(work=work, resolution=16, stages=(Stage(16, None),), seed=5, data_seed=0)
    bundle_stylegan2(run, root / NAME, "a test")
    for spec in (attributes_spec(), judge_spec()):
        network = build(spec.network, portrait_columns())
        write_folder(spec, root / spec.name, portrait_columns(), network, {"images": 0})
    return root


def opened(root: Path) -> Model:
    return open_model(info_of(root / NAME, read_card(root / NAME), bundled=True))


def test_a_bundled_run_opens_and_its_card_tells_how_it_was_made(root: Path) -> None:
    card = checked_card(root / NAME)
    assert card["trained"] == {
        "images": 320,
        "seconds": 9,
        "taught_by_regression": 0,
        "adversarial": 320,
        "batch": 16,
        "perceptual": 0.0,
        "rivalry": 0.0,
        "guide": None,
        "machine": "a test",
    }
    assert card["data"]["seed"] == 0
    assert card["command"] == "python main.py train portraits-stylegan2"
    assert card["scores"] == {}
    model = opened(root)
    assert model.backend.name == "onnx"
    assert model.pixels(model.map(np.zeros((1, 8), np.float32))).shape == (1, 16, 16, 3)


def test_a_run_without_a_generator_is_refused(tmp_path: Path) -> None:
    run = TrainStyleGAN2(work=tmp_path, resolution=16, stages=(Stage(16, None),))
    with pytest.raises(TrainingError, match="no finished generator"):
        bundle_stylegan2(run, tmp_path / "out", "a test")
    assert not (tmp_path / "out").exists()


def test_directions_are_found_written_and_judged(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = discover.Search(samples=100, reach=Reach(faces=8))
    monkeypatch.setattr(evaluate_generator, "COUNT_QUICK", 12)
    monkeypatch.setattr(evaluate_generator, "FACES", 6)
    found = discover.find_directions(opened(root), "named", quiet, CancelToken(), root, search)
    assert [d.label for d in found[:6]] == [
        "Turn", "Smile", "Age", "Gender presentation", "Eyeglasses", "Principal 1",
    ]  # fmt: skip
    assert all(d.model_sha256 == read_card(root / NAME)["weights_sha256"] for d in found)
    again = discover.find_directions(opened(root), "ganspace", quiet, CancelToken(), root, search)
    assert [d.name for d in again] == [d.name for d in found]
    assert again[0].sha256 == found[0].sha256

    stages: set[str] = set()
    card = evaluate(NAME, False, lambda told: stages.add(told.stage), CancelToken(), root)
    scores = card["scores"]
    assert {"precision", "recall", "frechet_distance", "directions"} <= set(scores)
    assert scores["made"]["count"] == 12
    assert "EfficientNet-Lite0" in scores["features"]
    assert scores["measured"]["command"] == f"python main.py evaluate {NAME} --quick"
    assert scores["directions"]["judge"] == read_card(root / "portraits-judge")["weights_sha256"]
    assert set(scores["directions"]["rows"]) == {d.name for d in found}
    assert checked_card(root / NAME) == card
    assert discover.read_directions(root / NAME)[0].scores.keys() == {
        "yaw", "smile", "age", "gender", "eyeglasses",
    }  # fmt: skip
    assert "judging sliders" in stages


def test_named_directions_need_a_model_of_portraits(root: Path, tmp_path: Path) -> None:
    model = opened(root)
    card = {**model.info.card, "data": {"set": "cats"}}
    model.info = type(model.info)(**{**vars(model.info), "card": card})
    with pytest.raises(DirectionError, match="ganspace"):
        discover.find_directions(model, "named", quiet, CancelToken(), root)
    with pytest.raises(DirectionError, match="no method"):
        discover.find_directions(model, "magic", quiet, CancelToken(), root)


def test_a_reading_network_is_measured_into_its_card(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate_reader, "HELD_OUT_QUICK", 50)
    monkeypatch.setattr(evaluate_reader, "PAIRS_QUICK", 4)
    card = evaluate("portraits-judge", False, quiet, CancelToken(), root)
    assert card["scores"]["held_out"] == {"seed": 2, "rows": [20000, 20050]}
    assert "r2" in card["scores"]["columns"]["yaw"]
    rows = card["scores"]["counterfactuals"]["rows"]
    assert set(rows) == {"yaw", "smile", "age", "gender", "eyeglasses"}
    assert abs(rows["yaw"]["seen"]) < 0.2  # an untrained network sees nothing


def test_an_edit_changes_what_it_says_and_no_more() -> None:
    before, after, drawn = evaluate_reader.edited_pairs("eyeglasses", 3)
    assert drawn == 1.0
    assert (before != after).any((1, 2, 3)).all()
    assert (before[:, :, 56:] == after[:, :, 56:]).all()  # clothes stay


def test_nothing_is_measured_of_weights_that_the_card_does_not_know(
    root: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "judge"
    network = build("judge", portrait_columns())
    write_folder(judge_spec(), folder, portrait_columns(), network, {"images": 0})
    tensors = stored_tensors(network)
    tensors["out.bias"] = tensors["out.bias"] + np.float16(1)
    write_safetensors(folder / "weights.safetensors", tensors)
    before = (folder / "card.json").read_bytes()
    with pytest.raises(ModelError, match="digest"):
        evaluate("judge", False, quiet, CancelToken(), tmp_path)
    assert (folder / "card.json").read_bytes() == before


def test_a_card_cannot_be_evaluated_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        evaluate("nothing", False, quiet, CancelToken(), tmp_path)
    (tmp_path / "odd").mkdir()
    tensors = {"a": np.zeros(2, np.float16)}
    write_safetensors(tmp_path / "odd" / "weights.safetensors", tensors)
    from engine.checkpoints.digest import weights_sha256

    card = {"name": "odd", "title": "Odd", "family": "odd", "config": {}}
    card["weights_sha256"] = weights_sha256(
        read_safetensors(tmp_path / "odd" / "weights.safetensors")
    )
    (tmp_path / "odd" / "card.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="family"):
        evaluate("odd", False, quiet, CancelToken(), tmp_path)


def test_a_diffusion_model_is_measured_by_the_judge_over_scales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.random_denoiser import write_random_denoisers

    for module in ("evaluate_diffusion", "diffusion_trials"):
        monkeypatch.setattr(f"engine.services.{module}.STEPS", 3)
    monkeypatch.setattr("engine.services.evaluate_diffusion.DRAWN_QUICK", 40)
    write_random_denoisers(tmp_path)
    shutil.copytree(bundled_folder() / "portraits-judge", tmp_path / "portraits-judge")
    scores = evaluate("tiny-ddpm", False, lambda told: None, CancelToken(), tmp_path)["scores"]
    assert set(scores["classifier_free"]) == {"1", "2", "3", "6"}
    for seen in scores["classifier_free"].values():
        assert 0 <= seen["all_right"] <= seen["right"] <= 1
    assert scores["classifier"]["scale"] == 8.0
    assert set(scores["saturation"]) == {"scale", "drawn", "none", "static", "dynamic"}
    assert 0 < scores["saturation"]["drawn"] < 1
    assert scores["measured"]["command"].startswith("python main.py evaluate")
    reached = [seen["precision"] for seen in scores["classifier_free"].values()]
    assert scores["quality"]["precision"] == max(reached)
    assert scores["quality"]["drawn"] == 40
    cascade = evaluate("tiny-upsampler", False, quiet, CancelToken(), tmp_path)["scores"]
    assert (cascade["count"], cascade["drawn"]) == (64, 40)
    assert cascade["frechet_distance"] > 0
    shutil.rmtree(tmp_path / "tiny-ddpm")
    with pytest.raises(ModelError, match="no model of classes at 16 px"):
        evaluate("tiny-upsampler", False, quiet, CancelToken(), tmp_path)

"""The verbs that sign, verify and keep account, as the command line answers them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from engine.frame import ExportOptions
from engine.provenance.signing_key import signing
from engine.recipe import Generate, Recipe, Seed, Truncate
from engine.services.identity import callback_signer
from engine.studio import Studio
from tests.engine.test_cli import Run, run
from tests.provenance.certificate_files import SECRET, Authority, new_key, write_pem, write_pkcs12
from tests.random_model import NAME

__all__ = ["run"]
FORMATS = ("png", "jpg", "webp", "tif", "tiff", "avif")


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "passphrase"
    path.write_text("a passphrase for tests\n")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_is_exported_and_verifies_as_own_with_its_recipe(
    run: Run, tmp_path: Path, secret: Path, suffix: str
) -> None:
    path = tmp_path / f"x.{suffix}"
    words = ("export", "--model", NAME, "--seed", 3, "--size", 64, "--passphrase-file", secret)
    done = run(*words, "--allow", "data-mining", "--out", path)
    assert done.code == 0, done.err
    said = run("verify", path, "--json", "--rerender")
    assert said.code == 0
    told = json.loads(said.out)
    assert told["verdict"] == "own"
    assert told["recipe"]["image"]["op"] == "resize"
    assert told["rerender"]["identical"]
    assert told["claims"]["uses"]["cawg.data_mining"] == "allowed"
    assert told["claims"]["uses"]["cawg.ai_training"] == "notAllowed"
    assert told["ledger"]["by"] == "file"
    assert told["watermark"] is None


def test_cr_json_is_printed_for_other_programs(run: Run, tmp_path: Path, secret: Path) -> None:
    path = tmp_path / "x.webp"
    words = ("export", "--model", NAME, "--seed", 3, "--passphrase-file", secret, "--out", path)
    assert run(*words).code == 0
    said = run("verify", path, "--crjson")
    assert said.code == 0
    assert json.loads(said.out)["manifests"][0]["signature"]["algorithm"] == "es256"
    assert run("render", "--model", NAME, "--seed", 3, "--out", tmp_path / "y.png").code == 0
    said = run("verify", tmp_path / "y.png", "--crjson")
    assert (said.code, said.out) == (3, "")
    assert "No Content Credentials" in said.err


def test_a_time_authority_out_of_reach_leaves_nothing(
    run: Run, tmp_path: Path, secret: Path
) -> None:
    path = tmp_path / "x.png"
    words = ("export", "--model", NAME, "--seed", 3, "--passphrase-file", secret, "--out", path)
    said = run(*words, "--time-authority", "http://127.0.0.1:9/")
    assert said.code == 1
    assert "nothing was signed or written" in said.err
    assert not path.exists()
    assert run(*words, "--time-authority", "nonsense").code == 1


def test_an_identity_is_shown_renewed_and_replaced_by_ones_own_certificate(
    run: Run, tmp_path: Path, secret: Path, studio: Studio
) -> None:
    assert "No identity yet" in run("identity").out
    first = json.loads(run("identity", "--renew", "--passphrase-file", secret, "--json").out)
    second = json.loads(run("identity", "--renew", "--passphrase-file", secret, "--json").out)
    assert first["exists"]
    assert first["fingerprint"] != second["fingerprint"]
    authority, key = Authority(), new_key("p384")
    chain, private = write_pem(tmp_path, key, authority.issue(key), secret=SECRET)
    opens = tmp_path / "opens"
    opens.write_text(SECRET)
    opens.chmod(0o600)
    keeps = ("--key-passphrase-file", opens, "--passphrase-file", secret)
    assert run("identity", "--certificate", chain).code == 2
    said = run("identity", "--certificate", chain, "--key", private, *keeps)
    assert said.code == 0, said.err
    assert "your own certificate" in said.out
    path = tmp_path / "x.png"
    words = ("export", "--model", NAME, "--seed", 3, "--passphrase-file", secret, "--out", path)
    assert "A studio" in run(*words).out
    told = json.loads(run("verify", path, "--json").out)
    assert (told["verdict"], told["certificate"]["algorithm"].lower()) == ("own", "es384")
    assert run("identity", "--local", "--passphrase-file", secret).code == 0
    assert json.loads(run("verify", path, "--json").out)["verdict"] == "own"
    other = new_key("p256")
    bundle = write_pkcs12(tmp_path, other, authority.issue(other, "Another studio"))
    said = run("identity", "--pkcs12", bundle, *keeps)
    assert "Another studio" in said.out


def test_the_ledger_is_listed_and_its_extract_answers_elsewhere(
    run: Run, tmp_path: Path, secret: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, extract = tmp_path / "x.png", tmp_path / "extract.json"
    words = ("export", "--model", NAME, "--seed", 3, "--passphrase-file", secret, "--out", path)
    assert run(*words).code == 0
    told = json.loads(run("ledger", "--json").out)
    assert told["problems"] == []
    assert told["rows"][0]["status"] == "done"
    assert str(path) in run("ledger").out
    said = run("ledger", "--export", extract, "--passphrase-file", secret)
    assert said.code == 0, said.err
    assert "1 exports, signed by Installation" in said.out
    monkeypatch.setenv("LATENT_ATELIER_HOME", str(tmp_path / "elsewhere"))
    said = run("ledger", "--import", extract)
    assert "(not verified)" in said.out
    assert "who is not verified, has this very file" in run("verify", path).out
    assert run("ledger", "--import", path).code == 1
    monkeypatch.setenv("LATENT_ATELIER_HOME", str(home))
    os.unlink(home / "ledger.head")
    checks = {check["name"]: check for check in json.loads(run("doctor", "--json").out)}
    assert checks["Signing identity"]["ok"]
    assert "signed head is missing" in checks["Ledger"]["found"]
    said = run("ledger")
    assert said.code == 1
    assert "signed head is missing" in said.err


def test_a_studio_signs_with_a_key_that_it_never_sees(
    home: Path, tmp_path: Path, model_folder: Path
) -> None:
    authority, key = Authority(), new_key("ed25519")
    chain, _ = write_pem(tmp_path, key, authority.issue(key))
    studio = Studio(home, signer=callback_signer(chain.read_bytes(), signing(key)))
    assert studio.identity_status().storage == "external"
    recipe = Recipe(Generate(studio.ref(NAME), Truncate(Seed(3), 1.0)))
    receipt = studio.export(recipe, tmp_path / "x.avif", ExportOptions(size_px=None))
    assert (receipt.verdict, receipt.signer) == ("own", "A studio")
    assert studio.verify(tmp_path / "x.avif").verdict == "own"
    assert not (home / "identity").exists()
    assert studio.settle() == ()

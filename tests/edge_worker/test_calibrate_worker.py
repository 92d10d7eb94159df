"""A calibration beside a running worker: the next recording is adapted, and undone as it was."""

from pathlib import Path

import pytest
from adapted_models import copy_models
from conftest import Client, Device, cut, wait_until

from edge_worker import calibrate
from simulator.site.site import Site
from simulator.sound.heart_sound import heart_sound
from simulator.sound.sound_file import from_samples, write

RATE = 4000


def test_a_running_worker_follows_a_calibration_and_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = copy_models(tmp_path / "models", within_site=5.0, normal_log_odds=3.0)
    sounds = [
        from_samples(heart_sound("normal", 60 + seed, 8.0, RATE, seed).samples, RATE) for seed in range(6)
    ]
    (tmp_path / "healthy").mkdir()
    for number, sound in enumerate(sounds):
        write(tmp_path / "healthy" / f"{number}.wav", sound)
    pcm = sounds[0].pcm.astype("<i2").tobytes()
    with Site(tmp_path / "site", {"STETHO_MODELS_DIR": str(models), "STETHO_MODELS": "heart2"}) as site:
        worker = site.start_worker()
        for name, value in site.environ.items():
            monkeypatch.setenv(name, value)
        with (
            Client(site.broker, site.operator, "stetho/v1/result/#") as operator,
            Device(site, "st-01") as device,
        ):
            predictions = []
            for number, arguments in enumerate((None, ["--normals", str(tmp_path / "healthy")], ["--undo"])):
                if arguments is not None:
                    lines = worker.log.count("event=calibrations_changed")
                    assert calibrate.main(["st-01", *arguments]) == 0
                    wait_until(
                        lambda: worker.log.count("event=calibrations_changed") > lines,  # noqa: B023 - called here
                        "the worker to follow",
                    )
                device.send_all(cut(pcm, number + 1))
                result = operator.wait_for("stetho/v1/result/st-01", recording_id=f"{number + 1:016x}")
                (prediction,) = result["models"]
                del prediction["took_ms"]
                predictions.append(prediction)
    before, calibrated, undone = predictions
    assert undone == before
    named = calibrated.pop("calibration")
    assert (named["hearts"], set(named)) == (6, {"hearts", "shift", "calibrated_at"})
    assert calibrated["probabilities"] != before["probabilities"]

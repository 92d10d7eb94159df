"""Charts of models over HTTP: the distribution of labels, and reliability diagrams."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

from archive import Api, Archive, prediction, problem

pytest_plugins = ["archive_fixtures"]

SVG = "{http://www.w3.org/2000/svg}"
RELIABILITY = "/api/v1/models/heart5/reliability.svg"
DISTRIBUTION = "/visualizations/class-distribution.svg"


def picture_at(api: Api, address: str) -> ET.Element:
    answer = api.get(address)
    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
    return ET.fromstring(answer.get_data())  # noqa: S314 - our own picture


def texts_of(picture: ET.Element) -> list[str]:
    return [each.text or "" for each in picture.iter(f"{SVG}text")]


def card(**cross_validation: object) -> dict[str, object]:
    document = {"model": "heart5", "version": "2.0.0", "labels": ["a", "b"], "threshold": 0.5}
    return document | {"figures": {"cross_validation": cross_validation}}


def test_e5_class_distribution_counts_each_label_of_each_model(archive: Archive, api: Api) -> None:
    for number, label in enumerate(("murmur", "normal", "normal"), 1):
        archive.add(number, labels={"heart5": label, "heart2": "abnormal"})
    unsure = archive.add(4, is_analysed=False)
    archive.save(replace(unsure, models=(prediction("heart5", "normal", accepted=False),)))
    texts = texts_of(picture_at(api, DISTRIBUTION))
    models = [texts.index(name) for name in ("Normal or abnormal heart", "Kind of heart sound")]
    assert texts[models[0] + 1 : models[0] + 3] == ["Abnormal", "3"]
    assert texts[models[1] + 1 : models[1] + 5] == ["Normal", "3, 1 not accepted", "Murmur", "1"]


def test_e5_class_distribution_without_a_label_says_so(api: Api) -> None:
    assert "no recording has been classified yet" in texts_of(picture_at(api, DISTRIBUTION))


def test_an_unchanged_chart_is_a_304(archive: Archive, api: Api) -> None:
    tag = api.get(DISTRIBUTION).headers["ETag"]
    assert api.get(DISTRIBUTION, If_None_Match=tag).status_code == 304
    archive.add(1)
    assert api.get(DISTRIBUTION, If_None_Match=tag).status_code == 200


def test_e8_reliability_is_drawn_from_the_card(archive: Archive, api: Api) -> None:
    bins = [
        {"from": 0.4, "to": 0.5, "n": 0, "confidence": 0.0, "accuracy": 0.0},
        {"from": 0.9, "to": 1.0, "n": 9, "confidence": 0.95, "accuracy": 0.5},
    ]
    document = card(reliability=bins, n=9, expected_calibration_error=0.45)
    (archive.settings.models_dir / "heart5.json").write_text(json.dumps(document))
    picture = picture_at(api, RELIABILITY)
    (dot,) = picture.iter(f"{SVG}circle")
    assert (float(dot.get("cx", "")), float(dot.get("cy", ""))) == (64 + 0.95 * 320, 84 + 0.5 * 320)
    assert "0.450" in " ".join(texts_of(picture))
    assert "not a medical device" in " ".join(texts_of(picture))


def test_every_shipped_classifier_has_a_reliability_diagram(tmp_path: Path) -> None:
    settings = replace(Archive(tmp_path).settings, models_dir=Path(__file__).parents[3] / "models_tflite")
    api = Api(settings)
    for model, described in api.json("/models/info")["models"].items():
        if described["card"].get("kind", "classifier") == "classifier":
            assert list(picture_at(api, f"/api/v1/models/{model}/reliability.svg").iter(f"{SVG}circle"))


def test_an_unknown_model_or_one_without_figures_is_a_404(archive: Archive, api: Api) -> None:
    assert "none" in problem(api.get(RELIABILITY), 404)["detail"]
    (archive.settings.models_dir / "heart5.json").write_text(json.dumps(card()))
    assert "says nothing" in problem(api.get(RELIABILITY), 404)["detail"]
    assert "heart5" in problem(api.get(RELIABILITY.replace("heart5", "heart6")), 404)["detail"]

"""Agreement of people and models over time, from the reviews of results."""

import json
from pathlib import Path

import pytest
from archive import Api, Archive
from sqlalchemy import update

from edge_worker.database.engine import connect
from edge_worker.database.reviewing.review_tables import reviews

pytest_plugins = ["archive_fixtures"]
pytestmark = pytest.mark.usefixtures("database")

CORRECTED = {"verdict": "corrected", "model": "heart5", "label": "murmur"}


@pytest.fixture
def api(tmp_path: Path) -> Api:
    """Eight reviews of two models, in two months."""
    archive = Archive(tmp_path)
    api = archive.api()
    said = [{"verdict": "confirmed"}, {"verdict": "rejected"}, CORRECTED] * 2
    for number, review in enumerate(said, start=1):
        archive.add(number, labels={"heart5": "normal"})
        _review(api, number, **review)
    archive.add(7, labels={"heart5": "murmur"})
    _review(api, 7, verdict="corrected", model="heart5", label="normal", note="=1+1")
    archive.add(8, labels={"heart2": "abnormal", "heart5": "normal"})
    _review(api, 8, verdict="corrected", model="heart5", label="normal")
    engine = connect(archive.settings.database)
    with engine.begin() as connection:
        for number in range(1, 9):
            time = "2026-10-30T08:00:00.000Z" if number < 4 else "2026-11-20T08:00:00.000Z"
            change = update(reviews).where(reviews.c.recording == number)
            connection.execute(
                change.values(reviewed_at=time, said_version="1.0.0" if number < 4 else "1.1.0")
            )
    engine.dispose()
    return api


def _review(api: Api, number: int, **review: str) -> None:
    address = f"/api/v1/recordings/{number:016x}/review"
    body = json.dumps(review).encode()
    answer = api.ask("PUT", address, body, Content_Type="application/json", If_Match='"0"')
    assert answer.status_code == 200, answer.text


def test_each_model_has_its_share_of_confirmed_labels_by_month_and_version(api: Api) -> None:
    document = api.json("/api/v1/agreement")
    by_model = {each["model"]: each for each in document["models"]}
    assert list(by_model) == ["heart2", "heart5"]
    assert (by_model["heart2"]["reviews"], by_model["heart2"]["share"]) == (1, 0.0)
    counted = [
        tuple(each[name] for name in ("period", "version", "confirmed", "rejected", "corrected"))
        for each in by_model["heart5"]["periods"]
    ]
    assert counted == [("2026-10", "1.0.0", 1, 1, 1), ("2026-11", "1.1.0", 1, 1, 2)]
    assert by_model["heart5"]["share"] == 0.2857  # 2 of 7
    low, high = by_model["heart5"]["interval"]
    assert 0.05 < low < 0.2857 < high < 0.7
    weeks = api.json("/api/v1/agreement?by=week")["models"][1]["periods"]
    assert [each["period"] for each in weeks] == ["2026-W44", "2026-W47"]


def test_confusions_are_what_the_model_said_and_what_reviewers_say(api: Api) -> None:
    heart2, heart5 = api.json("/api/v1/agreement")["models"]
    assert heart2["confusions"] == [
        {"said": "abnormal", "right_model": "heart5", "right": "normal", "reviews": 1}
    ]
    found = {(each["said"], each["right"]): each["reviews"] for each in heart5["confusions"]}
    assert found == {
        ("normal", "normal"): 2,
        ("normal", None): 2,
        ("normal", "murmur"): 2,
        ("murmur", "normal"): 1,
    }


def test_agreement_as_csv_picture_and_page(api: Api) -> None:
    csv = api.get("/api/v1/agreement.csv").text.splitlines()
    assert csv[0] == "model,period,version,reviews,confirmed,rejected,corrected,cannot_tell,share,low,high"
    assert csv[2].startswith("heart5,2026-10,1.0.0,3,1,1,1,0,0.3333,")
    picture = api.get("/visualizations/agreement.svg").text
    assert "2026-10, version 1.0.0: 1 of 3 confirmed" in picture
    page = api.get("/ui/agreement", Accept="text/html", Accept_Language="de").text
    assert "2 von 7 durchgesehenen Antworten bestätigt: 29 %" in page
    assert "Herzgeräusch" in page
    assert "2 of 7 reviewed labels confirmed: 29 %" in api.get("/ui/agreement", Accept="text/html").text
    assert "/ui/agreement?by=week" in page


def test_without_reviews_there_is_nothing_to_agree_on(tmp_path: Path) -> None:
    api = Archive(tmp_path).api()
    assert api.json("/api/v1/agreement")["models"] == []
    assert "nobody has reviewed" in api.get("/visualizations/agreement.svg").text
    assert "Nobody has reviewed" in api.get("/ui/agreement", Accept="text/html").text

"""Pages of results and the flat `/history`, on a database that the worker's store wrote."""

from urllib.parse import quote, urlencode

import pytest
from archive import Api, Archive, prediction, problem

from edge_worker.protocol.result import Result

pytest_plugins = ["archive_fixtures"]
pytestmark = pytest.mark.usefixtures("database")


def ids(api: Api, **query: str | int) -> list[int]:
    """Return the numbers of the recordings on one page."""
    page = api.json(f"/api/v1/results?{urlencode(query)}")
    return [int(item["recording_id"], 16) for item in page["items"]]


def test_items_are_the_documents_as_published(archive: Archive, api: Api) -> None:
    result = archive.add(1, labels={"heart5": "murmur", "heart2": "abnormal"})
    assert api.json("/api/v1/results") == {"items": [result.document()], "next": None}


def test_an_empty_history_is_an_empty_page(api: Api) -> None:
    answer = api.get("/api/v1/results")
    assert answer.get_json() == {"items": [], "next": None}
    assert "Link" not in answer.headers


def test_pages_give_each_row_once_while_rows_come_in(archive: Archive, api: Api) -> None:
    for number in range(500):
        archive.add(number)
    seen: list[int] = []
    address: str | None = "/api/v1/results?limit=37&status=ok"
    while address:
        answer = api.get(address)
        seen += [int(item["recording_id"], 16) for item in answer.get_json()["items"]]
        archive.add(1000 + len(seen))
        link = answer.headers.get("Link")
        assert (link is None) == (answer.get_json()["next"] is None)
        address = link.removeprefix("<").removesuffix('>; rel="next"') if link else None
    assert seen == list(range(499, -1, -1))


def test_the_link_keeps_the_filters(archive: Archive, api: Api) -> None:
    for number in range(6):
        archive.add(number, device=f"st-{number % 2}", labels={"m": "a & b"})
    first = api.get("/api/v1/results?device=st-1&label=a%20%26%20b&limit=2")
    address = first.headers["Link"].split(">")[0].removeprefix("<")
    assert [item["device_id"] for item in api.json(address)["items"]] == ["st-1"]


def test_the_last_page_that_is_just_full_has_no_next(archive: Archive, api: Api) -> None:
    for number in range(4):
        archive.add(number)
    assert api.json("/api/v1/results?limit=4")["next"] is None


def test_filters(archive: Archive, api: Api) -> None:
    archive.add(1, "st-01", labels={"heart5": "murmur", "heart2": "abnormal"})
    archive.add(2, "st-02", labels={"heart5": "normal", "heart2": "normal"})
    archive.add(3, "st-01", labels={"heart5": "normal"}, status="inconclusive")
    archive.add(4, "st-01", labels={}, is_analysed=False)
    assert ids(api) == [3, 2, 1]
    assert ids(api, device="st-01") == [3, 1]
    assert ids(api, label="normal") == [3, 2]
    assert ids(api, model="heart2") == [2, 1]
    assert ids(api, model="heart2", label="murmur") == []
    assert ids(api, model="heart5", label="murmur") == [1]
    assert ids(api, status="inconclusive") == [3]
    assert ids(api, device="st-01", label="normal", model="heart5", status="inconclusive") == [3]
    assert ids(api, device="st-02", label="murmur") == []


def test_times_are_compared_as_instants_in_any_time_zone(archive: Archive, api: Api) -> None:
    for hour in (7, 8, 9):
        archive.add(hour, captured_at=f"2026-11-20T{hour:02}:00:00.000Z")
    assert ids(api, **{"from": "2026-11-20T08:00:00Z"}) == [9, 8]
    assert ids(api, to="2026-11-20T08:00:00Z") == [7]
    assert ids(api, **{"from": "2026-11-20T09:00:00+01:00", "to": "2026-11-20T10:00:00+01:00"}) == [8]
    assert ids(api, **{"from": "2026-11-20T08:00:00.000001Z"}) == [9]
    assert ids(api, to="2026-11-20T08:00:00.000001Z") == [8, 7]


@pytest.mark.parametrize("text", ["' OR 1=1 --", '"; DROP TABLE recordings; --', "%", "*", "normal'", "é"])
def test_sql_in_a_filter_is_plain_text(archive: Archive, api: Api, text: str) -> None:
    archive.add(1)
    assert ids(api, label=text) == []
    assert ids(api, model=text) == []
    assert ids(api) == [1]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=abc", "limit"),
        ("limit=-1", "limit"),
        ("limit=1.0", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("limit=%D9%A3", "limit"),
        ("limit=", "limit"),
        ("limit=5&limit=6", "limit"),
        ("cursor=", "cursor"),
        ("cursor=abc", "cursor"),
        ("cursor=AgAAAAAAAAAB", "cursor"),
        ("cursor=AQAAAAAAAAAA", "cursor"),
        ("cursor=Af__________", "cursor"),
        ("cursor=%00", "cursor"),
        ("from=yesterday", "from"),
        ("from=2026-11-20", "from"),
        ("from=2026-11-20T08:00:00", "from"),
        ("from=2026-13-20T08:00:00Z", "from"),
        ("from=2026-11-20T08:00:00+01:00", "from"),
        ("to=9999-12-31T23:59:59.9999Z", "to"),
        ("to=0001-01-01T00:00:00%2B14:00", "to"),
        ("from=2026-11-21T00:00:00Z&to=2026-11-20T00:00:00Z", "from"),
        ("status=fine", "status"),
        ("accepted=1", "accepted"),
        ("reviewed=maybe", "reviewed"),
        ("sort=stored", "sort"),
        ("sort=captured_at&cursor=AQAAAAAAAAAB", "cursor"),
        ("cursor=BAAAAAAAAAAB", "cursor"),
        ("device=ST_01", "device"),
        ("device=st-01%0A", "device"),
        ("device=" + "a" * 33, "device"),
        ("device=", "device"),
        ("label=a%00b", "label"),
        ("model=", "model"),
        ("page=2", "page"),
        ("Device=st-01", "Device"),
    ],
)
def test_a_bad_query_is_a_problem_that_names_its_parameter(api: Api, query: str, parameter: str) -> None:
    document = problem(api.get(f"/api/v1/results?{query}"), 400)
    assert document["parameter"] == parameter
    assert parameter in document["detail"]


def test_an_unescaped_plus_is_explained(api: Api) -> None:
    document = problem(api.get("/api/v1/results?from=2026-11-20T08:00:00+01:00"), 400)
    assert "%2B" in document["detail"]


def test_limit_at_its_bounds(archive: Archive, api: Api) -> None:
    for number in range(201):
        archive.add(number)
    assert len(ids(api, limit=1)) == 1
    assert len(ids(api, limit=200)) == 200
    assert len(ids(api)) == 50


def test_head_answers_without_a_body(archive: Archive, api: Api) -> None:
    archive.add(1)
    answer = api.ask("HEAD", "/api/v1/results")
    assert (answer.status_code, answer.get_data()) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 0


def test_d3_history_is_a_flat_list_newest_first(archive: Archive, api: Api) -> None:
    archive.add(1, captured_at="2026-11-20T07:00:00.000Z")
    archive.add(2, labels={"heart5": "murmur"})
    assert api.json("/history?limit=1") == [
        {
            "timestamp": "2026-11-20T08:00:00.000Z",
            "filename": "0000000000000002.wav",
            "device_id": "st-01",
            "recording_id": "0000000000000002",
            "model": "heart5",
            "label": "murmur",
            "confidence": 0.9,
            "accepted": True,
            "top_3_probabilities": {"murmur": 0.9, "artifact": 0.05, "extrahls": 0.03},
        }
    ]
    assert [item["label"] for item in api.json("/history")] == ["murmur", "normal"]


def test_d3_the_name_of_a_file_is_shown_and_searched(archive: Archive, api: Api) -> None:
    archive.add(1, file_name="Heartbeat_1.wav")
    archive.add(2, file_name="100% heart.wav")
    archive.add(3)
    assert [each["filename"] for each in api.json("/history")] == [
        "0000000000000003.wav",
        "100% heart.wav",
        "Heartbeat_1.wav",
    ]
    for part, found in (("heart", [2, 1]), ("BEAT", [1]), ("0%25", [2]), ("%25_", []), ("_1", [1])):
        for address in ("/api/v1/results?file=", "/api/v1/results?sort=-captured_at&file="):
            items = api.json(address + part)["items"]
            assert sorted(int(each["recording_id"]) for each in items) == sorted(found)
        assert [f"{number:016x}" in api.get(f"/ui/history?file={part}").text for number in found] == [
            True for _ in found
        ]
    assert api.json("/api/v1/results?file=beat")["items"][0]["file_name"] == "Heartbeat_1.wav"
    assert "Heartbeat_1.wav" in api.get("/ui/recordings/0000000000000001").text
    assert "100% heart.wav" in api.get("/ui/history").text


def test_d3_history_of_one_device(archive: Archive, api: Api) -> None:
    archive.add(1, "st-01")
    archive.add(2, "st-02")
    assert [item["device_id"] for item in api.json("/history?device=st-01")] == ["st-01"]


def test_d3_history_ranks_the_probabilities(archive: Archive, api: Api) -> None:
    archive.add(1, labels={"heart5": "normal"})
    (item,) = api.json("/history")
    assert list(item["top_3_probabilities"].values()) == [0.9, 0.05, 0.03]


def test_d3_history_has_the_emotion_of_the_emotion_model(archive: Archive, api: Api) -> None:
    archive.add(1, labels={"emotion": "calm", "heart5": "normal"})
    by_model = {item["model"]: item for item in api.json("/history")}
    assert by_model["emotion"]["predicted_emotion"] == "calm"
    assert "predicted_emotion" not in by_model["heart5"]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "device=ST", "model=heart5"])
def test_history_takes_limit_and_device_only(api: Api, query: str) -> None:
    problem(api.get(f"/history?{query}"), 400)


def test_any_text_of_a_result_is_answered_unchanged(archive: Archive, api: Api) -> None:
    label = 'ö "quoted" </script>'
    archive.add(1, labels={"m": label})
    page = api.json(f"/api/v1/results?label={quote(label)}")
    assert page["items"][0]["models"][0]["label"] == label


def test_a_label_below_its_threshold_is_marked(archive: Archive, api: Api) -> None:
    result: Result = archive.add(1, is_analysed=False)
    unsure = prediction("heart5", "normal", confidence=0.5, accepted=False)
    archive.save(
        Result(
            device_id=result.device_id,
            recording_id=result.recording_id,
            status="inconclusive",
            completeness="complete",
            audio=result.audio,
            quality=result.quality,
            captured_at=result.captured_at,
            captured_at_source="device",
            models=(unsure,),
            reasons=("low_confidence",),
        ),
    )
    assert api.json("/history")[0]["accepted"] is False
    assert api.json("/api/v1/results")["items"][0]["models"][0]["accepted"] is False


def test_d3_results_by_time_follow_their_links(archive: Archive, api: Api) -> None:
    hours = (9, 7, 8, 7)
    for number, hour in enumerate(hours):
        archive.add(number, captured_at=f"2026-11-20T{hour:02}:00:00.000Z")
    for sort, expected in (("captured_at", [1, 3, 2, 0]), ("-captured_at", [0, 2, 3, 1])):
        seen: list[int] = []
        address: str | None = f"/api/v1/results?limit=1&sort={sort}"
        while address:
            answer = api.get(address)
            seen += [int(item["recording_id"], 16) for item in answer.get_json()["items"]]
            link = answer.headers.get("Link")
            address = link.removeprefix("<").removesuffix('>; rel="next"') if link else None
        assert seen == expected


def test_c6_accepted_is_of_the_prediction(archive: Archive, api: Api) -> None:
    archive.add(1)
    assert ids(api, accepted="true") == [1]
    assert ids(api, accepted="false") == []
    assert ids(api, accepted="true", label="normal", model="heart5", sort="captured_at") == [1]


def test_an_unchanged_page_is_a_304(archive: Archive, api: Api) -> None:
    archive.add(1)
    tag = api.get("/api/v1/results").headers["ETag"]
    again = api.get("/api/v1/results", If_None_Match=tag)
    assert (again.status_code, again.get_data()) == (304, b"")
    assert again.headers["ETag"] == tag
    archive.add(2)
    assert api.get("/api/v1/results", If_None_Match=tag).status_code == 200


def test_a_subject_is_shown_filtered_exported_and_in_fhir(archive: Archive, api: Api) -> None:
    archive.add(1, subject="P-0042", exam="visit-1")
    archive.add(2, subject="P-0043", exam="visit-1", site="AV")
    archive.add(3)
    for address in ("/api/v1/results?subject=", "/api/v1/results?sort=captured_at&subject="):
        (item,) = api.json(f"{address}P-0042")["items"]
        assert (item["recording_id"], item["subject"]) == ("0000000000000001", "P-0042")
    assert api.json("/api/v1/results?subject=p-0042")["items"] == []
    assert api.get("/api/v1/results?subject=Anna%20Schmidt").status_code == 400
    page = api.get("/ui/history?subject=P-0042").text
    assert ("P-0042</a>" in page, "P-0043" in page) == (True, False)
    assert ">P-0042</a></dd>" in api.get("/ui/recordings/0000000000000001").text
    lines = api.get("/api/v1/results.csv?sort=captured_at").text.splitlines()
    assert sorted(each.split(",")[-4] for each in lines) == ["", "P-0042", "P-0043", "subject"]
    bundle = api.json("/api/v1/recordings/0000000000000001/fhir.json")
    patient = {"system": "urn:stetho-edge:subject", "value": "P-0042"}
    kinds = {each["resource"]["resourceType"]: each["resource"] for each in bundle["entry"]}
    for kind in ("Media", "Observation", "DiagnosticReport"):
        assert kinds[kind]["subject"] == {"type": "Patient", "identifier": patient}


def test_an_exam_is_of_one_subject_and_others_do_not_count(archive: Archive, api: Api) -> None:
    archive.add(1, site="MV", exam="visit-1")
    archive.add(2, site="AV", exam="visit-1", subject="P-0042")
    archive.add(3, site="AV", exam="visit-1", subject="P-0043")
    archive.add(4, site="PV", exam="visit-1", subject="P-0043")
    exam = api.json("/api/v1/exams/visit-1")
    positions = {each["site"]: each for each in exam["positions"]}
    assert (exam["subject"], exam["of_other_subjects"]) == ("P-0042", 2)
    assert positions["AV"]["recording_id"] == "0000000000000002"
    assert positions["MV"]["recording_id"] == "0000000000000001"
    assert (positions["PV"]["recording_id"], positions["PV"]["reason"]) == (None, "other_subject")
    assert [each["exam"] for each in api.json("/api/v1/exams?subject=P-0042")["items"]] == ["visit-1"]
    assert api.json("/api/v1/exams?subject=P-0044")["items"] == []
    assert api.get("/api/v1/exams/visit-1/report.pdf").status_code == 200
    assert api.get("/api/v1/exams/visit-1/fhir.json").status_code == 200

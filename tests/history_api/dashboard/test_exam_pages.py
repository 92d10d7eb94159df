"""The pages of exams as the server sends them."""

import re

from archive import Api, Archive, problem
from exam_archive import ADDRESS, add_evidence, add_four, review

from edge_worker.protocol.exam import LABEL_RULE
from edge_worker.protocol.exam_position import POSITION_REASONS
from edge_worker.protocol.result import REASONS
from history_api.results import exam_words

pytest_plugins = ["archive_fixtures"]

BROWSER = {"Accept": "text/html"}


def page(api: Api, address: str) -> str:
    answer = api.get(address, **BROWSER)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    return answer.get_data(as_text=True)


def test_e7_page_of_an_exam_shows_four_positions_on_a_chest(archive: Archive, api: Api) -> None:
    add_four(archive, AV="murmur", PV="artifact")
    review(api, 3, "rejected")
    text = page(api, "/ui/exams/visit-7?device=st-01")
    assert re.findall(r'data-state="(\w+)"', text) == ["abnormal", "unsure", "missing", "normal"]
    assert 'aria-label="AV: abnormal. PV: unsure. TV: missing. MV: normal. "' in text
    assert "Missing: TV (tricuspid)" in text
    assert "<h2>Abnormal</h2>" in text
    assert f"/ui/recordings/{1:016x}?device=st-01" in text
    assert f"{ADDRESS}/report.pdf?device=st-01" in text
    assert "♥ 72 beats per minute" in text
    assert "/ui/exams/visit-7?device=st-01" in page(api, f"/ui/recordings/{1:016x}")
    assert "/ui/exams/visit-7?device=st-01" in page(api, "/ui/history")
    problem(api.get("/ui/exams/visit-8"), 404)


def test_e7_page_of_an_exam_shows_what_all_positions_say_together_and_which_says_what(
    archive: Archive, api: Api
) -> None:
    add_evidence(archive, AV=0.95, PV=0.7, TV=0.45, MV=0.95)
    share = api.json(ADDRESS)["probability"]
    abnormal, normal = exam_words.share_words(share), exam_words.share_words(1 - share)
    text = page(api, "/ui/exams/visit-7")
    assert "<h2>Abnormal</h2>" in text
    assert f"! Needs attention, {abnormal}</p>" in text
    assert f"4 positions together: abnormal {abnormal}, normal {normal}" in text
    assert re.findall(r"<small>((?:strongly )?for \w+|says little)</small>", text) == [
        *("strongly for abnormal", "for abnormal", "says little", "strongly for abnormal")
    ]
    bars = re.findall(r'data-for="(\w+)" x="([\d.]+)" y="1" width="([\d.]+)"', text)
    assert [side for side, _, _ in bars] == ["abnormal", "abnormal", "normal", "abnormal"]
    assert [(x, width) for _, x, width in bars][::2] == [("50", "36.8"), ("47.5", "2.5")]
    assert text.count("not sure alone") == 4
    assert 'aria-label="AV: unsure, strongly for abnormal. PV: unsure, for abnormal. TV: unsure, says' in text
    assert REASONS["low_confidence"] not in text, "together they are sure: nothing to record again"
    assert LABEL_RULE.partition(",")[0] in text
    assert f"! Abnormal, {abnormal}" in page(api, "/ui/exams")


def test_a_page_without_evidence_has_no_bars(archive: Archive, api: Api) -> None:
    add_four(archive)
    text = page(api, "/ui/exams/visit-7")
    assert "<h2>Normal</h2>" in text
    assert "together:" not in text
    assert 'class="evidence"' not in text


def test_an_inconclusive_exam_shows_what_to_record_again(archive: Archive, api: Api) -> None:
    add_evidence(archive, AV=0.55, PV=0.5, TV=0.45, MV=0.5)
    text = page(api, "/ui/exams/visit-7")
    assert "<h2>Cannot tell</h2>" in text
    assert "4 positions together: abnormal 50 %, normal 50 %" in text
    assert text.count(REASONS["low_confidence"]) == 4


def test_e7_the_list_of_exams_links_to_each_and_to_its_next_page(archive: Archive, api: Api) -> None:
    assert "No recording belongs to an exam" in page(api, "/ui/exams")
    for number in range(1, 53):
        archive.add(number, exam=f"e{number}")
    assert "No recording of st-09 belongs" in page(api, "/ui/exams?device=st-09")
    assert "/ui/exams/e52" in page(api, "/ui/exams?device=")
    text = page(api, "/ui/exams?device=st-01")
    assert re.findall(r'href="/ui/exams/(e\d+)\?device=st-01"', text) == [f"e{n}" for n in range(52, 2, -1)]
    next_page = re.search(r'rel="next" href="([^"]+)"', text)
    assert next_page is not None
    assert re.findall(r'href="/ui/exams/(e\d+)\?', page(api, next_page[1].replace("&amp;", "&"))) == [
        "e2",
        "e1",
    ]


def test_a_position_without_a_label_shows_the_reason(archive: Archive, api: Api) -> None:
    archive.add(1, site="AV", exam="visit-7", is_analysed=False)
    assert POSITION_REASONS["analysing"] in page(api, "/ui/exams/visit-7")


def test_the_site_of_a_device_is_escaped(archive: Archive, api: Api) -> None:
    archive.add(1, site="<b>'\"&", exam="visit-7")
    text = page(api, "/ui/exams/visit-7")
    assert "&lt;b&gt;" in text
    assert "<b>" not in text

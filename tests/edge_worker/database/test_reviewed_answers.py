"""What a review is about: of one model or several, and of reviews that an earlier version stored."""

import json

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text as sql
from stored_results import result_of

from edge_worker.database.engine import connect
from edge_worker.database.reviewing.reviewed_answer import MachineAnswer, reviewed_answer
from edge_worker.database.store import Store

pytest_plugins = ["store_fixtures"]

BOTH = json.loads(result_of(1, labels={"heart5": "normal", "heart2": "abnormal"}).to_json())
UNSURE = json.loads(result_of(2, accepted=False, status="inconclusive").to_json())


@pytest.mark.parametrize(
    ("right", "about"),
    [
        ((None, None), ("heart2", "abnormal")),
        (("heart5", "finding"), ("heart5", "normal")),
        (("heart5", "none"), ("heart2", "abnormal")),
        (("heart2", "none"), ("heart2", "abnormal")),
        (("esc50", "unknown"), ("heart2", "abnormal")),
    ],
)
def test_a_review_is_about_the_verdict_or_about_the_model_that_is_corrected(
    right: tuple[str | None, str | None], about: tuple[str, str]
) -> None:
    assert BOTH["verdict"]["model"] == "heart2"
    answer = reviewed_answer(BOTH, *right)
    assert answer is not None
    assert (answer.model, answer.label) == about
    assert answer.version is not None


def test_where_none_can_tell_only_a_correction_is_about_a_model() -> None:
    assert reviewed_answer(UNSURE) is None
    (model,) = [each["model"] for each in UNSURE["models"]]
    assert reviewed_answer(UNSURE, model, "finding") == MachineAnswer(
        model, UNSURE["models"][0]["version"], None
    )
    assert reviewed_answer(UNSURE, "nothing", "finding") is None


def test_reviews_of_the_version_before_get_what_the_machine_said(url: str) -> None:
    config = Config()
    config.set_main_option("script_location", "edge_worker.database:migrations")
    engine = connect(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0014")
        names = "device_id, recording_id, received_at, captured_at, captured_at_source, completeness, missing"
        more = "sample_rate, channels, samples, audio_sha256, audio_file, meta, document"
        for number, text in enumerate((json.dumps(BOTH), json.dumps(UNSURE), "no JSON"), start=1):
            connection.execute(
                sql(
                    f"INSERT INTO recordings ({names}, {more}) VALUES "  # noqa: S608 - names of columns
                    "('st-01', :id, '', '', 'device', 'complete', '[]', 4000, 1, 1, '', '', '{}', :document)"
                ),
                {"id": f"{number:016x}", "document": text},
            )
            for table in ("reviews", "review_changes"):
                connection.execute(
                    sql(
                        f"INSERT INTO {table} (recording, verdict, note, reviewer, reviewed_at, version) "  # noqa: S608
                        "VALUES (:row, 'confirmed', '', 'ann', '2026-11-20T08:00:00.000Z', 1)"
                    ),
                    {"row": number},
                )
    engine.dispose()
    Store.open(url).close()
    with connect(url).begin() as connection:
        for table in ("reviews", "review_changes"):
            said = connection.exec_driver_sql(
                f"SELECT said_model, said_version, said_label FROM {table} ORDER BY recording"  # noqa: S608
            ).all()
            version = next(each["version"] for each in BOTH["models"] if each["model"] == "heart2")
            assert said == [("heart2", version, "abnormal"), (None, None, None), (None, None, None)]
        config.attributes["connection"] = connection
        command.downgrade(config, "0014")
        assert connection.exec_driver_sql("SELECT count(*) FROM reviews").scalar() == 3

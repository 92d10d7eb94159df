"""Agreement of people and models over HTTP, from reviews: as JSON, as CSV and drawn."""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final, get_args

from flask import Blueprint, Response, g, jsonify

from history_api.models import label_words
from history_api.models.agreement_figures import ModelAgreement, Period, PeriodFigures, agreement
from history_api.openapi.conditional_request import ETAG, UNCHANGED, render_with_etag, with_etag
from history_api.openapi.operation import UNAVAILABLE, Paths, file_answer, get, json_answer, query
from history_api.openapi.schemas import COUNT, SHARE, TEXT, Schema, list_of, or_null, ref, strict_object
from history_api.pictures import agreement_chart
from history_api.pictures.recording_pictures import SVG
from history_api.results.export import csv_file
from history_api.services import services

COLUMNS: Final = (
    *("model", "period", "version", "reviews", "confirmed", "rejected", "corrected", "cannot_tell"),
    *("share", "low", "high"),
)
BY: Final = (
    query("by", {"type": "string", "enum": list(get_args(Period)), "default": "month"}, "of reviews"),
)
_FIGURES: Final[dict[str, Schema]] = {
    "reviews": COUNT | {"description": "of answers; confirmed, rejected or corrected"},
    **dict.fromkeys(("confirmed", "rejected", "corrected"), COUNT),
    "cannot_tell": COUNT | {"description": "corrections where the model could not tell"},
    "share": or_null(SHARE) | {"description": "of the reviews that confirm the answer"},
    "interval": or_null(list_of(SHARE)) | {"description": "of 95 %"},
}
SCHEMAS: Final[dict[str, Schema]] = {
    "ModelAgreement": strict_object(
        {
            "model": TEXT,
            **_FIGURES,
            "periods": list_of(strict_object({"period": TEXT, "version": TEXT, **_FIGURES})),
            "confusions": list_of(
                strict_object(
                    {
                        "said": or_null(TEXT) | {"description": "null: the model could not tell"},
                        "right_model": or_null(TEXT),
                        "right": or_null(TEXT) | {"description": "null: only that it is wrong"},
                        "reviews": COUNT,
                    }
                )
            ),
        }
    ),
}
blueprint = Blueprint("agreement", __name__)
PATHS: Final[Paths] = {
    "/api/v1/agreement": get(
        "how often people agree with each model, by the month or week of their reviews",
        "agreement",
        {
            "200": json_answer(
                strict_object({"by": TEXT, "models": list_of(ref("ModelAgreement"))}), headers=ETAG
            )
        }
        | UNCHANGED
        | UNAVAILABLE,
        BY,
    ),
    "/api/v1/agreement.csv": get(
        "the same as a table, a line per model, period and version",
        "agreement_csv",
        {"200": file_answer("text/csv")} | UNAVAILABLE,
        BY,
    ),
    "/visualizations/agreement.svg": get(
        "the same, drawn",
        "agreement_svg",
        {"200": file_answer(SVG, "The picture.")} | UNCHANGED | UNAVAILABLE,
        BY,
    ),
}


@blueprint.get("/api/v1/agreement")
def agreement_json() -> Response:
    """Answer the figures of each model."""
    documents = [
        {
            "model": each.model,
            **_figures(each.total),
            "periods": [
                {"period": part.period, "version": part.version, **_figures(part)} for part in each.periods
            ],
            "confusions": [asdict(confusion) for confusion in each.confusions],
        }
        for each in models_reviewed()
    ]
    return with_etag(jsonify({"by": g.query["by"], "models": documents}))


@blueprint.get("/api/v1/agreement.csv")
def agreement_csv() -> Response:
    """Answer the figures as a table."""
    return csv_file(COLUMNS, _rows(models_reviewed()), "agreement.csv")


@blueprint.get("/visualizations/agreement.svg")
def agreement_svg() -> Response:
    """Answer the shares over time as a chart."""
    content = agreement_chart.svg(models_reviewed(), label_words.of_request()).encode()
    return render_with_etag(hashlib.sha256(content).hexdigest(), SVG, lambda: content)


def models_reviewed() -> list[ModelAgreement]:
    """Return the figures of each model by the period that the request asks for."""
    return agreement(services().history.review_counts(), g.query["by"])


def _figures(part: PeriodFigures) -> dict[str, Any]:
    return {
        "reviews": part.reviews,
        "confirmed": part.confirmed,
        "rejected": part.rejected,
        "corrected": part.corrected,
        "cannot_tell": part.cannot_tell,
        "share": _rounded(part.share),
        "interval": None if part.interval is None else [_rounded(each) for each in part.interval],
    }


def _rows(models: list[ModelAgreement]) -> Iterator[list[object]]:
    for each in models:
        for part in each.periods:
            low, high = part.interval or (None, None)
            counts = [part.reviews, part.confirmed, part.rejected, part.corrected, part.cannot_tell]
            shares = [_rounded(share) for share in (part.share, low, high)]
            yield [each.model, part.period, part.version, *counts, *shares]


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)

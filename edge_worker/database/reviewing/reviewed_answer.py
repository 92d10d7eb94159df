"""What a review is about: the answer of the model whose label a person confirms, rejects or corrects."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class MachineAnswer:
    """What one version of a model said about a recording."""

    model: str
    version: str | None
    label: str | None
    """None: it could not tell."""


def reviewed_answer(
    result: Mapping[str, Any], right_model: str | None = None, right_severity: str | None = None
) -> MachineAnswer | None:
    """Return the answer that a review of `result` (as published) is about; None: there is none.

    That is the verdict; of a correction to a label of another model it is what that model said, unless the
    right label (of `right_severity`) contradicts the verdict: a finding where there is none, or none where
    there is one.
    """
    verdict = result["verdict"]
    said = {each["model"]: each for each in result["models"]}
    model = verdict["model"]
    severities = {verdict["severity"], right_severity}
    if right_model in said and severities != {"finding", "none"}:
        model = right_model
    if model is None:
        return None
    if model == verdict["model"]:
        return MachineAnswer(model, said.get(model, {}).get("version"), verdict["label"])
    prediction = said[model]
    return MachineAnswer(
        model, prediction["version"], prediction["label"] if prediction["accepted"] else None
    )

"""Validation of FHIR R4 documents, beyond what an example server checks."""

from typing import Any

from fhir.resources.R4B.bundle import Bundle as Forms
from fhirclient.models.bundle import Bundle as Elements
from fhirclient.models.fhirelementfactory import FHIRElementFactory


def validate_bundle(document: dict[str, Any]) -> None:
    """Fail unless a document is a Bundle of R4 (4.0.1).

    `fhirclient` has the elements of R4, with their types; `fhir.resources` the form of ids, times and texts,
    which are the same in R4B.
    """
    Elements(document, strict=True)
    Forms.model_validate(document)


def validate_resource(document: dict[str, Any]) -> None:
    """Fail unless a document is a resource of R4."""
    FHIRElementFactory.instantiate(document["resourceType"], document)
    Forms.model_validate({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": document}]})

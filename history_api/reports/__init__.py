"""Reports: PDF and FHIR."""

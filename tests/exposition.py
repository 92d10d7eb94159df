"""Prometheus' text exposition format, parsed by its own parser."""

import urllib.request

from prometheus_client.parser import text_string_to_metric_families

WITHIN_S = 30.0
Samples = dict[str, dict[tuple[tuple[str, str], ...], float]]


def read(text: str) -> Samples:
    """Return the value of every sample by name and by its labels, sorted."""
    samples: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = tuple(sorted((name, value) for name, value in sample.labels.items() if value))
            assert labels not in samples.get(sample.name, {}), f"{sample.name}{labels} is exposed twice"
            samples.setdefault(sample.name, {})[labels] = sample.value
    return samples


def value(samples: Samples, name: str, **labels: str) -> float:
    """Return one sample."""
    return samples[name][tuple(sorted(labels.items()))]


def scrape(address: str) -> Samples:
    """Return the samples that are served at `address`."""
    with urllib.request.urlopen(address, timeout=WITHIN_S) as answer:
        return read(answer.read().decode())

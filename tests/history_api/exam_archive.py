"""An exam of four recordings in an archive, and reviews of them over HTTP: helpers of the tests of exams."""

from dataclasses import replace

from archive import Api, Archive, prediction

from edge_worker.protocol.result import Quality

EXAM = "visit-7"
ADDRESS = f"/api/v1/exams/{EXAM}"
SITES = ("AV", "PV", "TV", "MV")


def add_four(archive: Archive, device: str = "st-01", **labels: str) -> None:
    """Store an exam of four recordings; `labels` is label by site, `normal` by default."""
    for number, site in enumerate(SITES, start=1):
        archive.add(number, device, labels={"heart5": labels.get(site, "normal")}, site=site, exam=EXAM)


def add_noisy(archive: Archive, number: int, site: str) -> None:
    """Store a recording of the exam that is too noisy for a label."""
    stored = archive.add(number, site=site, exam=EXAM, is_analysed=False)
    quality = Quality(False, None, 0.0, ("noisy",))
    archive.save(replace(stored, status="inconclusive", reasons=("noisy",), quality=quality, models=()))


def add_evidence(archive: Archive, **shares: float) -> None:
    """Store an exam of which no position is sure alone; `shares` is the probability of abnormal by site."""
    for number, (site, share) in enumerate(shares.items(), start=1):
        stored = archive.add(number, site=site, exam=EXAM, is_analysed=False)
        probabilities = {"normal": 1 - share, "abnormal": share}
        label = max(probabilities, key=lambda each: probabilities[each])
        unsure = prediction(
            "heart2", label, confidence=probabilities[label], accepted=False, probabilities=probabilities
        )
        archive.save(replace(stored, status="inconclusive", reasons=("low_confidence",), models=(unsure,)))


def review(api: Api, number: int, verdict: str, device: str = "st-01") -> None:
    """Put the first review of a recording, over HTTP."""
    address = f"/api/v1/recordings/{number:016x}/review?device={device}"
    answer = api.client.put(address, json={"verdict": verdict}, headers={"If-Match": '"0"'})
    assert answer.status_code == 200, answer.get_data()

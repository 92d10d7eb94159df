"""What the figures are that people read: in words, with their aims. All others are details of these."""

from typing import Final, NamedTuple


class Figure(NamedTuple):
    """What a figure is, and its aim, if it has one."""

    words: str
    at_most: float | None = None
    at_least: float | None = None

    def aim(self, value: float) -> str:
        """Return the aim, and whether it is missed; an empty text where there is none."""
        if self.at_most is not None:
            return f"at most {self.at_most:g}" + (", missed" if value > self.at_most else "")
        if self.at_least is not None:
            return f"at least {self.at_least:g}" + (", missed" if value < self.at_least else "")
        return ""


def _window(model: str) -> Figure:
    return Figure(f"processor time of one window through `{model}`, features and network, ms", 1)


FIGURES: Final[dict[str, Figure]] = {
    "cpu_ms_per_recording": Figure(
        "processor time of one recording, 4 s at 44.1 kHz, from its 22 chunks at the broker to its published "
        "result with both models, stage by stage on one thread"
    ),
    "cpu_ms_keras_librosa": Figure(
        "the same sound through `librosa` features and Keras `model.predict`, once for each of two models"
    ),
    "cpu_ratio_keras_librosa": Figure("the second divided by the first", at_least=20),
    "cpu_ratio_keras_librosa_one_thread": Figure("the same with their linear algebra on one thread, as ours"),
    "live_cpu_ms_per_recording_10": Figure(
        "processor time of the whole worker for one recording, 10 devices that record live, ms", 8
    ),
    "live_cpu_ms_per_recording_100": Figure("the same with 100 devices", 8),
    "live_cpu_ms_per_recording_500": Figure("the same with 500 devices", 8),
    "live_cpu_ratio_to_stages_100": Figure("with 100 devices, divided by the sum of all stages", 1.3),
    "live_cpu_ms_all_stages": Figure("the sum of all stages, one recording at once after the other, ms"),
    "live_cpu_ms_all_stages_at_pace_of_10": Figure("the same, a recording each 0.4 s, as of 10 devices"),
    "live_cpu_ms_spread": Figure("the most of the three divided by the least", 1.2),
    **{
        f"window_ms_{model}": _window(model)
        for model in ("heart2", "heart5", "digits", "esc50", "us8k", "emotion")
    },
    "ingest_chunks_per_s": Figure("chunks of 16 KiB through MQTT, intake and spool"),
    "ingest_bare_paho_chunks_per_s": Figure("the same queue through a bare paho subscriber"),
    "ingest_fraction_of_bare_paho": Figure("their ratio, median of five rounds", at_least=0.7),
    "processes_1_recordings_per_s": Figure(
        "recordings a second that one process of a worker takes out of a full queue of the broker"
    ),
    "processes_1_worker_cores": Figure("cores that it used"),
    "processes_2_recordings_per_s": Figure("the same with two processes"),
    "processes_2_worker_cores": Figure("cores that these used"),
    "processes_2_broker_cores": Figure("cores that the broker used meanwhile"),
    "processes_2_ratio": Figure("two processes divided by one, median of three rounds", at_least=1.7),
    "processes_4_ratio": Figure("four processes divided by one"),
    "ready_s": Figure("from the start of the worker's process until it is ready, seconds", 2),
    "stetho_help_s": Figure("`stetho --help`, from the start of the process to its end, seconds", 0.3),
    "peak_rss_mb_200_open": Figure("the worker's peak memory with 200 recordings open, MiB"),
    "upload_adds_ms": Figure(
        "how much longer an upload over HTTP takes than the same sound from a device, ms", 20
    ),
    "history_first_page_ms": Figure("the first page of a million results, four clients at once, ms", 10),
    "history_page_1000_ms": Figure("the thousandth page, ms", 10),
    "history_query_median_ms": Figure(
        "a query of API and worker, median of all (`bench/history/history_queries.py`), ms", 10
    ),
    "history_query_slowest_ms": Figure("the slowest of them, ms", 10),
    "postgresql_history_query_median_ms": Figure("the median of all on PostgreSQL, ms", 10),
    "postgresql_history_query_slowest_ms": Figure("the slowest there, ms", 10),
    "dashboard_first_paint_ms": Figure("first contentful paint of the dashboard, ms", 1000),
    "live_devices_in_time": Figure(
        "devices that record 44.1 kHz live on this machine, broker and load generator included, with no "
        "sample missing and 99 of 100 results within a second of the last chunk",
        at_least=600,
    ),
    "live_in_time_last_to_result_ms_p99": Figure("their 99th percentile, ms", 1000),
    "live_in_time_worker_cores": Figure("cores that the worker used for them"),
    "live_in_time_broker_cores": Figure("cores that the broker used"),
    "live_in_time_generator_cores": Figure("cores that the load generator used"),
    "live_in_time_resent_chunks": Figure("chunks that came twice", 0),
    "live_twice_resent_chunks": Figure("chunks that came twice with twice as many devices", 0),
    "live_twice_results_share": Figure("recordings of those that had their result at the end", at_least=1),
    "stream_hint_ms_p95": Figure(
        "from a chunk to the hint that it caused, 100 devices that stream 44.1 kHz with both heart models, "
        "95th percentile, ms",
        100,
    ),
    "stream_hints_per_s_least": Figure("hints per second of the device that received fewest", at_least=2),
    "stream_skipped_windows_share": Figure("windows of these streams that were skipped for lack of time", 0),
    "stream_by_2_hint_ms_p95": Figure("the 95th percentile where two processes share them, ms", 100),
    "stream_by_2_skipped_windows_share": Figure("windows that these skipped", 0),
    "stream_worker_cores": Figure("cores that one process used for them"),
    "stream_cpu_s_per_device_minute": Figure("processor time for one minute of one of them, s"),
    "stream_windows_per_s": Figure(
        "windows classified per second when ten streams arrive as fast as they can, hints included"
    ),
}

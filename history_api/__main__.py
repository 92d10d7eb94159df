"""`python -m history_api`: serve the history over HTTP until SIGTERM or Ctrl-C; `key` says who may ask."""

import argparse
import os
import sys
from typing import Final

from edge_worker import __version__
from edge_worker.errors import StethoError
from edge_worker.telemetry.logfmt import log_to_stdout
from history_api import server
from history_api.access import key_command
from history_api.settings import ApiSettings

_EXAMPLES: Final = """examples:
  python -m history_api                                serve on 127.0.0.1:8080
  STETHO_API_PORT=0 python -m history_api              serve on any free port and say which
  python -m history_api key add ann --role operator    make a key; it is printed once
  STETHO_API_AUTH=none python -m history_api           serve everybody on this machine, without keys
  curl -H "Authorization: Bearer $KEY" http://127.0.0.1:8080/api/v1/results
  curl http://127.0.0.1:8080/openapi.json              everything that can be asked

It reads STETHO_DATABASE_URL, STETHO_DATA_DIR, STETHO_MODELS_DIR, STETHO_API_*, STETHO_UPLOAD_MB,
STETHO_CACHE_MB, STETHO_FHIR_CODES and STETHO_LOG_LEVEL: docs/configuration.md.
Research and education, not a medical device."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command, to serve by default; return the exit status: 0, or 2 with one sentence on stderr."""
    chosen = parser().parse_args(arguments)
    try:
        chosen.run(chosen, ApiSettings.from_environ(os.environ))
    except (StethoError, OSError) as error:
        print(f"history_api: {error}", file=sys.stderr)
        return 2
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        prog="python -m history_api",
        description="Stetho Edge history API: results, recordings and health over HTTP.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--version", action="version", version=f"stetho-edge {__version__}")
    made.set_defaults(run=_serve)
    key_command.add_key(made.add_subparsers(metavar="COMMAND"))
    return made


def _serve(_chosen: argparse.Namespace, settings: ApiSettings) -> None:
    log_to_stdout(settings.log_level)
    server.serve(settings)


if __name__ == "__main__":
    sys.exit(main())

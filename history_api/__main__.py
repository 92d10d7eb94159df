"""Command line of the history API: `stetho api` serves until SIGTERM or Ctrl-C, `stetho key` manages keys."""

import argparse
import os
import sys
from typing import Final

from edge_worker import __version__
from edge_worker.errors import StethoError
from edge_worker.telemetry.logfmt import log_to_stdout
from history_api import server
from history_api.access import key_command
from history_api.monitoring import clock_command
from history_api.settings import ApiSettings

_EXAMPLES: Final = """examples:
  stetho api                             serve on 127.0.0.1:8080
  STETHO_API_PORT=0 stetho api           serve on any free port and print which
  stetho key add ann --role operator     make a key; it is printed once
  STETHO_API_AUTH=none stetho api        serve every client on this machine, without keys
  curl -H "Authorization: Bearer $KEY" http://127.0.0.1:8080/api/v1/results
  curl http://127.0.0.1:8080/openapi.json              the description of all endpoints

It reads STETHO_DATABASE_URL, STETHO_DATA_DIR, STETHO_MODELS_DIR, STETHO_API_*, STETHO_UPLOAD_MB,
STETHO_CACHE_MB, STETHO_FHIR_CODES and STETHO_LOG_LEVEL: docs/configuration.md.
Research and education, not a medical device."""


def main(argv: list[str] | None = None) -> int:
    """Run one command, by default the server; return the exit status: 0, or 2 with one sentence on stderr."""
    arguments = parser().parse_args(argv)
    try:
        arguments.run(arguments, ApiSettings.from_environ(os.environ))
    except (StethoError, OSError) as error:
        print(f"history_api: {error}", file=sys.stderr)
        return 2
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="stetho api",
        description="Serve results, recordings and health of a site over HTTP.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"stetho-edge {__version__}")
    parser.set_defaults(run=_serve)
    commands = parser.add_subparsers(metavar="COMMAND")
    key_command.add_parser(commands)
    clock_command.add_parser(commands)
    return parser


def _serve(_arguments: argparse.Namespace, settings: ApiSettings) -> None:
    log_to_stdout(settings.log_level)
    server.serve(settings)


if __name__ == "__main__":
    sys.exit(main())

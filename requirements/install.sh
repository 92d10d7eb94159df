#!/bin/sh
# Make a virtual environment from a hash-locked list, once per content of the list; where the list can build it, the
# project itself is installed too, as it stands here, with its command `stetho`.
# usage: requirements/install.sh ENVIRONMENT LIST [PYTHON]      e.g. requirements/install.sh .venv dev
set -eu
environment=$1
list=requirements/$2.txt
python=${3:-}

say() { echo "$*" >&2; }

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }

if [ -z "$python" ]; then
  for candidate in python3 python3.11 python3.12 python3.13; do
    if fits "$candidate"; then python=$candidate; break; fi
  done
fi
[ -n "$python" ] || { say "No Python 3.11 to 3.13 found; install one (Debian 12: apt-get install python3 python3-venv)."; exit 2; }

wanted=$("$python" -c 'import hashlib, sys; print(sys.version_info[:2], hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$list")

install_project() {
  if grep -q "^hatchling==" "$list"; then
    "$environment/bin/pip" install --quiet --disable-pip-version-check --no-input --no-deps --no-build-isolation --no-index --editable .
  fi
}

if [ "$(cat "$environment/.installed" 2>/dev/null || true)" = "$wanted" ]; then
  # An editable install follows packages, but has a copy of the single module.
  for copy in "$environment"/lib/python3.*/site-packages/stetho.py; do
    [ ! -f "$copy" ] || cmp -s stetho.py "$copy" || install_project
  done
  exit 0
fi

say "Installing $list into $environment (once) ..."
rm -rf "$environment"
if ! "$python" -m venv "$environment" >/dev/null 2>&1; then
  rm -rf "$environment"
  sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
  if command -v apt-get >/dev/null && { [ -z "$sudo" ] || command -v sudo >/dev/null; }; then
    say "Python's venv module is missing; installing python3-venv with apt-get ..."
    $sudo apt-get update -q >/dev/null && $sudo apt-get install -y -q python3-venv >/dev/null
  fi
  "$python" -m venv "$environment" || { say "Python's venv module is missing; install it (Debian: apt-get install python3-venv)."; exit 2; }
fi
quiet=--quiet; [ ! -t 2 ] || quiet= # somebody who watches sees pip's progress
"$environment/bin/pip" install $quiet --disable-pip-version-check --no-input --require-hashes -r "$list"
install_project
echo "$wanted" > "$environment/.installed"

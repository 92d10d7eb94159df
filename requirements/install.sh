#!/bin/sh
# Make a virtual environment from a hash-locked list, once per content of the list; where the list can build it, the
# project itself is installed too, as it stands here, with its command `stetho`. `demo` is what the demo needs; `dev`
# has all of it in the same versions, so that an environment of `dev` does for the demo, and `dev` is installed over
# `demo` in place.
# usage: requirements/install.sh ENVIRONMENT LIST [PYTHON]      e.g. requirements/install.sh .venv dev
set -eu
environment=$1
target=$2
python=${3:-}

say() { echo "$*" >&2; }

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }

if [ -z "$python" ]; then
  for candidate in python3 python3.11 python3.12 python3.13; do
    if fits "$candidate"; then python=$candidate; break; fi
  done
fi
[ -n "$python" ] || { say "No Python 3.11 to 3.13 found; install one (Debian 12: apt-get install python3 python3-venv)."; exit 2; }

lists_of() {
  case $1 in
    demo) echo requirements/demo.txt requirements/build.txt ;; # what builds the project, for its command
    *) echo "requirements/$1.txt" ;;
  esac
}

# What an environment of these lists has in its file `.installed`.
# shellcheck disable=SC2046,SC2086 # several lists are several words, here and below
mark_of() { "$python" -c 'import hashlib, sys; print(sys.version_info[:2], hashlib.sha256(b"".join(open(each, "rb").read() for each in sys.argv[1:])).hexdigest())' $(lists_of "$1"); }

lists=$(lists_of "$target")
wanted=$(mark_of "$target")
installed=$(cat "$environment/.installed" 2>/dev/null || true)

install_project() {
  if grep -q "^hatchling==" $lists; then
    "$environment/bin/pip" install --quiet --disable-pip-version-check --no-input --no-deps --no-build-isolation --no-index --editable .
  fi
}

if [ "$installed" = "$wanted" ] || { [ "$target" = demo ] && [ "$installed" = "$(mark_of dev)" ]; }; then
  # An editable install follows packages, but has a copy of the single module.
  for copy in "$environment"/lib/python3.*/site-packages/stetho.py; do
    [ ! -f "$copy" ] || cmp -s stetho.py "$copy" || install_project
  done
  exit 0
fi

make_environment() {
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
}

# Read what pip prints, and then the word `status` and its exit status: show one line that counts packages, on a
# terminal while it goes on; the end of what pip said, if it fails.
show_progress() {
  about="Installing $(cat $lists | grep -o '^[a-z0-9][^= ]*==' | sort -u | wc -l | tr -d ' ') packages into $environment, once"
  count=0
  log=$environment/install.log
  : > "$log"
  [ -t 2 ] || say "$about ..."
  while IFS= read -r line; do
    case $line in "status "*) ;; *) echo "$line" >> "$log" ;; esac
    case $line in
      "Collecting "* | "Requirement already "*) count=$((count + 1)); step="$count" ;;
      "Installing collected packages"*) step="$count, unpacking" ;;
      "status "*)
        [ ! -t 2 ] || say ""
        [ "$line" = "status 0" ] || { tail -n 12 "$log" >&2; say "The packages cannot be installed: $log has the whole story."; }
        exit "${line#status }"
        ;;
    esac
    [ ! -t 2 ] || printf '\r%s: %s\033[K' "$about" "${step:-0}" >&2
  done
}

# `demo` and what came over it go into one environment; a stale one is made anew.
{ [ "$target" = dev ] && [ "$installed" = "$(mark_of demo)" ]; } || make_environment
rm -f "$environment/.installed"
{
  "$environment/bin/pip" install --progress-bar off --no-color --disable-pip-version-check --no-input --require-hashes $(printf ' -r %s' $lists) 2>&1 && status=0 || status=$?
  echo "status $status"
} | show_progress
install_project
echo "$wanted" > "$environment/.installed"

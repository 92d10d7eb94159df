#!/bin/sh
# Fuzzes every reader of the Python programs, guided by coverage: fuzz.sh PYTHON SECONDS_EACH.
# New interesting inputs go to build/fuzz/NAME; an input that breaks a reader goes to build/fuzz, and ends the run.
set -eu
cd "$(dirname "$0")/../.."
python=$1
seconds=$2
export PYTHONPATH=.
[ ! -d /dev/shm ] || export TMPDIR=/dev/shm # the readers of files write one for each input
mkdir -p build/fuzz
for name in $("$python" tests/fuzz/fuzz_reader.py --list); do
    mkdir -p "build/fuzz/$name"
    log="build/fuzz/$name.log"
    if "$python" tests/fuzz/fuzz_reader.py "$name" -max_total_time="$seconds" -max_len=4096 -timeout=30 \
        -rss_limit_mb=2000 -print_final_stats=1 -artifact_prefix="build/fuzz/$name-" "build/fuzz/$name" >"$log" 2>&1
    then
        echo "$name: $(sed -n 's/.*number_of_executed_units: *//p' "$log") inputs in $seconds s"
    else
        cat "$log" >&2
        echo "$name: an input that breaks it is in build/fuzz" >&2
        exit 1
    fi
done
rm -rf "${TMPDIR:-/tmp}"/stetho-fuzz-*

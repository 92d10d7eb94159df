#!/bin/sh
# Builds the fuzz targets and fuzzes each reader, starting with the committed corpus: fuzz.sh [SECONDS_EACH].
# New interesting inputs go to build/fuzz/corpus; an input that breaks a reader does, too, and ends the run.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-20}
programs=build/sanitize/tests/fuzz
corpus=build/fuzz/corpus
cmake --preset sanitize >/dev/null
cmake --build --preset sanitize --parallel 2 --target fuzzers >/dev/null
for source in tests/fuzz/*_fuzz.cpp; do
    name=$(basename "$source" .cpp)
    mkdir -p "$corpus/$name"
    log="$corpus/$name.log"
    found="../build/fuzz/${name%_fuzz}" # by the fuzzers of the Python programs, where they have such a reader
    [ -d "$found" ] || found="$corpus/$name"
    if "$programs/$name" -max_total_time="$seconds" -max_len=1024 -timeout=5 -verbosity=0 \
        -print_final_stats=1 -artifact_prefix="$corpus/$name-" \
        "$corpus/$name" "$found" "tests/fuzz/corpus/${name%_fuzz}" >"$log" 2>&1; then
        echo "$name: $(sed -n 's/.*number_of_executed_units: *//p' "$log") inputs in $seconds s"
    else
        cat "$log" >&2
        echo "$name: an input that breaks it is in firmware/$corpus" >&2
        exit 1
    fi
done

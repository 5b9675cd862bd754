#!/bin/sh
# Builds every fuzz target and runs each for a while; fails when one finds a crash.
#
#   tests/fuzz/run.sh [SECONDS [TARGET...]]      default: 60 seconds each, all targets
#
# FUZZ_SEED=N begins from that number instead of a random one, so that a run can be repeated.
# New inputs are kept in build/fuzz/corpus and serve the next run; the seeds in tests/fuzz/corpus are only read. A
# crash leaves its input in build/fuzz/crashes: add it to tests/fuzz/corpus/TARGET together with the fix, and a test.
set -eu

seconds=${1:-60}
[ $# -gt 0 ] && shift
case $seconds in
  '' | *[!0-9]*) echo "usage: tests/fuzz/run.sh [SECONDS [TARGET...]]" >&2; exit 2 ;;
esac
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${PARLEY_FUZZ_BUILD:-$root/build/fuzz}
cd "$root"

if ! command -v clang++ >/dev/null; then
  echo "libFuzzer needs clang: apt-get install clang libclang-rt-14-dev" >&2
  exit 2
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Several of these may run at once: one builds, the others find it done.
mkdir -p "$build"
exec 9>"$build/run.lock"
flock 9
if ! { cmake --preset fuzz -B "$build" && cmake --build "$build" --target fuzzers; } >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
exec 9>&-
if [ $# -eq 0 ]; then
  # shellcheck disable=SC2046  # names without spaces
  set -- $(find "$build" -name '*_fuzz' -type f -perm -u+x -printf '%f\n' | sed 's/_fuzz$//' | sort)
fi

mkdir -p "$build/crashes"
failed=
for name in "$@"; do
  program=$(find "$build" -name "${name}_fuzz" -type f -perm -u+x | head -n 1)
  if [ -z "$program" ]; then
    echo "there is no fuzz target $name" >&2
    exit 2
  fi
  found=$build/corpus/$name
  seeds=$root/tests/fuzz/corpus/$name
  mkdir -p "$found"
  [ -d "$seeds" ] || seeds=
  echo "$name: ${seconds} s"
  # shellcheck disable=SC2086  # an empty seeds must vanish
  if "$program" -seed="${FUZZ_SEED:-0}" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=65536 \
      -print_final_stats=1 -artifact_prefix="$build/crashes/$name-" "$found" $seeds >"$log" 2>&1; then
    grep -E 'number_of_executed_units|average_exec_per_sec|new_units_added' "$log" | sed 's/^stat:://; s/^/  /'
  else
    tail -n 60 "$log" >&2
    echo "$name: FAILED, see $build/crashes" >&2
    failed="$failed $name"
  fi
done
if [ -n "$failed" ]; then
  echo "fuzzing failed:$failed" >&2
  exit 1
fi

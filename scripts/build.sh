# Configuring and compiling. Sourced by ./parley.

# build_dir PRESET: where it is, or will be, built.
build_dir() { printf '%s' "${PARLEY_BUILD_DIR:-$home/build/$1}"; }

# As many compilers as there are processors, but each may need about 1 GB of memory.
build_jobs() {
  local cpus memory_kb jobs
  cpus=$(nproc)
  memory_kb=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo)
  jobs=$((${memory_kb:-1048576} / 1048576))
  ((jobs >= 1)) || jobs=1
  ((jobs <= cpus)) || jobs=$cpus
  printf '%s' "$jobs"
}

# build PRESET [TARGET...]: everything when no target is named.
build() {
  local preset=$1 dir
  shift
  dir=$(build_dir "$preset")
  mkdir -p "$dir" 2>/dev/null && [[ -w $dir ]] ||
    die "you may not write to $dir; it was probably built by another user (try sudo, or your own copy)"
  exec 8>"$dir/.lock"  # two nodes of one copy may be brought up at a time
  flock 8
  local -a fresh=()
  if [[ -f $dir/CMakeCache.txt ]] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$home" "$dir/CMakeCache.txt"; then
    fresh=(--fresh)  # the whole copy has been moved
  fi
  if [[ ! -f $dir/build.ninja || ${#fresh[@]} -gt 0 ]]; then
    say "Configuring ($preset)"
    run_logged "$dir/configure.log" "cmake" cmake "${fresh[@]}" -S "$home" -B "$dir" --preset "$preset"
  fi
  local -a targets=()
  (($# == 0)) || targets=(--target "$@")
  if [[ $(cmake --build "$dir" "${targets[@]}" -- -n 2>/dev/null) == *"no work to do"* ]]; then
    exec 8>&-
    return 0
  fi
  say "Building ($preset; the first time takes some minutes)"
  NINJA_STATUS='  [%f/%t, %es] ' cmake --build "$dir" -j "$(build_jobs)" "${targets[@]}" ||
    die "the build failed; the compiler's words are above"
  exec 8>&-
}

# Debian packages and what installs them. Sourced by ./parley.
# shellcheck disable=SC2034  # used by who sources this

run_packages=(mosquitto mosquitto-clients postgresql procps curl)
build_packages=(
  g++ cmake ninja-build ccache pkg-config
  mosquitto-dev libmosquitto-dev          # the headers of the plugin API
  libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev
  librocksdb-dev libssl-dev libicu-dev
  libflatbuffers-dev flatbuffers-compiler
  libpaho-mqtt-dev libpaho-mqttpp-dev     # the C++ SDK
  libpq-dev libsodium-dev libspdlog-dev   # parley-bridge: metadata, passwords, logs
  libcurl4-openssl-dev                    # parleyctl's REST client
  libtomlplusplus-dev libcli11-dev libutf8proc-dev prometheus-cpp-dev
  libgtest-dev libgmock-dev mold          # a quick linker
)
# Only for `./parley test` and `./parley bench`. Node.js may come from elsewhere, so it is asked for by command.
test_packages=(zsh pgbouncer)  # its completion is tried; a pooler in front of PostgreSQL
bench_packages=(nats-server wrk)
if [[ -f $home/tests/e2e/mqttjs/package-lock.json ]] && ! command -v npm >/dev/null; then test_packages+=(nodejs npm); fi

package_installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# What may install packages from here: nothing (root), sudo, or a refusal.
as_root_prefix() {
  if is_root; then
    printf ''
  elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; then
    printf 'sudo'
  else
    return 1
  fi
}

ensure_packages() {
  local -a missing=()
  local package prefix status=0
  local -a missing_services=()
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    warn "this is no Debian: make sure that what these packages hold is there: $*"
    return 0
  fi
  for package in "$@"; do package_installed "$package" || missing+=("$package"); done
  ((${#missing[@]})) || return 0
  if ! prefix=$(as_root_prefix); then
    die "these packages are missing and you may not install them; ask an administrator to run:
  apt-get install --no-install-recommends ${missing[*]}"
  fi
  say "Installing from Debian: ${missing[*]}"
  for package in mosquitto pgbouncer; do package_installed "$package" || missing_services+=("$package"); done
  # A failure ends the subshell only, so that what was set aside for the installation is put back.
  withhold_debian_cluster "$prefix"
  (apt_install "$prefix" "${missing[@]}") || status=$?
  restore_debian_cluster "$prefix"
  ((status == 0)) || exit "$status"
  # Debian starts a freshly installed Mosquitto as a service on port 1883, and PgBouncer on 6432; ours is the one that
  # is wanted, and tests start their own.
  for package in "${missing_services[@]}"; do
    if package_installed "$package"; then stop_debian_service "$prefix" "$package"; fi
  done
}

apt_install() {  # PREFIX PACKAGE...
  local prefix=$1 log
  shift
  log=$(mktemp "${TMPDIR:-/tmp}/parley-apt.XXXXXX")
  local -a apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qy -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300)
  [[ -z $prefix ]] || apt=("$prefix" "${apt[@]}")
  run_logged "$log" "apt-get update" "${apt[@]}" update
  say "  lists are fresh; fetching and unpacking (1 to 5 minutes on a bare machine)"
  run_logged "$log" "apt-get install" "${apt[@]}" install --no-install-recommends "$@"
  rm -f "$log"
  say "  done"
}

# Debian makes and starts a cluster `main` together with the first PostgreSQL server of a version; Parley brings its own,
# in its own folder. For as long as the installation takes, this setting keeps Debian from it. What is there already
# stays as it is.
readonly debian_cluster_setting=/etc/postgresql-common/createcluster.d/zz-parley.conf

withhold_debian_cluster() {
  ${1:+"$1"} mkdir -p "${debian_cluster_setting%/*}"
  printf 'create_main_cluster = false\n' | ${1:+"$1"} tee "$debian_cluster_setting" >/dev/null
}

restore_debian_cluster() {
  ${1:+"$1"} rm -f "$debian_cluster_setting"
  ${1:+"$1"} rmdir --ignore-fail-on-non-empty "${debian_cluster_setting%/*}" || true
}

stop_debian_service() {  # PREFIX SERVICE
  local prefix=$1 service=$2
  if [[ -d /run/systemd/system ]]; then
    ${prefix:+"$prefix"} systemctl disable --now --quiet "$service.service" 2>/dev/null || return 0
  elif command -v service >/dev/null && service "$service" status >/dev/null 2>&1; then
    ${prefix:+"$prefix"} service "$service" stop >/dev/null 2>&1 || return 0
  else
    return 0
  fi
  say "  (Debian's own $service service, new with the package, was switched off)"
}

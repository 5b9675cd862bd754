# Debian packages and what installs them. Sourced by ./parley.
# shellcheck disable=SC2034  # used by who sources this

run_packages=(mosquitto mosquitto-clients procps)
build_packages=(
  g++ cmake ninja-build ccache pkg-config
  mosquitto-dev libmosquitto-dev          # the headers of the plugin API
  libboost1.81-dev libboost-json1.81-dev
  librocksdb-dev libssl-dev
  libflatbuffers-dev flatbuffers-compiler
  libpaho-mqtt-dev libpaho-mqttpp-dev     # the C++ SDK
  libtomlplusplus-dev libcli11-dev libutf8proc-dev prometheus-cpp-dev
  libgtest-dev libgmock-dev
)
# Only for `./parley test` and `./parley bench`. Node.js may come from elsewhere, so it is asked for by command.
test_packages=()
bench_packages=(nats-server)
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
  local package prefix before=no
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
  package_installed mosquitto && before=yes
  apt_install "$prefix" "${missing[@]}"
  # Debian starts a freshly installed Mosquitto as a service on port 1883; ours is the one that is wanted.
  if [[ $before == no ]] && package_installed mosquitto; then stop_debian_service "$prefix"; fi
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

stop_debian_service() {
  local prefix=$1
  if [[ -d /run/systemd/system ]]; then
    ${prefix:+"$prefix"} systemctl disable --now --quiet mosquitto.service 2>/dev/null || return 0
  elif command -v service >/dev/null && service mosquitto status >/dev/null 2>&1; then
    ${prefix:+"$prefix"} service mosquitto stop >/dev/null 2>&1 || return 0
  else
    return 0
  fi
  say "  (Debian's own mosquitto service, new with the package, was switched off)"
}

# Whether the node could run as its options are now, found out before anything that runs is stopped. Sourced by ./parley.
#
# `up` looks twice. First at the option files as the user left them (check_options). Then it writes what is its own to write
# (ports, addresses, mosquitto.conf), and looks at all that they name: keys, certificates, folders, ports, included files
# (check_node). When that fails, the files are put back as they were: what runs reads them again when it dies.

# What `up` writes in.
readonly written_files=(parley.toml bridge.toml mosquitto.conf url)

keep_options() {
  local file
  options_kept=$var/launcher/before
  rm -rf "$options_kept"
  mkdir -m 0700 "$options_kept" || die "cannot write to $var/launcher"
  for file in "${written_files[@]}"; do
    [[ ! -e $var/$file ]] || cp -p "$var/$file" "$options_kept/" || die "cannot write to $options_kept"
  done
  trap put_options_back EXIT
}
put_options_back() {
  local file
  trap - EXIT
  for file in "${written_files[@]}"; do
    if [[ ! -e $options_kept/$file ]]; then
      rm -f "$var/$file"
    elif ! cmp -s "$options_kept/$file" "$var/$file"; then
      sync -- "$options_kept/$file" || true  # as put_in_place does, but a disk that cannot is no reason to keep the new ones
      mv -f "$options_kept/$file" "$(realpath -m "$var/$file")"
    fi
  done
  rm -rf "$options_kept"
}
options_are_good() {
  trap - EXIT
  rm -rf "$options_kept"
}

# refuse FILE: after lines that say what is wrong.
refuse() {
  die "$(untouched) Put right what it names (options are in $1), then run ./parley up again"
}
untouched() {
  if supervisor_pid >/dev/null || broker_pid >/dev/null; then
    printf 'nothing was stopped, and what runs goes on as it was.'
  else
    printf 'nothing was started.'
  fi
}

# The option files by themselves, both before either is told to be wrong.
check_options() {
  local wrong=
  if [[ -e $var/parley.toml ]]; then
    "$checker" --options-only --config "$var/parley.toml" || wrong=$var/parley.toml
  fi
  if wants_bridge; then
    if [[ -e $var/bridge.toml ]]; then
      "$bridge" --check --options-only --roles "$roles" --config "$var/bridge.toml" || wrong+=${wrong:+ and }$var/bridge.toml
    else
      "$bridge" --check --options-only --roles "$roles" --config "$home/config/bridge.toml" || wrong=PARLEY_ROLES
    fi
  fi
  [[ -z $wrong ]] || refuse "$wrong"
}

# check_node NAME...: all that these services would need to start.
check_node() {
  local name
  for name in "$@"; do
    case $name in
      postgres) check_postgres ;;
      broker) check_broker ;;
      bridge) check_bridge ;;
    esac
  done
}

check_postgres() {
  local words
  # It reads all of its options, and prints one; with a server that runs, too.
  words=$(as_pg_user "$pg_bin/postgres" -D "$var/pg" -C max_connections 2>&1 >/dev/null) && return 0
  printf '%s\n' "$words" >&2
  refuse "$var/pg/postgresql.conf"
}

check_broker() {
  local pid wrong=no
  pid=$(broker_pid) || pid=0
  if [[ $metrics_port == "$mqtt_port" ]]; then die "MQTT and metrics cannot both have port $mqtt_port: set PARLEY_METRICS_PORT to another one"; fi
  check_free PARLEY_MQTT_PORT "$mqtt_bind" "$mqtt_port" 1884 "$pid"
  [[ -z $metrics_port ]] || check_free PARLEY_METRICS_PORT 127.0.0.1 "$metrics_port" 9465 "$pid"
  # Ports are looked at as who starts the broker, files as who it is then.
  "$checker" --config "$var/parley.toml" --replacing "$pid" --skip files || wrong=yes
  run_copy "$broker_user" "$checker" --config "$var/parley.toml" --replacing "$pid" --skip ports || wrong=yes
  [[ $wrong == no ]] || refuse "$var/parley.toml"
  check_mosquitto_conf "$pid"
}

check_bridge() {
  local pid host=${http_url#*://}
  pid=$(service_pid bridge) || pid=0
  if [[ $metrics_port == "${host##*:}" ]]; then die "REST and metrics cannot both have port $metrics_port: set PARLEY_METRICS_PORT to another one"; fi
  check_free PARLEY_HTTP_PORT "${host%:*}" "${host##*:}" 8081 "$pid"
  local -a replacing=(--replacing "$pid")
  local before
  before=$(sed -n 's/^database=//p' "$var/launcher/started" 2>/dev/null) || before=
  # The node's own may be about to be started.
  # An older ./parley has not written it down: then any might be new, and what works goes on.
  if [[ $pid != 0 && $database == given && $before != "$(bridge_database_sum)" ]]; then replacing+=(--new-database); fi
  run_copy "$bridge_user" "$bridge" --check --config "$var/bridge.toml" --roles "$roles" "${replacing[@]}" || refuse "$var/bridge.toml"
}

# A node that was on a given database does not go on with an empty one of its own because the url got lost.
check_database_is_meant() {
  [[ $database == own && -e $var/launcher/plan ]] || return 0
  local services
  services=" $(planned_services) "
  [[ $services == *" bridge "* && $services != *" postgres "* ]] || return 0
  [[ ! -e $var/bridge.toml || -z $(toml_get "$var/bridge.toml" database.url) ]] || return 0
  die "database.url is gone from $var_shown/bridge.toml, and the node was on another database than its own.
  Put it back (PARLEY_DATABASE_URL=postgresql://... ./parley up); or, for the node's own, write
  url = \"$(toml_get "$home/config/bridge.toml" database.url)\" below [database]. $(untouched)"
}

# run_copy USER PROGRAM ARGUMENT...: as that user, who may be unable to enter the folder of what was built.
# A shell of its own, in which the copy goes again however this ends: on a disk that is nearly full a part of it would be
# all that was free.
run_copy() (
  user=$1 program=$2
  shift 2
  if is_root; then
    trap 'exit 1' INT TERM HUP
    trap 'rm -f "${copy:-}"' EXIT
    # A name of its own: another ./parley check, or an up, may be at work.
    copy=$(mktemp "$var/lib/.check.XXXXXXXX") && install -m 0755 "$program" "$copy" 2>/dev/null || {
      words=$(disk_trouble)
      rm -f "${copy:-}"
      die "cannot write to $var_shown/lib, where what is checked needs room for a copy of $program${words:+:
  $words}"
    }
    program=$copy
  fi
  as_user "$user" "$program" "$@"
)

# check_free NAME HOST PORT ANOTHER PID: whether somebody else than that process of ours has the port.
check_free() {
  local words
  words=$("$checker" --listen "$2:$3" --replacing "$5" 2>&1) && return 0
  [[ $words != *" address "* ]] || die "$words.
  Choose an address of this machine (${1/PORT/BIND}=127.0.0.1 ./parley up). $(untouched)"
  die "$words.
  Choose another one ($1=$4 ./parley up), or stop that program. $(untouched)"
}

# Mosquitto 2.0 has no way to only read its options. It stops at the first line that it does not understand; so it is
# given one at the end, and what it complains of tells whether it came so far.
readonly end_of_check=parley_end_of_check
check_mosquitto_conf() {  # PID
  local conf=$var/mosquitto.conf trial words place line
  trial=$(mktemp "$var/launcher/mosquitto.conf.XXXXXXXX") || die "cannot write to $var/launcher"
  { cat "$conf" && printf '\n%s\n' "$end_of_check"; } >"$trial" || die "cannot write to $trial"
  words=$(cd "$var" && timeout 20 mosquitto -c "$trial" 2>&1 </dev/null) || true
  rm -f "$trial"
  if [[ $words != *"$end_of_check"* ]]; then
    words=$(sed -E 's/^[0-9]+: //' <<<"${words//"$trial"/$conf}")
    printf '%s\n' "$words" >&2
    place=$(sed -nE 's/^Error found at (.*)\.$/\1/p' <<<"$words" | tail -n 1)
    line=${place##*:}
    if [[ $line =~ ^[0-9]+$ ]]; then
      printf '  %s | %s\n' "$line" "$(cd "$var" && sed -n "${line}p" "${place%:*}" 2>/dev/null)" >&2
    fi
    refuse "${place:-$conf}; $conf is made from $home/config/mosquitto.conf.in"
  fi
  check_mosquitto_files "$1"
}

# What it names, and what included files name. A path starts in var.
check_mosquitto_files() {  # PID
  local option value file where
  local -a files=("$var/mosquitto.conf")
  while read -r option value; do
    [[ $option == include_dir ]] || continue
    for file in "$(cd "$var" && realpath -m -- "$value")"/*.conf; do
      [[ ! -f $file ]] || files+=("$file")
    done
  done <"$var/mosquitto.conf"
  for where in "${files[@]}"; do
    while read -r option value || [[ -n $option ]]; do
      case $option in
        cafile | certfile | keyfile | crlfile | dhparamfile | password_file | acl_file | psk_file)
          (cd "$var" && as_user "$broker_user" test -r "$(realpath -m -- "$value")") ||
            { warn "$where: $option $value: the broker cannot read that file" && refuse "$where"; }
          ;;
        listener)
          read -r option value <<<"$value"
          [[ $option == 0 || $option == "$mqtt_port" ]] || check_listener "$where" "${value:-0.0.0.0}" "$option" "$1"
          ;;
      esac
    done <"$where"
  done
}
check_listener() {  # FILE HOST PORT PID
  local words
  words=$("$checker" --listen "$2:$3" --replacing "$4" 2>&1) && return 0
  warn "$1: listener $3 $2: $words"
  refuse "$1"
}

# ./parley check: the same without a start, and without writing anything but copies that go again.
check_all() {
  local name
  [[ -e $var/parley.toml ]] || die "there is no node in $var_shown yet: ./parley up makes one"
  check_options
  pg_bin=
  if wants_postgres && [[ -e $var/pg/PG_VERSION ]]; then pg_find; fi
  metrics_port=$(metrics_port_of "$var/parley.toml")
  local -a names=()
  for name in $(planned_services); do
    if [[ $name != bridge || -e $var/bridge.toml ]]; then names+=("$name"); fi
  done
  if [[ -e $var/bridge.toml ]]; then http_url=$(bridge_url); fi
  check_node "${names[@]}"
  say "The options in $var_shown are in order"
}

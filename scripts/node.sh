# One node: the folder ./var and what runs in it. Sourced by ./parley.
#
#   var/parley.toml      options of the broker's plugin, copied once from config/parley.toml and then the user's
#   var/bridge.toml      options of the bridge, see bridge.sh
#   var/mosquitto.conf   written at every `up` from config/mosquitto.conf.in
#   var/url              where the REST interface is, for parleyctl; absent where there is none
#   var/keys/            signing.pem (private: tokens are made with it), jwks.json (public: the broker checks with it),
#                        admin.password
#   var/lib/             the programs that run, copies: a build does not pull them away from under the node
#   var/data/ run/       the broker's: log of messages, pid and doorbell socket
#   var/log/             its own log, which the supervisor writes
#   var/pg/ pg-run/      PostgreSQL's, see postgres.sh
#   var/launcher/        ours: process ids, logs of what we started, what was started (checksums), a lock
#
# Started by root, nothing that the network reaches runs as root: the broker drops to the user `mosquitto`, who gets
# data/ and run/ and may read the rest but the keys; the bridge is `_parley`, who may read signing.pem and
# bridge.toml; PostgreSQL is `postgres`. Started by anyone else, all of it runs as that user.

readonly broker_user=mosquitto

# node_find: sets var and the ports of the node that runs there, or that would. Changes nothing.
node_find() {
  var_shown=$(absolute_path "${PARLEY_VAR:-$home/var}")
  var=$(realpath -m -- "$var_shown")
  [[ ! -e $var || -d $var ]] || die "$var_shown is no folder: set PARLEY_VAR to one, or to a name that is free"
  [[ ! -d $var || -x $var ]] || die "you may not enter $var; was it made by root? (try sudo)"
  mqtt_port=1883
  mqtt_bind=127.0.0.1
  metrics_port=
  http_url=
  local started=$var/launcher/started key value
  if [[ -r $started ]]; then
    while IFS='=' read -r key value; do
      case $key in mqtt_port | mqtt_bind | metrics_port | http_url) printf -v "$key" '%s' "$value" ;; esac
    done <"$started"
  fi
  if [[ -n ${PARLEY_MQTT_PORT:-} ]]; then mqtt_port=$PARLEY_MQTT_PORT; fi
  check_port PARLEY_MQTT_PORT "$mqtt_port"
  [[ ${PARLEY_WAIT_S:-60} =~ ^0*[0-9]{1,5}$ ]] || die "PARLEY_WAIT_S is '$PARLEY_WAIT_S': set it to a number of seconds, 0 to 99999"
  # A zero in front does not make it octal.
  PARLEY_WAIT_S=$((10#${PARLEY_WAIT_S:-60}))
}

# Sets where what was built is.
node_programs() {
  local dir
  dir=$(build_dir release)
  plugin=$dir/broker-plugin/libparley_plugin.so
  checker=$dir/broker-plugin/parley-broker-check
  bridge=$dir/bridge/parley-bridge
  parleyctl=$dir/clients/parleyctl/parleyctl
  [[ -f $plugin && -x $parleyctl && -x $checker ]] ||
    die "$dir holds no built libparley_plugin.so, parleyctl and parley-broker-check"
  command -v mosquitto >/dev/null || die "mosquitto is not installed"
}

# node_require: for what needs to see the node's processes and logs.
node_require() {
  [[ ! -d $var/launcher || -x $var/launcher ]] ||
    die "the node in $var_shown is $(stat -c %U "$var/launcher")'s: only they can see and stop it (try sudo)"
}

# node_prepare: everything that must be there before a start.
node_prepare() {
  local words
  node_programs
  node_find
  mqtt_port=${PARLEY_MQTT_PORT:-1883}
  mqtt_bind=${PARLEY_MQTT_BIND:-127.0.0.1}
  check_port PARLEY_MQTT_PORT "$mqtt_port"
  [[ -z ${PARLEY_METRICS_PORT:-} ]] || check_port PARLEY_METRICS_PORT "$PARLEY_METRICS_PORT"
  [[ -z ${PARLEY_HTTP_PORT:-} ]] || check_port PARLEY_HTTP_PORT "$PARLEY_HTTP_PORT"
  [[ $mqtt_bind =~ ^[0-9A-Za-z.:_-]+$ ]] || die "PARLEY_MQTT_BIND is '$mqtt_bind': set it to an address"
  words=$(disk_trouble)
  [[ -z $words ]] || die "$words
  $(untouched)"
  [[ ! -e $var || -w $var ]] || die "you may not write to $var; was it made by root? (try sudo)"
  bridge_find_roles
  if wants_bridge; then ensure_bridge_user; fi
  if is_root; then place_var; fi
  (umask 077 && mkdir -p "$var") || die "cannot make the folder $var"
  mkdir -p "$var"/{data,log,run,lib,launcher}
  node_lock
  # Of checks that were killed.
  find "$var/lib" "$var/launcher" -maxdepth 1 \( -name '.check.*' -o -name 'mosquitto.conf.*' \) -mmin +10 -delete || true
  check_options
  check_database_is_meant
  keep_options
  write_options
  write_doorbell
  write_mosquitto_conf
  "$parleyctl" --var "$var" keys init >/dev/null || die "the keys in $var_shown/keys cannot be used, and were left as they are. $(untouched)"
  set_owners
  http_url=
  pg_bin=
  pg_socket=
  if wants_bridge && [[ ! -e $var/bridge.toml && -e $var/data/replica ]]; then keep_broker_facts; fi
  if wants_postgres; then pg_prepare; fi
  if wants_bridge; then
    write_bridge_options
    printf '%s\n' "$http_url" >"$var/url"
    chmod 0644 "$var/url"
    set_bridge_owners
  else
    rm -f "$var/url"
  fi
  local -a to_start
  mapfile -t to_start < <(services_to_start)
  if ((${#to_start[@]})); then check_node "${to_start[@]}"; fi
  options_are_good
}

# What `up` is about to start or restart, one a line.
services_to_start() {
  local name all=no
  if ! supervisor_pid >/dev/null || [[ $(plan) != "$(cat "$var/launcher/plan" 2>/dev/null)" ]]; then all=yes; fi
  for name in $(plan | sed -n 's/^services=//p'); do
    if [[ $all == no ]] && service_pid "$name" >/dev/null && is_started "$name"; then continue; fi
    printf '%s\n' "$name"
  done
}

# The users of the processes must be able to walk down to var. Where they may not (a clone in /root), the data goes to /var/lib and
# var becomes a link to it: root still finds it there, and nothing need run as root.
place_var() {
  local parent elsewhere
  parent=$(dirname "$var")
  mkdir -p "$parent" || die "cannot make the folder $parent"
  local user may=yes
  for user in $(node_users); do as_user "$user" test -x "$parent" || may=no; done
  [[ $may == no ]] || return 0
  elsewhere=/var/lib/parley/$(printf '%s' "$var_shown" | sha256sum | cut -c1-12)
  if [[ -e $var ]]; then
    rmdir "$var" 2>/dev/null ||
      die "the users $(node_users | paste -sd' '), as whom Parley runs, cannot enter $parent.
  Move $var where it can (mv it below /srv, and set PARLEY_VAR), or run Parley as an ordinary user."
  fi
  install -d -m 0755 /var/lib/parley "$elsewhere"
  ln -s "$elsewhere" "$var_shown"
  say "The users $(node_users | paste -sd' '), as whom Parley runs, cannot enter $parent: $var_shown is a link to $elsewhere"
  var=$elsewhere
}

node_users() {
  printf '%s\n' "$broker_user"
  if wants_postgres; then printf '%s\n' "$pg_user"; fi
  if wants_bridge; then printf '%s\n' "$bridge_user"; fi
}

set_owners() {
  chmod 0700 "$var/launcher"
  if is_root; then
    chmod 0711 "$var" "$var/keys"
    chmod 0755 "$var/lib"
    chown "root:$broker_user" "$var/parley.toml" "$var/mosquitto.conf"
    chmod 0640 "$var/parley.toml" "$var/mosquitto.conf"
    # Only at the first time, or after running as another user: a log of many files need not be walked each time.
    local folder
    for folder in data run; do
      if [[ $(stat -c %U "$var/$folder") != "$broker_user" ]]; then
        chown -R "$broker_user:$broker_user" "$var/$folder"
      fi
      chmod 0700 "$var/$folder"
    done
    own_log_folder
  else
    chmod 0700 "$var" "$var"/{data,log,run}
    local foreign
    foreign=$(find "$var" -maxdepth 2 ! -user "$EUID" -print -quit)
    [[ -z $foreign ]] || die "$foreign belongs to somebody else; was this node run by root? (try sudo)"
  fi
}

# Root writes the broker's log, and puts it aside; so nobody else may put a link there for it to follow. The folder was once the
# broker's, and what was put there then is looked at after nobody can change it any more.
own_log_folder() {
  local foreign
  chown "root:root" "$var/log"
  chmod 0700 "$var/log"
  foreign=$(find "$var/log/" -mindepth 1 \( ! -type f -o -links +1 \) -print -quit)
  [[ -z $foreign ]] || die "$foreign is a link or no file: it does not belong in the folder of the broker's log, where only plain
  files may be. Move it away, then run ./parley up again; $(untouched)"
  find "$var/log/" -mindepth 1 ! -user root -exec chown -h root:root {} +
}

# The bridge signs tokens and reads a connection string, which may hold a password; nobody else's user does.
set_bridge_owners() {
  if is_root; then
    chown "root:$bridge_user" "$var/keys"
    chmod 0751 "$var/keys"  # it looks for keys there; the broker only reads one file whose name it knows
    chown "$bridge_user:" "$var/keys/signing.pem"
    chown "root:$bridge_user" "$var/bridge.toml"
    chmod 0640 "$var/bridge.toml"
  else
    chmod 0600 "$var/bridge.toml"
  fi
  chmod 0600 "$var/keys/signing.pem"
}

# The user's options. Only the metrics' port is ours to choose, so that several nodes fit beside each other.
write_options() {
  local file=$var/parley.toml wanted=${PARLEY_METRICS_PORT:-}
  [[ -f $file ]] || copy_in_place "$home/config/parley.toml" "$file" || die "cannot write to $file"
  metrics_port=$(metrics_port_of "$file")
  if [[ -z $wanted && -n $metrics_port ]] && ! broker_pid >/dev/null; then wanted=$metrics_port; fi
  [[ -z $wanted ]] || write_metrics_port "$wanted"
}

# write_metrics_port PORT: this one, or the next that is free when the user has not asked for this one.
write_metrics_port() {
  local wanted=$1
  if [[ -z ${PARLEY_METRICS_PORT:-} ]]; then
    while port_listens 127.0.0.1 "$wanted"; do wanted=$((wanted + 1)); done
  fi
  if [[ -z $metrics_port ]]; then
    warn "PARLEY_METRICS_PORT=$wanted changes nothing: metrics.listen in $var_shown/parley.toml is no port on 127.0.0.1"
    return 0
  fi
  [[ $wanted != "$metrics_port" ]] || return 0
  toml_set "$var/parley.toml" metrics.listen "\"127.0.0.1:$wanted\""
  metrics_port=$wanted
}

# Nothing when the metrics are off, or on an address that is not the launcher's to choose a port for.
metrics_port_of() {
  local listen
  listen=$(toml_get "$1" metrics.listen 127.0.0.1:9464)
  [[ ! $listen =~ ^127\.0\.0\.1:0*([1-9][0-9]*)$ ]] || printf '%s' "${BASH_REMATCH[1]}"
}

# The doorbell's socket, where both the plugin and Mosquitto find it: in var/run, or in a shorter folder where that path
# would be too long for one. A place of the user's own choice stays.
write_doorbell() {
  local file=$var/parley.toml now folder
  now=$(toml_get "$file" doorbell.socket)
  # Not set at all, it has its default, unless there is a port instead.
  if [[ -z $now && -z $(toml_get "$file" doorbell.host) ]]; then now=run/doorbell.sock; fi
  doorbell_socket=run/doorbell.sock
  if (($(bytes_in "$var/$doorbell_socket") > socket_path_limit)); then
    short_folder bell
    doorbell_socket=$folder/doorbell.sock
    mkdir -m 0700 "$folder" 2>/dev/null || [[ -d $folder && ! -L $folder ]] || die "cannot make the folder $folder"
    if is_root; then chown "$broker_user:" "$folder"; fi
    [[ -O $folder ]] || is_root || die "$folder belongs to somebody else: move it away"
  fi
  case $now in
    "$doorbell_socket") ;;
    run/doorbell.sock | */parley-*-bell/doorbell.sock) toml_set "$file" doorbell.socket "\"$doorbell_socket\"" ;;
  esac
}

# short_folder NAME: sets folder, a place of this node's in the system's own folder for such things.
short_folder() {
  folder=/tmp
  if is_root; then folder=/run; fi
  folder+=/parley-$(printf '%s' "$var" | sha256sum | cut -c1-12)-$1
}

write_mosquitto_conf() {
  local text user_line=''
  if is_root; then user_line="user $broker_user"; fi
  text=$(<"$home/config/mosquitto.conf.in")
  text=${text//@MQTT_PORT@/$mqtt_port}
  text=${text//@MQTT_BIND@/$mqtt_bind}
  text=${text//@USER_LINE@/$user_line}
  text=${text/run\/doorbell.sock/$doorbell_socket}
  printf '%s\n' "$text" >"$var/mosquitto.conf"
}

# What each process is made of; when this changes, `up` starts it anew.
fingerprint() {
  case $1 in
    postgres) as_user "$pg_user" cat "$var/pg/postgresql.conf" ;;
    broker) cat "$plugin" "$var/mosquitto.conf" "$var/parley.toml" "$(command -v mosquitto)" ;;
    bridge) cat "$bridge" "$var/bridge.toml" ;;
  esac | sha256sum | cut -d' ' -f1
}

# Which processes there are, and what their commands need; for the supervisor.
plan() {
  local list=broker
  if wants_postgres; then list="postgres $list"; fi
  if wants_bridge; then list="$list bridge"; fi
  printf '%s\n' "services=$list" "pg_bin=$pg_bin" "pg_socket=$pg_socket" "roles=$roles"
}
planned_services() { sed -n 's/^services=//p' "$var/launcher/plan" 2>/dev/null; }

# Two `up` at a time would start two brokers on one log.
node_lock() {
  # A disk that is read-only does not keep a node from being stopped.
  if ! { exec 9>>"$var/launcher/lock"; } 2>/dev/null && ! { exec 9<"$var/launcher/lock"; } 2>/dev/null; then
    warn "$var/launcher/lock cannot be opened; going on without it"
    return 0
  fi
  flock -w 120 9 || die "another ./parley up or down is at work on $var"
}
node_unlock() { exec 9>&-; }

supervisor_pid() { process_of supervisor; }

# service_pid NAME: the process, if it lives and is this node's.
service_pid() { process_of "$1"; }
broker_pid() { service_pid broker; }

# service_answers NAME: whether it does its work; sets answer to why not.
service_answers() {
  case $1 in
    postgres) pg_answers ;;
    broker) node_answers ;;
    bridge) bridge_ready ;;
  esac
}

# A whole round trip: connect with a signed token, ask the plugin, get its answer.
node_answers() {
  answer=$("$parleyctl" --var "$var" --host "$(node_host)" --port "$mqtt_port" --json stats 2>&1) || return 1
  # It reads on, and would be taken for well.
  if [[ $answer =~ \"degraded\":(true|1) ]]; then
    answer="it takes no messages, and reading goes on: $(broker_degraded)"
    return 1
  fi
}

# Why its log takes no writes.
broker_degraded() {
  local words
  words=$(disk_trouble)
  [[ -n $words ]] || words="less free than log.reserve_mb in $var/parley.toml ($(free_space)): make room"
  printf '%s' "$words"
}

node_host() {
  case $mqtt_bind in
    0.0.0.0 | "*") printf 127.0.0.1 ;;
    ::) printf ::1 ;;
    *) printf '%s' "$mqtt_bind" ;;
  esac
}

# node_up: starts what does not run and what has changed. True when there was something to do.
node_up() {
  local name changed=1 newly_started=no
  if ! supervisor_pid >/dev/null || [[ $(plan) != "$(cat "$var/launcher/plan" 2>/dev/null)" ]]; then
    node_stop || true
    node_start
    return 0
  fi
  for name in $(planned_services); do
    if service_pid "$name" >"$var/launcher/$name.pid.new" && is_started "$name"; then
      mv -f "$var/launcher/$name.pid.new" "$var/launcher/$name.pid"  # in case it was lost
      continue
    fi
    changed=0
    service_restart "$name"
  done
  ((changed == 0)) || return 1
  await_services
}

is_started() { grep -qxF "$1=$(fingerprint "$1")" "$var/launcher/started" 2>/dev/null; }

node_start() {
  local name newly_started=yes
  plan >"$var/launcher/plan"
  for name in $(planned_services); do
    rm -f "$var/launcher/$name".{pid,pid.new,failures,ended}
    mark_log "$name"
    service_install "$name"
  done
  rm -f "$var/launcher/started" "$var/run/doorbell.sock"
  [[ $doorbell_socket == run/* ]] || rm -f "$doorbell_socket"
  say "Starting $(planned_services | sed 's/ /, /g')"
  setsid "$home/parley" __supervise "$var" </dev/null >>"$var/launcher/supervisor.log" 2>&1 9>&- &
  printf '%s\n' "$!" >"$var/launcher/supervisor.pid"
  await_services
}

# A new file, not the old one overwritten: a process that is on its way out may still have that one mapped.
service_install() {
  case $1 in
    broker) install -m 0755 "$plugin" "$var/lib/.new" && mv -f "$var/lib/.new" "$var/lib/libparley_plugin.so" ;;
    bridge) install -m 0755 "$bridge" "$var/lib/.new" && mv -f "$var/lib/.new" "$var/lib/parley-bridge" ;;
  esac
}

# Stops one process; the supervisor starts it again, now, even if it had died often.
service_restart() {
  local pid
  service_install "$1"
  say "Restarting $1"
  mark_log "$1"
  if pid=$(service_pid "$1"); then stop_process "$pid" 30 "$1" "$(stop_signal "$1")" || die "it cannot be restarted"; fi
  rm -f "$var/launcher/$1.failures"
  if pid=$(supervisor_pid); then kill -USR1 "$pid"; fi
}

# PostgreSQL's INT is the quick, orderly end: it does not wait for its clients to leave.
stop_signal() { if [[ $1 == postgres ]]; then printf INT; else printf TERM; fi; }

# Until all of them answer. The broker is the node; of one that was just started nothing stays without it. When the others
# do not come, chat goes on, and `up` fails with words.
await_services() {
  local name
  local -a healthy=()
  for name in $(planned_services); do
    if await_service "$name" && { [[ $name != broker ]] || settle_metrics; }; then
      healthy+=("$name")
      continue
    fi
    write_started "${healthy[@]}"
    # Told before it is stopped: who does not answer can be asked why.
    if [[ $name == broker && $newly_started == yes ]]; then
      (show_failure broker) || true
      node_stop >/dev/null || true
      exit 1
    fi
    show_failure "$name"
  done
  write_started "${healthy[@]}"
  if wants_bridge; then bridge_make_admin; fi
}

# Of two nodes that start at the same time, both may have found the same port free for their metrics. The one that came
# second says so in its log, and gets another one here. False when the broker does not come back.
settle_metrics() {
  local tries
  if [[ -n ${PARLEY_METRICS_PORT:-} ]] && last_words broker | grep -q 'event=metrics_off'; then
    warn "$(metrics_off); the broker goes on without. Give it another PARLEY_METRICS_PORT, and run ./parley up again"
  fi
  [[ -n $metrics_port && -z ${PARLEY_METRICS_PORT:-} ]] || return 0
  for tries in 1 2 3 4 5; do
    last_words broker | grep -q 'event=metrics_off' || return 0
    write_metrics_port "$((metrics_port + tries))"
    say "The port for metrics was taken meanwhile; it is $metrics_port now"
    service_restart broker
    await_service broker || return 1
  done
}

# Just started, it does not yet have the command line that supervisor_pid knows it by.
supervisor_lives() { kill -0 "$(cat "$var/launcher/supervisor.pid" 2>/dev/null)" 2>/dev/null; }

await_service() {
  local name=$1 deadline failed
  read_clock
  deadline=$((now + PARLEY_WAIT_S * 1000))  # to ask takes its time too, of who does not answer the most
  until service_pid "$name" >/dev/null && service_answers "$name"; do
    # Not how often it was started: it may be a moment away from having its own command line.
    failed=$(cat "$var/launcher/$name.failures" 2>/dev/null) || failed=0
    read_clock
    if ((now >= deadline)) || { ((${failed:-0} >= 3)) && ! service_pid "$name" >/dev/null; } || ! supervisor_lives; then
      return 1
    fi
    sleep 0.1
  done
}

write_started() {  # NAME...
  local name
  {
    printf '%s\n' "mqtt_port=$mqtt_port" "mqtt_bind=$mqtt_bind" "metrics_port=$metrics_port" "http_url=$http_url"
    if wants_bridge; then printf '%s\n' "database=$(bridge_database_sum)"; fi
    for name in "$@"; do printf '%s\n' "$name=$(fingerprint "$name")"; done
  } >"$var/launcher/started"
}

# log_of NAME: where it writes.
log_of() {
  local reply
  service_log "$1"
  printf '%s' "$var/$reply"
}

# Before a start: what is in the log by now is not about it.
mark_log() {
  stat -c %s "$(log_of "$1")" 2>/dev/null >"$var/launcher/$1.mark" || printf '0\n' >"$var/launcher/$1.mark"
}

# What its last start has written; of lines that repeat (it was started several times), one.
last_words() {
  local log mark size
  log=$(log_of "$1")
  mark=$(cat "$var/launcher/$1.mark" 2>/dev/null) || mark=0
  size=$(stat -c %s "$log" 2>/dev/null) || return 0
  if ((mark > size)); then mark=0; fi
  tail -c "+$((mark + 1))" "$log" |
    awk '/mosquitto version .* starting$/ { n = 0 } /"msg":"stopped"}$/ { n = 0; next } $0 != before { line[++n] = $0 } { before = $0 }
      END { for (i = (n > 15 ? n - 14 : 1); i <= n; i++) print line[i] }'
}

show_failure() {  # NAME
  local options=$var/parley.toml state="did not start"
  case $1 in
    bridge) options=$var/bridge.toml ;;
    postgres) options=$var/pg/postgresql.conf ;;
  esac
  if service_pid "$1" >/dev/null; then
    state="did not become ready"
    if ! service_answers "$1" && [[ -n $answer ]]; then state+=" ($answer)"; fi
  fi
  warn "$1 $state:"
  reason_of "$1" | sed 's/^/  /' >&2
  warn "all of it is in $(log_of "$1")"
  die "put right what it names (options are in $options), then run ./parley up again"
}

# node_stop: stops all that belongs to this folder, also what lost its supervisor or its pid file; false when there was
# nothing. Ends with words and 1 when something stays.
node_stop() {
  local pid name tries stopped=1
  local -a left=()
  for name in supervisor bridge broker postgres; do
    tries=0
    while pid=$(process_of "$name"); do
      if ((tries++ == 5)) || ! stop_named "$name" "$pid"; then
        left+=("$name (process $pid)")
        break
      fi
      stopped=0
    done
  done
  rm -f "$var/launcher"/{supervisor,broker,bridge,postgres}.pid 2>/dev/null || true
  ((${#left[@]} == 0)) || die "still running, and not to be stopped: ${left[*]}"
  ((stopped)) || say "Stopped the node in $var_shown"
  return "$stopped"
}
stop_named() {  # NAME PID
  if [[ $1 == supervisor ]]; then stop_process "$2" 100 "the supervisor"; else stop_process "$2" 30 "$1" "$(stop_signal "$1")"; fi
}

node_status() {
  local name words well=yes
  parleyctl=$(build_dir release)/clients/parleyctl/parleyctl
  local any=no
  for name in supervisor broker bridge postgres; do if process_of "$name" >/dev/null; then any=yes; fi; done
  if [[ $any == no ]]; then
    say "Parley is not running (in $var_shown)"
    disk_trouble
    exit 3
  fi
  read_plan_of_node
  say "Parley runs in $var_shown"
  for name in "${services[@]}"; do status_of "$name" || well=no; done
  words=$(disk_trouble)
  if [[ -n $words ]]; then
    say "  $words"
    well=no
  fi
  supervisor_pid >/dev/null || say "Its supervisor is gone: ./parley up puts that right"
  [[ $well == yes ]] || exit 1
}

# status_of NAME: a line or some, and whether all is well with it.
status_of() {
  local name=$1 pid words ended
  if ! pid=$(service_pid "$name"); then
    ended=$(cut -d' ' -f2- "$var/launcher/$name.ended" 2>/dev/null) || ended=
    words="has died${ended:+ ($ended)}"
    if supervisor_pid >/dev/null; then words+=" and is about to be started again"; fi
    say "  $(printf '%-8s' "$name")  $words; see ./parley logs"
    reason_of "$name" | sed 's/^/            /'
    return 1
  fi
  if is_frozen "$pid"; then
    status_line "$name" "$pid" "It does not answer: $(reason_of "$name")"
    return 1
  fi
  if ! service_answers "$name"; then
    case $name in
      bridge) status_line "$name" "$pid" "It is not ready: $answer" ;;
      *) status_line "$name" "$pid" "It does not answer: $(tail -n 1 <<<"$answer")" ;;
    esac
    if died_lately "$name"; then
      say "            It has died and was started again; before, it said:"
      reason_of "$name" | sed 's/^/            /'
    fi
    return 1
  fi
  status_line "$name" "$pid" "It answers"
  if [[ $name == broker && -n $metrics_port ]] && last_words broker | grep -q 'event=metrics_off'; then
    say "            $(metrics_off)"
    return 1
  fi
}
# The supervisor notes when it ends by itself.
died_lately() {
  local when
  when=$(cut -d' ' -f1 "$var/launcher/$1.ended" 2>/dev/null) && (($(date +%s) - ${when:-0} < 60))
}
metrics_off() {
  printf 'Its metrics are off: %s' "$(last_words broker | sed -nE 's/.*event=metrics_off reason="(.*)"$/\1/p' | tail -n 1)"
}

status_line() {  # NAME PROCESS WORDS
  local what
  case $1 in
    postgres) what="database in $var_shown/pg, socket in $pg_socket" ;;
    broker) what="MQTT on $mqtt_bind:$mqtt_port${metrics_port:+, metrics on http://127.0.0.1:$metrics_port/metrics}" ;;
    bridge) what="REST on $http_url/api/v1 (roles $roles)" ;;
  esac
  printf '  %-8s  process %s, for %s: %s. %s\n' "$1" "$2" "$(ps -o etime= -p "$2" | tr -d ' ')" "$what" "$3"
}

# The supervisor's plan, read by somebody else.
read_plan_of_node() {
  services=(broker)
  pg_bin=
  pg_socket=
  roles=
  [[ ! -r $var/launcher/plan ]] || read_plan "$var/launcher/plan"
}

# How the user calls this very node.
parley_command() {
  local words=''
  [[ -z ${PARLEY_VAR:-} ]] || words="PARLEY_VAR=$(printf '%q' "$var_shown") "
  printf '%s' "$words./parley"
}

node_next_steps() {
  local p
  p=$(parley_command)
  say "Parley is up: MQTT on $mqtt_bind:$mqtt_port${http_url:+, REST on $http_url/api/v1}${metrics_port:+, metrics on http://127.0.0.1:$metrics_port/metrics}"
  if [[ -z $http_url ]]; then
    cat <<END || true  # nobody may be reading
  two people, one room:  $p ctl user put alice bob; $p ctl room put general; $p ctl member put general alice bob
  chat:                  $p ctl chat general --as alice     (and --as bob in another terminal)
  listen as bob:         mosquitto_sub -p $mqtt_port -u bob -P "\$($p ctl token bob)" -t rooms/general/messages/json
  write as alice:        mosquitto_pub -p $mqtt_port -u alice -P "\$($p ctl token alice)" -t rooms/general/send -m hello
  see it, stop it:       $p status, $p logs -f, $p down
END
    return
  fi
  cat <<END || true
  an account:        $p ctl register alice     (or by curl: see README.md)
  a room:            $p ctl rooms create general
  a friend:          $p ctl invite create general    makes a code; the friend registers and says: ctl join general CODE
  chat:              $p ctl chat general
  administrator:     $p ctl admin --help; the account is admin, its password is in $var_shown/keys/admin.password
  see it, stop it:   $p status, $p logs -f, $p down; the interface is described at $http_url/api/v1/docs
END
}

# node_stay: for containers. Shows the logs until interrupted, then stops the node.
node_stay() {
  local supervisor
  local -a files=()
  supervisor=$(supervisor_pid)
  trap 'node_stop || true; exit 0' INT TERM
  mapfile -t files < <(node_logs)
  tail -q -n 0 -F --pid="$supervisor" "${files[@]}" 2>/dev/null &
  wait $! || true
  die "the supervisor ended; see $var/launcher/supervisor.log"
}

# The logs there may be, one a line.
node_logs() {
  local name
  printf '%s\n' "$var/launcher/supervisor.log"
  for name in $(planned_services); do log_of "$name" && printf '\n'; done
}

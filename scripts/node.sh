# One node: the folder ./var and what runs in it. Sourced by ./parley.
#
#   var/parley.toml      options, copied once from config/parley.toml and then the user's
#   var/mosquitto.conf   written at every `up` from config/mosquitto.conf.in
#   var/keys/            signing.pem (private: tokens are made with it), jwks.json (public: the broker checks with it)
#   var/lib/             the plugin that runs, a copy: a build does not pull it away from under the broker
#   var/data/ log/ run/  the broker's: log of messages, its own log, pid and doorbell socket
#   var/launcher/        ours: pid of the supervisor, what was started (ports, checksum), a lock
#
# Started by root, the broker drops to the user `mosquitto`, who gets data/, log/ and run/ and may read the rest but
# signing.pem. Started by anyone else, it runs as that user.

readonly broker_user=mosquitto

# node_find: sets var and the ports of the node that runs there, or that would. Changes nothing.
node_find() {
  var_shown=$(absolute_path "${PARLEY_VAR:-$home/var}")
  var=$(realpath -m -- "$var_shown")
  if [[ -d $var && ! -x $var ]] || [[ -e $var && ! -d $var ]]; then
    die "$var is no folder that you may use; was it made by root? (try sudo)"
  fi
  mqtt_port=1883
  mqtt_bind=127.0.0.1
  metrics_port=
  local started=$var/launcher/started key value
  if [[ -r $started ]]; then
    while IFS='=' read -r key value; do
      case $key in mqtt_port | mqtt_bind | metrics_port) printf -v "$key" '%s' "$value" ;; esac
    done <"$started"
  fi
  if [[ -n ${PARLEY_MQTT_PORT:-} ]]; then mqtt_port=$PARLEY_MQTT_PORT; fi
  check_port PARLEY_MQTT_PORT "$mqtt_port"
}

as_broker_user() { setpriv --reuid="$broker_user" --regid="$broker_user" --init-groups -- "$@"; }

# node_prepare: everything that must be there before a start.
node_prepare() {
  local dir
  dir=$(build_dir release)
  plugin=$dir/broker-plugin/libparley_plugin.so
  parleyctl=$dir/clients/parleyctl/parleyctl
  [[ -f $plugin && -x $parleyctl ]] || die "$dir holds no built libparley_plugin.so and parleyctl"
  command -v mosquitto >/dev/null || die "mosquitto is not installed"
  node_find
  mqtt_port=${PARLEY_MQTT_PORT:-1883}
  mqtt_bind=${PARLEY_MQTT_BIND:-127.0.0.1}
  check_port PARLEY_MQTT_PORT "$mqtt_port"
  check_port PARLEY_HTTP_PORT "${PARLEY_HTTP_PORT:-8080}"
  [[ -z ${PARLEY_METRICS_PORT:-} ]] || check_port PARLEY_METRICS_PORT "$PARLEY_METRICS_PORT"
  [[ $mqtt_bind =~ ^[0-9A-Za-z.:_-]+$ ]] || die "PARLEY_MQTT_BIND is '$mqtt_bind': set it to an address"
  if is_root; then place_var; fi
  (umask 077 && mkdir -p "$var") || die "cannot make the folder $var"
  [[ -w $var ]] || die "you may not write to $var; was it made by root? (try sudo)"
  mkdir -p "$var"/{data,log,run,lib,launcher}
  node_lock
  write_options
  write_mosquitto_conf
  "$parleyctl" --var "$var" keys init >/dev/null || die "the keys could not be made"
  set_owners
}

# The broker's user must be able to walk down to var. Where it may not (a clone in /root), the data goes to /var/lib and
# var becomes a link to it: root still finds it there, and the broker need not run as root.
place_var() {
  local parent elsewhere
  parent=$(dirname "$var")
  mkdir -p "$parent" || die "cannot make the folder $parent"
  if as_broker_user test -x "$parent"; then return 0; fi
  elsewhere=/var/lib/parley/$(printf '%s' "$var_shown" | sha256sum | cut -c1-12)
  if [[ -e $var ]]; then
    rmdir "$var" 2>/dev/null ||
      die "the user $broker_user, as whom the broker runs, cannot enter $parent.
  Move $var where it can (mv it below /srv, and set PARLEY_VAR), or run Parley as an ordinary user."
  fi
  install -d -m 0755 /var/lib/parley "$elsewhere"
  ln -s "$elsewhere" "$var_shown"
  say "The user $broker_user, as whom the broker runs, cannot enter $parent: $var_shown is a link to $elsewhere"
  var=$elsewhere
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
    for folder in data log run; do
      if [[ $(stat -c %U "$var/$folder") != "$broker_user" ]]; then
        chown -R "$broker_user:$broker_user" "$var/$folder"
      fi
      chmod 0700 "$var/$folder"
    done
  else
    chmod 0700 "$var" "$var"/{data,log,run}
    local foreign
    foreign=$(find "$var" -maxdepth 2 ! -user "$EUID" -print -quit)
    [[ -z $foreign ]] || die "$foreign belongs to somebody else; was this node run by root? (try sudo)"
  fi
}

# The user's options. Only the metrics' port is ours to choose, so that several nodes fit beside each other.
write_options() {
  local file=$var/parley.toml wanted=${PARLEY_METRICS_PORT:-}
  [[ -f $file ]] || cp "$home/config/parley.toml" "$file"
  metrics_port=$(metrics_port_of "$file")
  if [[ -z $wanted && -n $metrics_port ]] && ! broker_pid >/dev/null; then
    wanted=$metrics_port
    while port_listens 127.0.0.1 "$wanted"; do wanted=$((wanted + 1)); done
  fi
  if [[ -n $wanted && $wanted != "$metrics_port" ]]; then
    sed -i -E "s/^(listen = \"127\.0\.0\.1):[0-9]+\"/\1:$wanted\"/" "$file"
    metrics_port=$(metrics_port_of "$file")
  fi
}

# Nothing when the metrics are off, or on an address that is not the launcher's to choose a port for.
metrics_port_of() { sed -n -E 's/^listen = "127\.0\.0\.1:([0-9]+)".*/\1/p' "$1" | head -n 1; }

write_mosquitto_conf() {
  local text user_line=''
  if is_root; then user_line="user $broker_user"; fi
  text=$(<"$home/config/mosquitto.conf.in")
  text=${text//@MQTT_PORT@/$mqtt_port}
  text=${text//@MQTT_BIND@/$mqtt_bind}
  text=${text//@USER_LINE@/$user_line}
  printf '%s\n' "$text" >"$var/mosquitto.conf"
}

# What a running node was made of; when this changes, `up` starts it anew.
node_fingerprint() {
  cat "$plugin" "$var/mosquitto.conf" "$var/parley.toml" "$(command -v mosquitto)" | sha256sum | cut -d' ' -f1
}

# Two `up` at a time would start two brokers on one log.
node_lock() {
  exec 9>"$var/launcher/lock"
  flock -w 120 9 || die "another ./parley up or down is at work on $var"
}
node_unlock() { exec 9>&-; }

supervisor_pid() {
  local pid
  pid=$(cat "$var/launcher/supervisor.pid" 2>/dev/null) || return 1
  process_has "$pid" __supervise "$var" && printf '%s' "$pid"
}
broker_pid() {
  local pid
  pid=$(cat "$var/launcher/broker.pid" 2>/dev/null) || return 1
  process_has "$pid" -c "$var/mosquitto.conf" && printf '%s' "$pid"
}

node_is_current() {
  supervisor_pid >/dev/null && broker_pid >/dev/null || return 1
  grep -qxF "fingerprint=$(node_fingerprint)" "$var/launcher/started" 2>/dev/null
}

# A whole round trip: connect with a signed token, ask the plugin, get its answer.
node_answers() { "$parleyctl" --var "$var" --host "$(node_host)" --port "$mqtt_port" stats >/dev/null 2>"$var/launcher/answer"; }

node_host() {
  case $mqtt_bind in
    0.0.0.0 | "*") printf 127.0.0.1 ;;
    ::) printf ::1 ;;
    *) printf '%s' "$mqtt_bind" ;;
  esac
}

node_start() {
  local tries=300 supervisor starts
  if port_listens "$(node_host)" "$mqtt_port"; then
    die "port $mqtt_port is taken by another program$(port_owner "$mqtt_port").
  Choose another one (PARLEY_MQTT_PORT=1884 ./parley up), or stop that program."
  fi
  rm -f "$var/run/doorbell.sock" "$var/launcher/broker.pid" "$var/launcher/starts"
  # A new file, not the old one overwritten: a broker that is on its way out may still have that one mapped.
  install -m 0755 "$plugin" "$var/lib/.new" && mv -f "$var/lib/.new" "$var/lib/libparley_plugin.so"
  say "Starting the broker on port $mqtt_port"
  setsid "$home/parley" __supervise "$var" </dev/null >>"$var/launcher/supervisor.log" 2>&1 9>&- &
  supervisor=$!
  printf '%s\n' "$supervisor" >"$var/launcher/supervisor.pid"
  until broker_pid >/dev/null && node_answers; do
    starts=$(cat "$var/launcher/starts" 2>/dev/null) || starts=0
    if ((tries-- == 0 || ${starts:-0} >= 3)) || ! kill -0 "$supervisor" 2>/dev/null; then
      node_stop || true
      show_failure
      return 1
    fi
    sleep 0.1
  done
  cat >"$var/launcher/started" <<END
mqtt_port=$mqtt_port
mqtt_bind=$mqtt_bind
metrics_port=$metrics_port
fingerprint=$(node_fingerprint)
END
}

port_owner() {
  command -v ss >/dev/null || return 0
  ss -Hltnp "sport = :$1" 2>/dev/null | sed -n -E 's/.*users:\(\("([^"]+)",pid=([0-9]+).*/ (\1, process \2)/p' | head -n 1
}

show_failure() {
  warn "the node did not start. The end of its log ($var/log/mosquitto.log):"
  tail -n 15 "$var/log/mosquitto.log" >&2 2>/dev/null || tail -n 15 "$var/launcher/supervisor.log" >&2 || true
  [[ ! -s $var/launcher/answer ]] || { warn "asked whether it answers, parleyctl said:" && tail -n 3 "$var/launcher/answer" >&2; }
  die "put right what it names (options are in $var/parley.toml), then run ./parley up again"
}

# node_stop: stops what runs here; false when nothing did. A broker whose supervisor was killed is found too.
node_stop() {
  local pid stopped=1
  if pid=$(supervisor_pid); then
    stop_process "$pid" 40 "the supervisor"
    stopped=0
  fi
  if pid=$(broker_pid); then
    stop_process "$pid" 30 "the broker"
    stopped=0
  fi
  rm -f "$var/launcher/supervisor.pid" "$var/launcher/broker.pid" 2>/dev/null || true
  ((stopped)) || say "Stopped the node in $var_shown"
  return "$stopped"
}

node_status() {
  local pid
  parleyctl=$(build_dir release)/clients/parleyctl/parleyctl
  if ! pid=$(broker_pid); then
    if supervisor_pid >/dev/null; then
      say "The broker in $var_shown has died and is about to be started again; see ./parley logs"
      exit 1
    fi
    say "Parley is not running (in $var_shown)"
    exit 3
  fi
  say "Parley runs in $var_shown as process $pid, for $(ps -o etime= -p "$pid" | tr -d ' ')"
  say "MQTT on $mqtt_bind:$mqtt_port${metrics_port:+, metrics on http://127.0.0.1:$metrics_port/metrics}"
  supervisor_pid >/dev/null || say "Its supervisor is gone: ./parley up puts that right"
  if ! node_answers; then
    say "It does not answer: $(tail -n 1 "$var/launcher/answer")"
    exit 1
  fi
  say "It answers"
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
  cat <<END || true  # nobody may be reading
Parley is up: MQTT on $mqtt_bind:$mqtt_port${metrics_port:+, metrics on http://127.0.0.1:$metrics_port/metrics}
  two people, one room:  $p ctl user put alice bob; $p ctl room put general; $p ctl member put general alice bob
  chat:                  $p ctl chat general --as alice     (and --as bob in another terminal)
  listen as bob:         mosquitto_sub -p $mqtt_port -u bob -P "\$($p ctl token bob)" -t rooms/general/messages/json
  write as alice:        mosquitto_pub -p $mqtt_port -u alice -P "\$($p ctl token alice)" -t rooms/general/send -m hello
  see it, stop it:       $p status, $p logs -f, $p down
END
}

# node_stay: for containers. Shows the log until interrupted, then stops the node.
node_stay() {
  local supervisor
  supervisor=$(supervisor_pid)
  trap 'node_stop || true; exit 0' INT TERM
  tail -n 0 -F --pid="$supervisor" "$var/log/mosquitto.log" 2>/dev/null &
  wait $! || true
  die "the supervisor ended; see $var/launcher/supervisor.log"
}

# parley-bridge: its options in var/bridge.toml, and the first administrator. Sourced by ./parley.
#
# var/bridge.toml is copied once from config/bridge.toml and then the user's; `up` only sets what it was asked for
# (PARLEY_HTTP_PORT, PARLEY_HTTP_BIND, PARLEY_DATABASE_URL) and keeps what it had set itself in step: the node's own
# database and the node's own broker.

# Debian keeps names that begin with an underscore for the users of services.
readonly bridge_user=_parley

as_bridge_user() { as_user "$bridge_user" "$@"; }

# wants_bridge: unless the node is to be a broker alone.
wants_bridge() { [[ -n $roles ]]; }
# wants_postgres: unless there is another database, or none is needed.
wants_postgres() { [[ $database == own ]]; }

# Sets roles and database (own, given or none).
bridge_find_roles() {
  roles=${PARLEY_ROLES-control,api}
  database=none
  [[ $roles =~ ^([a-z]+(,[a-z]+)*)?$ ]] || die "PARLEY_ROLES is '$roles': set it to control,api, or to nothing for a broker alone"
  wants_bridge || return 0
  [[ -f $bridge && -x $bridge ]] || die "$(build_dir release) holds no built parley-bridge"
  database=own
  if [[ -n ${PARLEY_DATABASE_URL:-} ]]; then
    [[ $PARLEY_DATABASE_URL != *[[:cntrl:]]* ]] ||
      die "PARLEY_DATABASE_URL holds a line end, a tab or the like, which may have come along as it was copied: set it without. $(untouched)"
    database=given
  elif [[ -f $var/bridge.toml ]]; then
    bridge_database_is_own || database=given
  fi
}

# Whether the options name the node's own database, or none yet. Its socket is elsewhere after the folder has moved; but a
# socket that is there and not ours is another node's.
bridge_database_is_own() {
  local url host
  # A file that cannot be read is told by check_options.
  url=$(toml_get "$var/bridge.toml" database.url 2>/dev/null) || return 0
  [[ -n $url && $url != "$(toml_get "$home/config/bridge.toml" database.url)" ]] || return 0
  pg_find_socket
  [[ $url != "$(pg_url)" ]] || return 0
  [[ -e $var/pg/PG_VERSION && $url =~ ^postgresql:///parley\?host=([^&]*)"&port=$pg_port&user=parley"$ ]] || return 1
  printf -v host '%b' "${BASH_REMATCH[1]//%/\\x}"
  [[ ! -e $host ]]
}

# Tells another database from the same one, and no password.
bridge_database_sum() { toml_get "$var/bridge.toml" database.url | sha256sum | cut -d' ' -f1; }

ensure_bridge_user() {
  is_root || return 0
  getent passwd "$bridge_user" >/dev/null && return 0
  useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$bridge_user" ||
    die "cannot make the user $bridge_user, as whom the bridge is to run"
}

# Sets http_url too.
write_bridge_options() {
  local file=$var/bridge.toml first=no listen bind port
  if [[ ! -f $file ]]; then
    (umask 077 && copy_in_place "$home/config/bridge.toml" "$file") || die "cannot write to $file"
    first=yes
  fi
  case $database in
    own) toml_set "$file" database.url "$(toml_string "$(pg_url)")" ;;
    given)
      if [[ -n ${PARLEY_DATABASE_URL:-} ]]; then
        toml_set "$file" database.url "$(toml_string "$PARLEY_DATABASE_URL")"
      fi
      ;;
  esac
  listen=127.0.0.1:8080
  if [[ $first == no ]]; then listen=$(toml_get "$file" http.listen "$listen"); fi
  bind=${listen%:*}
  port=$((10#${listen##*:}))  # 08080 is no octal number
  local whose_bind="the address of http.listen in $file" whose_port="the port of http.listen in $file"
  if [[ -n ${PARLEY_HTTP_BIND:-} ]]; then bind=$PARLEY_HTTP_BIND whose_bind=PARLEY_HTTP_BIND; fi
  if [[ -n ${PARLEY_HTTP_PORT:-} ]]; then port=$PARLEY_HTTP_PORT whose_port=PARLEY_HTTP_PORT; fi
  [[ $bind =~ ^[][0-9A-Za-z.:_-]+$ ]] || die "$whose_bind is '$bind': set it to an address. $(untouched)"
  if [[ $bind == *:* && $bind != \[* ]]; then bind="[$bind]"; fi
  ([[ $port =~ ^[1-9][0-9]{0,4}$ ]] && ((port <= 65535))) || die "$whose_port is '$port': set it to a port, 1 to 65535. $(untouched)"
  [[ $port != "$mqtt_port" ]] || die "MQTT and REST cannot both have port $port: set PARLEY_HTTP_PORT to another one"
  toml_set "$file" http.listen "\"$bind:$port\""
  write_bridge_nodes "$first"
  local mqtt
  mqtt=$(toml_get "$file" endpoints.mqtt)
  if [[ -z $mqtt || $mqtt =~ ^mqtt://(127\.0\.0\.1|localhost):[0-9]+$ ]]; then
    toml_set "$file" endpoints.mqtt "\"mqtt://127.0.0.1:$mqtt_port\""
  fi
  http_url=$(bridge_url)
}

# One node on this machine is this node; a list of other ones is the user's.
write_bridge_nodes() {  # FIRST
  local file=$var/bridge.toml host
  if [[ $1 == yes || -z $(toml_get "$file" broker.nodes) ]]; then
    toml_set "$file" broker.nodes "[{host = \"$(node_host)\", port = $mqtt_port}]"
    return
  fi
  [[ -z $(toml_get "$file" 'broker.nodes[1]') ]] || return 0
  host=$(toml_get "$file" 'broker.nodes[0].host' 127.0.0.1)
  case $host in
    127.0.0.1 | ::1 | localhost | "$(node_host)")
      toml_set "$file" 'broker.nodes[0].host' "\"$(node_host)\""
      toml_set "$file" 'broker.nodes[0].port' "$mqtt_port"
      ;;
  esac
}

# Where this machine reaches the REST interface.
bridge_url() {
  local listen host scheme=http
  listen=$(toml_get "$var/bridge.toml" http.listen 127.0.0.1:8080)
  host=${listen%:*}
  case $host in 0.0.0.0) host=127.0.0.1 ;; "[::]") host="[::1]" ;; esac
  [[ -z $(toml_get "$var/bridge.toml" http.tls_certificate) ]] || scheme=https
  printf '%s://%s:%s' "$scheme" "$host" "${listen##*:}"
}

# A node that was a broker alone gets a bridge: from now on PostgreSQL says who there is, and the bridge makes the
# broker's copy the same. What was put at the broker alone is written down before, as `parleyctl apply` takes it.
keep_broker_facts() {
  local roles='' database=none file=$var/facts-before-bridge.jsonl room rooms
  rm -f "$var/url"
  node_answers || node_up >/dev/null
  local -a ctl=("$parleyctl" --var "$var" --host "$(node_host)" --port "$mqtt_port" --json)
  (umask 077 && "${ctl[@]}" user list >"$file.new") || die "the broker's users could not be listed"
  rooms=$("${ctl[@]}" room list | tee -a "$file.new" | sed -nE 's/.*"room":"([^"]+)".*/\1/p')
  for room in $rooms; do "${ctl[@]}" member list "$room" >>"$file.new"; done
  if [[ ! -s $file.new ]]; then
    rm "$file.new"
    return
  fi
  put_in_place "$file" || die "cannot write to $file"
  say "Users and rooms were put at this broker alone until now; from now on PostgreSQL says who there is, and it is empty.
  What the broker knew is in $var_shown/facts-before-bridge.jsonl; make accounts with ./parley ctl user put, rooms with
  ./parley ctl room put. Messages stay, and rooms of the same name have them again. (PARLEY_ROLES= ./parley up goes on
  without a bridge.)"
}

# Sets argv: what the supervisor runs.
bridge_command() { argv=("$var/lib/parley-bridge" --config "$var/bridge.toml" --roles "$roles"); }

# bridge_ask PATH: the bridge's answer, whatever its status; false when there is none. -k: it is this machine's own, and
# its certificate names another host.
bridge_ask() { curl -sSk --max-time 3 "$http_url$1" 2>&1; }
bridge_ready() {
  answer=$(bridge_ask /health/ready) || return 1
  [[ $answer != '{"status":"ready"'* ]] || return 0
  answer=$(lacks_in_words "$answer")
  return 1
}

# {"status":"not ready","missing":[{"role":"control","what":"postgres","why":"..."},...]} as "it lacks postgres: ...".
lacks_in_words() {
  local words
  words=$(printf '%s' "$1" | sed 's/},{/}\n{/g' | sed -nE \
    's/.*"what":"(([^"\\]|\\.)*)","why":"(([^"\\]|\\.)*)".*/\1: \3/p; t; s/.*"what":"(([^"\\]|\\.)*)".*/\1/p' |
    sed 's/\\"/"/g; s/\\[ntr]/ /g; s/ *$//' | awk '{ name = $0; sub(/:.*/, "", name) } $0 != name { full[name] = 1 } { line[NR] = $0; of[NR] = name }
      END { for (i = 1; i <= NR; i++) if (!seen[line[i]]++ && (line[i] != of[i] || !full[of[i]])) out = out (out == "" ? "" : "; ") line[i]
            print out }')
  if [[ -n $words ]]; then printf 'it lacks %s' "$words"; else printf '%s' "${1:0:300}"; fi
}

# The first administrator, once: the password is made by parleyctl, kept in a file of root's (or the user's) alone, and
# shown to nobody.
bridge_make_admin() {
  [[ ! -e $var/launcher/admin ]] || return 0
  if "$parleyctl" --var "$var" --url "$http_url" admin init >"$var/launcher/admin.new" 2>&1; then
    mv "$var/launcher/admin.new" "$var/launcher/admin"
  else
    warn "the account of the administrator was not made: $(tail -n 1 "$var/launcher/admin.new")"
    warn "try ./parley ctl admin init"
  fi
}

# Messages and processes. Sourced by ./parley.

say() { printf '%s\n' "$*"; }
warn() { printf 'parley: %s\n' "$*" >&2; }
die() {
  warn "$*"
  exit 1
}

is_root() { ((EUID == 0)); }

# absolute_path PATH: without links followed, so that messages show what the user typed.
absolute_path() { realpath -ms -- "$1"; }

# process_has PID WORD...: whether PID lives and its command line holds these words beside each other. A pid file may
# be older than the process that has its number now; this tells them apart.
process_has() {
  local pid=$1 line
  shift
  [[ $pid =~ ^[1-9][0-9]*$ && -r /proc/$pid/cmdline ]] || return 1
  # Words end in a newline here instead of a zero byte, which bash cannot hold.
  line=$(tr '\0\n' '\n ' <"/proc/$pid/cmdline" 2>/dev/null) || return 1
  [[ $'\n'$line$'\n' == *$'\n'"$(printf '%s\n' "$@")"$'\n'* ]]
}

# wait_gone PID SECONDS: until the process has ended (a zombie has).
wait_gone() {
  local pid=$1 tenths=$(($2 * 10)) state
  while ((tenths-- > 0)); do
    state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$pid/status" 2>/dev/null) || return 0
    [[ -n $state && $state != Z ]] || return 0
    sleep 0.1
  done
  return 1
}

# stop_process PID SECONDS NAME: asks it to end, and insists after that time.
stop_process() {
  local pid=$1 seconds=$2 name=$3
  kill -TERM "$pid" 2>/dev/null || return 0
  wait_gone "$pid" "$seconds" && return 0
  warn "$name (process $pid) did not end within $seconds s; killing it"
  kill -KILL "$pid" 2>/dev/null || true
  wait_gone "$pid" 5 || die "$name (process $pid) cannot be killed"
}

port_listens() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

check_port() {  # NAME VALUE
  [[ $2 =~ ^[1-9][0-9]{0,4}$ ]] && (($2 <= 65535)) || die "$1 is '$2': set it to a port, 1 to 65535"
}

# run_logged LOG WHAT COMMAND...: quiet unless it fails; then the end of its output.
run_logged() {
  local log=$1 what=$2
  shift 2
  if ! "$@" >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    die "$what failed; all of its output is in $log"
  fi
}

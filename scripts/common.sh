# Messages and processes. Sourced by ./parley.

say() { printf '%s\n' "$*"; }
warn() { printf 'parley: %s\n' "$*" >&2; }
die() {
  warn "$*"
  exit 1
}

is_root() { ((EUID == 0)); }

# as_user USER COMMAND...: as that user when we are root, else as we are.
as_user() {
  local user=$1
  shift
  # Not from a folder that the other may be unable to read.
  if is_root; then (cd / && exec setpriv "--reuid=$user" "--regid=$user" --init-groups -- "$@"); else "$@"; fi
}

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

# stop_process PID SECONDS NAME [SIGNAL]: asks it to end, and insists after that time. False, with words, when it stays.
stop_process() {
  local pid=$1 seconds=$2 name=$3
  kill -s "${4:-TERM}" "$pid" 2>/dev/null || return 0
  # What is frozen hears nothing but KILL, and would leave its children behind.
  if is_frozen "$pid"; then warn "$name (process $pid) was frozen (SIGSTOP); it goes on now, to end"; fi
  thaw "$pid"
  wait_gone "$pid" "$seconds" && return 0
  warn "$name (process $pid) did not end within $seconds s; killing it"
  kill -KILL "$pid" 2>/dev/null || true
  wait_gone "$pid" 5 && return 0
  warn "$name (process $pid) cannot be killed; it waits for a disk or a network that does not answer (see dmesg)"
  return 1
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

# TOML may be spelled in many ways, and the programs read all of them; so one of theirs is asked, which also puts a value
# where the file has it. An option is named by its section and key: http.listen, broker.nodes[0].host.

checker=  # parley-broker-check, once node_programs has found it

# toml_get FILE NAME [DEFAULT]: the value, a text without its quotes; DEFAULT when the file does not set it.
toml_get() {
  local value status=0
  value=$("$checker" --config "$1" --get "$2") || status=$?
  case $status in
    0) printf '%s' "$value" ;;
    3) printf '%s' "${3-}" ;;
    *) exit 1 ;;
  esac
}

# toml_set FILE NAME VALUE: VALUE as TOML. The rest stays as it is, the file's owner and mode too.
toml_set() {
  local text
  text=$(printf '%s' "$3" | "$checker" --config "$1" --set "$2") || die "$2 could not be set. $(untouched)"
  [[ $text == "$(<"$1")" ]] || write_file "$1" "$text"
}

# put_in_place FILE: FILE.new takes its name, once what is in it is on disk. A file system may keep the name first, and a
# power failure then leaves an empty file where a good one was.
put_in_place() { sync -- "$1.new" && mv -f -- "$1.new" "$1"; }
copy_in_place() { cp -- "$1" "$2.new" && put_in_place "$2"; }

# write_file FILE TEXT: by a file beside it, so that a disk that is full takes nothing away; with its owner and mode.
write_file() {
  local file
  file=$(realpath -m -- "$1")
  if [[ -e $file ]]; then
    cp -p "$file" "$file.new" || die "cannot write to $file"
  fi
  if ! printf '%s\n' "$2" >"$file.new" || ! put_in_place "$file"; then
    rm -f "$file.new"
    die "cannot write to $file"
  fi
}

# TEXT as a TOML string.
toml_string() {
  local text=${1//\\/\\\\}
  printf '"%s"' "${text//\"/\\\"}"
}

# bytes_in TEXT: how many bytes, which a letter may have several of.
bytes_in() {
  local LC_ALL=C
  printf '%s' "${#1}"
}

# percent_encode TEXT: all but what stands for itself anywhere in a URL (RFC 3986, 2.3).
percent_encode() {
  local LC_ALL=C text=$1 out='' char i
  for ((i = 0; i < ${#text}; i++)); do
    char=${text:i:1}
    case $char in
      [A-Za-z0-9._~-]) out+=$char ;;
      *) printf -v char '%%%02X' "'$char" && out+=$char ;;
    esac
  done
  printf '%s' "$out"
}

# The node's own PostgreSQL: Debian's programs, a cluster in var/pg, reached by a unix socket alone. Sourced by ./parley.
#
#   var/pg/           the cluster; made once, its postgresql.conf is the user's from then on
#   var/pg-run/       its socket, or a shorter folder where that path would be too long for one
#
# Two roles, and nobody needs a password, because the socket tells who calls: `postgres` may do everything and is root's
# (or the user's who runs the node), `parley` owns the database `parley` and is the bridge's. Started by root, the server
# runs as Debian's user `postgres`.

readonly pg_user=postgres
readonly pg_port=5432  # only a part of the socket's name
# sockaddr_un holds 107 characters and a zero (unix(7)).
readonly socket_path_limit=107

as_pg_user() { as_user "$pg_user" "$@"; }

# Sets pg_bin, the folder of PostgreSQL's programs: of the version that made the cluster, or the newest.
pg_find() {
  local version=''
  [[ ! -e $var/pg/PG_VERSION ]] || version=$(<"$var/pg/PG_VERSION")
  # The file is the server's, and names what is run here, by root too.
  [[ -z $version || $version =~ ^[0-9]{1,3}(\.[0-9]{1,3})?$ ]] || die "$var/pg/PG_VERSION holds no version of PostgreSQL: restore a backup (docs/operating.md, 5)"
  pg_bin=$(printf '%s\n' /usr/lib/postgresql/*/bin/postgres | sort -V | tail -n 1)
  [[ -z $version ]] || pg_bin=/usr/lib/postgresql/$version/bin/postgres
  if [[ ! -x $pg_bin ]]; then
    pg_bin=$(command -v postgres) ||
      die "PostgreSQL${version:+ $version, which made $var/pg,} is not installed: apt-get install postgresql${version:+-$version}"
  fi
  pg_bin=$(dirname "$pg_bin")
  local found
  found=$("$pg_bin/postgres" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
  [[ -z $version || $found == "$version" ]] ||
    die "$var/pg was made by PostgreSQL $version, and $pg_bin is $found: install postgresql-$version, or see pg_upgrade(1)"
}

# Sets pg_socket, the folder of the socket.
pg_find_socket() {
  pg_socket=$var/pg-run
  local file=$pg_socket/.s.PGSQL.$pg_port
  if (($(bytes_in "$file") > socket_path_limit)); then
    local folder
    short_folder pg
    pg_socket=$folder
  fi
}

# How the bridge reaches it. Everything is said, so that no PGPORT or PGUSER of somebody's shell changes it.
pg_url() { printf 'postgresql:///parley?host=%s&port=%s&user=parley' "$(percent_encode "$pg_socket")" "$pg_port"; }

# pg_prepare: a cluster that can be started, made when there is none.
pg_prepare() {
  pg_find
  pg_find_socket
  # In /tmp somebody else could have been first.
  mkdir -m 0711 "$pg_socket" 2>/dev/null || [[ -d $pg_socket && ! -L $pg_socket ]] || die "cannot make the folder $pg_socket"
  if is_root; then
    if [[ $(stat -c %U "$pg_socket") == root ]]; then chown "$pg_user:" "$pg_socket"; fi
    [[ $(stat -c %U "$pg_socket") == "$pg_user" ]] || die "$pg_socket belongs to somebody else: move it away"
  fi
  [[ -e $var/pg/PG_VERSION ]] || pg_create
  if is_root && [[ $(stat -c %U "$var/pg") != "$pg_user" ]]; then chown -R "$pg_user:" "$var/pg"; fi
  [[ -O $var/pg ]] || is_root || die "$var/pg belongs to somebody else; was this node run by root? (try sudo)"
  pg_write_access
}

# Made beside its place and moved there when it is complete, so that an interrupted start leaves no half one.
pg_create() {
  local new=$var/pg.new log=$var/launcher/initdb.log
  [[ ! -e $var/pg ]] || rmdir "$var/pg" 2>/dev/null ||
    die "$var/pg is there, but is no PostgreSQL cluster: move it away"
  say "Making a PostgreSQL cluster in $var_shown/pg"
  rm -rf "$new"
  mkdir -m 0700 "$new"
  if is_root; then chown "$pg_user:" "$new"; fi
  run_logged "$log" initdb as_pg_user "$pg_bin/initdb" -D "$new" -U postgres -A peer -E UTF8 --locale=C.UTF-8 \
    --data-checksums --no-instructions
  printf '%s\n' 'CREATE ROLE parley LOGIN;' 'CREATE DATABASE parley OWNER parley;' |
    as_pg_user "$pg_bin/postgres" --single -D "$new" postgres >>"$log" 2>&1 || die "the database was not made; see $log"
  # In this mode a statement that fails is told, and is no failure of the program.
  if grep -E '(ERROR|FATAL|PANIC):' "$log" >&2; then die "the database was not made; all of it is in $log"; fi
  mv "$new" "$var/pg"
  sync -- "$var"  # PostgreSQL syncs what is in its folder, not the folder's name
}

# Who may be whom in the cluster. Written at each `up`: the node may have changed hands.
pg_write_access() {
  local server bridge
  server=$(id -un)
  bridge=$server
  if is_root; then server=$pg_user bridge=$bridge_user; fi
  pg_write_file "$var/pg/pg_hba.conf" "# Written by ./parley up. The socket tells who calls; pg_ident.conf says as whom they may.
local all all peer map=parley"
  pg_write_file "$var/pg/pg_ident.conf" "# Written by ./parley up.
parley root postgres
parley $server postgres
parley $bridge parley"
}

# By the server's own user: what is in its folder is not root's to follow.
pg_write_file() {
  [[ $(cat "$1") == "$2" ]] || printf '%s\n' "$2" | as_pg_user tee "$1" >/dev/null
}

# Sets argv: what the supervisor runs. A folder's name may hold a comma or a space, hence the quotes within.
pg_command() {
  argv=("$pg_bin/postgres" -D "$var/pg" -c listen_addresses= -c "port=$pg_port"
    -c "unix_socket_directories=\"$pg_socket\"" -c logging_collector=off -c log_destination=stderr)
  (pg_forget_stale_lock)  # apart from the supervisor, whose traps must not meet a command's substitution
}

# After a power failure the number in postmaster.pid may be another process of the same user, and PostgreSQL would then
# not start. Ours is known by its folder.
pg_forget_stale_lock() {
  local pid
  pid=$(head -n 1 "$var/pg/postmaster.pid" 2>/dev/null) || return 0
  process_has "$pid" -D "$var/pg" || rm -f "$var/pg/postmaster.pid" || true  # PostgreSQL says what is wrong with the disk
}

pg_answers() {
  local status=0
  "$pg_bin/pg_isready" -q -t 2 -h "$pg_socket" -p "$pg_port" || status=$?
  case $status in
    0) answer='' ;;
    1) answer="it is starting, or ending, and takes no connections yet" ;;
    *) answer="no answer on its socket in $pg_socket" ;;
  esac
  return "$status"
}

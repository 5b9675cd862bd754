#include "tests/support/pgbouncer.h"

#include <pwd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <stdexcept>
#include <thread>

#include "tests/support/unique_fd.h"

namespace parley::test {
namespace {

namespace fs = std::filesystem;

const char* program() {
  for (const char* each : {"/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"})
    if (::access(each, X_OK) == 0) return each;
  return nullptr;
}

// Whom the cluster runs as, too.
const passwd* other_than_root() {
  if (::geteuid() != 0) return nullptr;
  const passwd* entry = ::getpwnam("postgres");
  return entry != nullptr ? entry : ::getpwnam("nobody");
}

bool takes_connections(const fs::path& socket) {
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket.string().copy(address.sun_path, sizeof address.sun_path - 1);
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

bool PgBouncer::installed() { return program() != nullptr; }

PgBouncer::PgBouncer(const PostgresCluster& cluster, const std::string& mode, const std::string& more)
    : server_(cluster.socket_folder()) {
  if (const passwd* owner = other_than_root();
      owner != nullptr && ::chown(folder_.path().c_str(), owner->pw_uid, owner->pw_gid) != 0)
    throw std::runtime_error("cannot give away " + folder_.path().string());
  configure(mode, more);
  start();
}

PgBouncer::~PgBouncer() {
  if (process_) process_->stop(SIGKILL);
}

void PgBouncer::configure(const std::string& mode, const std::string& more) {
  write("pgbouncer.ini", "[databases]\n* = host=" + server_.string() +
                             " port=5432 user=postgres\n"
                             "[pgbouncer]\nlisten_addr =\nlisten_port = 5432\nunix_socket_dir = " +
                             folder_.path().string() +
                             "\nauth_type = any\nadmin_users = postgres, pgbouncer\npool_mode = " + mode +
                             "\n" + more + "\n");
}

void PgBouncer::write(const std::string& name, const std::string& text) {
  write_file(folder_.path() / name, text);
}

std::string PgBouncer::url(const std::string& direct, const std::string& user) const {
  const std::size_t from = std::string("postgresql:///").size();
  const std::string database = direct.substr(from, direct.find('?') - from);
  return "postgresql:///" + database + "?host=" + folder_.path().string() + "&user=" + user;
}

std::string PgBouncer::admin(const std::string& command) {
  Command psql;
  psql.argv = {"psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url("postgresql:///pgbouncer?"),
               "-c",   command};
  const Output output = run(psql, kPatience);
  if (output.status != 0) throw std::runtime_error("pgbouncer, " + command + ": " + output.text + log());
  return output.text;
}

void PgBouncer::start() {
  Command command;
  command.argv = {program(), folder_.path() / "pgbouncer.ini"};
  command.output = folder_.path() / "pgbouncer.log";
  if (const passwd* owner = other_than_root()) {
    command.uid = owner->pw_uid;
    command.gid = owner->pw_gid;
  }
  process_ = std::make_unique<Process>(command);
  const Deadline deadline(kPatience);
  while (!takes_connections(folder_.path() / ".s.PGSQL.5432")) {
    if (deadline.passed() || !process_->running())
      throw std::runtime_error("pgbouncer does not start: " + log());
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void PgBouncer::kill() {
  process_->stop(SIGKILL);
  process_.reset();
  std::error_code error;
  fs::remove(folder_.path() / ".s.PGSQL.5432", error);
}

std::string PgBouncer::log() const { return read_file(folder_.path() / "pgbouncer.log"); }

}  // namespace parley::test

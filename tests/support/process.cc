#include "tests/support/process.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "tests/support/temp_dir.h"

extern char** environ;

namespace parley::test {
namespace {

int pidfd_open(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }
int pidfd_send_signal(int fd, int number) {
  return static_cast<int>(syscall(SYS_pidfd_send_signal, fd, number, nullptr, 0));
}

// Everything the child needs, made before fork(): afterwards only async-signal-safe calls are allowed, since
// the test may have threads.
struct Prepared {
  explicit Prepared(const Command& command) {
    for (const auto& arg : command.argv) argv.push_back(const_cast<char*>(arg.c_str()));
    argv.push_back(nullptr);
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string_view text(*entry);
      bool replaced = false;
      for (const auto& [name, value] : command.env) replaced |= text.starts_with(name + "=");
      if (!replaced) env.push_back(*entry);
    }
    for (const auto& [name, value] : command.env) own.push_back(name + "=" + value);
    for (auto& entry : own) env.push_back(entry.data());
    env.push_back(nullptr);
  }
  std::vector<char*> argv;
  std::vector<std::string> own;
  std::vector<char*> env;
};

[[noreturn]] void become(const Command& command, const Prepared& prepared, int output) {
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  int null = open("/dev/null", O_RDONLY);
  dup2(null, STDIN_FILENO);
  if (command.gid != static_cast<gid_t>(-1)) {
    if (setgroups(0, nullptr) != 0 || setgid(command.gid) != 0) _exit(126);
  }
  if (command.uid != static_cast<uid_t>(-1) && setuid(command.uid) != 0) _exit(126);
  execvpe(prepared.argv[0], prepared.argv.data(), prepared.env.data());
  _exit(127);
}

}  // namespace

Process::Process(const Command& command) {
  const Prepared prepared(command);
  const char* file = command.output.empty() ? "/dev/null" : command.output.c_str();
  UniqueFd output(open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (!output) throw std::runtime_error("cannot open " + std::string(file) + ": " + std::strerror(errno));
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
  if (pid_ == 0) become(command, prepared, output.get());
  pidfd_ = UniqueFd(pidfd_open(pid_));
  start_keeper();
}

void Process::start_keeper() {
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0)
    throw std::runtime_error(std::string("pipe: ") + std::strerror(errno));
  lifeline_ = UniqueFd(pipe_ends[1]);
  UniqueFd watch(pipe_ends[0]);
  keeper_ = fork();
  if (keeper_ < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
  if (keeper_ > 0) return;
  // In the keeper: it must hold nothing of the test's (sockets, locks, the write end) but these two.
  dup2(watch.get(), 0);
  dup2(pidfd_.get(), 1);
  close_range(2, ~0u, 0);
  setsid();  // a ^C at the terminal ends the test, whose end ends us
  char byte;
  while (read(0, &byte, 1) < 0 && errno == EINTR) {
  }
  pidfd_send_signal(1, SIGKILL);
  _exit(0);
}

Process::~Process() {
  stop(SIGKILL);
  lifeline_.reset();
  if (keeper_ > 0) waitpid(keeper_, nullptr, 0);
}

void Process::signal(int number) {
  if (!status_) kill(pid_, number);  // not yet reaped, so the pid is still this child's
}

bool Process::running() { return !wait(0ms); }

std::optional<int> Process::wait(Deadline deadline) {
  if (status_) return status_;
  pollfd entry{pidfd_.get(), POLLIN, 0};
  int ready = 0;
  do {
    ready = poll(&entry, 1, deadline.remaining_ms());
  } while (ready < 0 && errno == EINTR);
  if (ready <= 0) return std::nullopt;
  int status = 0;
  if (waitpid(pid_, &status, 0) != pid_) return std::nullopt;
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return status_;
}

std::optional<int> Process::stop(int number, Deadline deadline) {
  if (status_) return status_;
  signal(number);
  if (auto status = wait(deadline)) return status;
  signal(SIGKILL);
  wait(kPatience);
  return std::nullopt;
}

Output run(Command command, Deadline deadline) {
  TempDir folder;
  command.output = folder.path() / "output";
  if (command.uid != static_cast<uid_t>(-1)) write_file(command.output, "");
  Process process(command);
  auto status = process.wait(deadline);
  if (!status) process.stop(SIGKILL);
  return {status.value_or(124), read_file(command.output)};
}

}  // namespace parley::test

// A child process of a test.
#ifndef PARLEY_TESTS_SUPPORT_PROCESS_H_
#define PARLEY_TESTS_SUPPORT_PROCESS_H_

#include <sys/types.h>

#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/deadline.h"
#include "tests/support/unique_fd.h"

namespace parley::test {

struct Command {
  std::vector<std::string> argv{};                         // argv[0] is looked up in PATH
  std::vector<std::pair<std::string, std::string>> env{};  // added to ours
  std::filesystem::path output{};      // stdout and stderr are appended here; empty: dropped
  uid_t uid = static_cast<uid_t>(-1);  // run as this user and group (needs root); -1: as we are
  gid_t gid = static_cast<gid_t>(-1);
};

// Runs from construction on. Whatever happens to the test, kill -9 included, the child dies with it: a small
// keeper process waits on a pipe from us and kills the child when the pipe closes. (PR_SET_PDEATHSIG would
// not do: the kernel forgets it when a broker started by root changes its user, and it follows the thread,
// not the process.)
//
// One thread at a time uses an object. The constructor throws std::runtime_error when nothing can be started;
// a program that is not found shows as exit status 127.
class Process {
 public:
  explicit Process(const Command& command);
  ~Process();  // kill -9 if it still runs
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number);
  bool running();
  // Waits for the end and returns the exit status, or 128 + the signal that ended it; nothing when the
  // deadline passes first.
  std::optional<int> wait(Deadline deadline);
  // Signals, waits, and kills -9 what has not ended by the deadline. Returns as wait().
  std::optional<int> stop(int number = SIGTERM, Deadline deadline = kPatience);

 private:
  void start_keeper();

  pid_t pid_ = -1;
  pid_t keeper_ = -1;
  UniqueFd pidfd_;
  UniqueFd lifeline_;  // the keeper reads its end; closing it ends the keeper, and the child if it runs
  std::optional<int> status_;
};

// Runs to the end and returns status and what was printed. The status is 124 when it was killed at the
// deadline.
struct Output {
  int status = 0;
  std::string text;
};
Output run(Command command, Deadline deadline = kPatience);

}  // namespace parley::test

#endif

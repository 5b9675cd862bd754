#include "tests/bench/usage.h"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace parley::bench {
namespace {

namespace fs = std::filesystem;

struct Stat {
  std::string name;
  pid_t parent = 0;
  double cpu_s = 0;
  std::uint64_t resident_bytes = 0;
};

// proc(5): "pid (name) state ppid ..."; the name may hold anything, so fields are counted from its last ')'.
Stat read_stat(const fs::path& file) {
  std::ifstream in(file);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  const auto open = text.find('(');
  const auto close = text.rfind(')');
  if (open == std::string::npos || close == std::string::npos) return {};
  Stat stat;
  stat.name = text.substr(open + 1, close - open - 1);
  std::istringstream fields(text.substr(close + 1));
  std::string field;
  std::uint64_t ticks = 0;
  for (int number = 3; fields >> field; ++number) {
    if (number == 4) stat.parent = static_cast<pid_t>(std::stol(field));
    if (number == 14 || number == 15) ticks += std::stoull(field);
    if (number == 24)
      stat.resident_bytes = std::stoull(field) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  }
  stat.cpu_s = static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
  return stat;
}

// The process and its descendants.
std::vector<Stat> family(pid_t root) {
  std::vector<std::pair<pid_t, Stat>> all;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator("/proc", gone)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    all.emplace_back(static_cast<pid_t>(std::stol(name)), read_stat(entry.path() / "stat"));
  }
  std::vector<Stat> members;
  std::vector<pid_t> wanted{root};
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    for (const auto& [pid, stat] : all) {
      if (pid == wanted[i]) members.push_back(stat);
      if (stat.parent == wanted[i]) wanted.push_back(pid);
    }
  }
  return members;
}

}  // namespace

double cpu_seconds(pid_t root) {
  double sum = 0;
  for (const Stat& stat : family(root)) sum += stat.cpu_s;
  return sum;
}

double own_cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::uint64_t resident_bytes(pid_t root) {
  std::uint64_t sum = 0;
  for (const Stat& stat : family(root)) sum += stat.resident_bytes;
  return sum;
}

std::vector<ThreadUsage> thread_usage(pid_t pid) {
  std::vector<ThreadUsage> threads;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/task", gone)) {
    Stat stat = read_stat(entry.path() / "stat");
    threads.push_back({std::move(stat.name), stat.cpu_s});
  }
  return threads;
}

std::uint64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(t.tv_nsec);
}

}  // namespace parley::bench

#include "tests/bench/idle.h"

#include <sys/resource.h>

#include <stdexcept>
#include <string>

#include "tests/bench/link.h"
#include "tests/bench/usage.h"

namespace parley::bench {

IdleResult run_idle(const Work& work, const Peer& peer, const std::function<void(std::size_t)>& progress) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  const auto wanted = static_cast<rlim_t>(work.subscribers) + 200;
  if (files.rlim_cur < wanted) {
    throw std::runtime_error("this work needs " + std::to_string(wanted) + " open files; the limit is " +
                             std::to_string(files.rlim_cur) + " (ulimit -n)");
  }
  std::vector<LinkRequest> requests;
  for (int i = 0; i < work.subscribers; ++i) {
    requests.push_back({.login = peer.subscriber(0, i), .subscribe = peer.idle_topic(i)});
  }
  IdleResult result;
  result.before_bytes = resident_bytes(peer.pid());
  const std::uint64_t begin = now_ns();
  const auto links = open_links(peer.port(), requests, progress);
  result.connect_s = static_cast<double>(now_ns() - begin) / 1e9;
  result.connections = static_cast<int>(links.size());
  result.after_bytes = resident_bytes(peer.pid());
  return result;
}

}  // namespace parley::bench

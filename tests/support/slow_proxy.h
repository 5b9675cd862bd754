// Stands between a client and a server, both on Unix sockets, and makes the way long.
#ifndef PARLEY_TESTS_SUPPORT_SLOW_PROXY_H_
#define PARLEY_TESTS_SUPPORT_SLOW_PROXY_H_

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>
#include <thread>

namespace parley::test {

// Everything may be called from any thread.
class SlowProxy {
 public:
  // Listens on `listen`; each connection to it becomes one to `server`.
  SlowProxy(const std::filesystem::path& listen, const std::filesystem::path& server);
  ~SlowProxy();
  SlowProxy(const SlowProxy&) = delete;
  SlowProxy& operator=(const SlowProxy&) = delete;

  // Each piece of data waits as long, both ways.
  void delay(std::chrono::milliseconds each_way) { delay_ms_ = static_cast<int>(each_way.count()); }
  // Nothing passes any more until it is let go; connections stay open.
  void freeze(bool frozen) { frozen_ = frozen; }
  // The next time the client sends something that holds `text`, it is passed on, and the answer is not: both
  // ends are closed when the server has answered.
  void lose_answer_to(std::string_view text);
  // The next time the client sends something that holds `text`, it is not passed on: both ends are closed,
  // and the way is frozen from then on.
  void freeze_before(std::string_view text);
  bool lost_one() const { return lost_; }
  std::size_t connections() const { return connections_; }  // that were ever made to it
  void drop_all();                                          // closes all connections there are

 private:
  struct State;
  void accept_loop();
  void carry(int client, int server);

  std::unique_ptr<State> state_;
  std::atomic<int> delay_ms_{0};
  std::atomic<bool> frozen_{false};
  std::atomic<bool> lost_{false};
  std::atomic<std::size_t> connections_{0};
  std::thread acceptor_;
};

}  // namespace parley::test

#endif

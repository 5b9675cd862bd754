// Work for the chat's main thread, posted by the SDK's: a queue with a descriptor that poll() can watch.
#ifndef PARLEY_CLIENTS_PARLEYCTL_CHAT_MAILBOX_H_
#define PARLEY_CLIENTS_PARLEYCTL_CHAT_MAILBOX_H_

#include <functional>
#include <mutex>
#include <vector>

namespace parley::chat {

class Mailbox {
 public:
  Mailbox();  // throws std::system_error when there is no descriptor left
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  void post(std::function<void()> work);  // any thread
  int fd() const { return fd_; }          // readable while work waits
  void run();                             // main thread: does what waits

 private:
  int fd_;
  std::mutex mutex_;
  std::vector<std::function<void()>> work_;  // guarded by mutex_
};

}  // namespace parley::chat

#endif

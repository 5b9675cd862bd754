// One user in one room, without a face: what is typed goes in by submit(), what happens is kept in the
// transcript and told to a Face. The terminal window and the plain line mode are two faces of it.
//
// Threads: everything is called by the main thread. News of the SDK comes through the mailbox; the owner
// watches mailbox().fd() and calls mailbox().run().
#ifndef PARLEY_CLIENTS_PARLEYCTL_CHAT_SESSION_H_
#define PARLEY_CLIENTS_PARLEYCTL_CHAT_SESSION_H_

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "clients/cpp/client.h"
#include "clients/parleyctl/chat/command.h"
#include "clients/parleyctl/chat/mailbox.h"
#include "clients/parleyctl/chat/transcript.h"

namespace parley::chat {

class Session : private client::Listener {
 public:
  class Face {
   public:
    virtual ~Face() = default;
    virtual void on_item(const Item& /*item*/) {}                  // a message or a notice has got its place
    virtual void on_event(const client::EventBytes& /*event*/) {}  // as it came, before its item
    virtual void on_refused(const std::string& /*body*/, const std::string& /*why*/) {}
    virtual void on_prefill(const std::string& /*line*/) {}  // "/edit" alone: the line to go on with
    virtual void on_mention() {}
  };

  // `room` is a valid name; the options' user is who we are.
  Session(client::Options options, std::string room, Face& face);
  ~Session() override;

  // `backlog`: what was said before, oldest first.
  void start(const std::vector<client::EventBytes>& backlog = {});
  // A line as typed: a message or a command.
  void submit(const std::string& line);
  void typing(bool typing) { client_->typing(room_, typing); }
  // Waits for what is still on its way, telling the face; false when the time is over.
  bool settle(std::chrono::milliseconds patience);

  Mailbox& mailbox() { return mailbox_; }
  const Transcript& transcript() const { return transcript_; }
  const std::string& room() const { return room_; }
  const std::string& me() const { return me_; }
  const client::Status& status() const { return status_; }
  // When the next attempt to connect is due, while waiting for it.
  std::chrono::steady_clock::time_point retry_at() const { return retry_at_; }
  const std::vector<std::string>& typing_people() const { return typing_people_; }
  std::size_t unsettled() const { return unsettled_; }
  std::size_t failures() const { return failures_; }
  bool numbers() const { return numbers_; }
  bool quitting() const { return quitting_; }
  bool may_read() const { return joined_.value_or(false); }
  bool knows_whether_it_may_read() const { return joined_.has_value(); }

 private:
  // client::Listener, on the SDK's thread: only posts.
  void on_status(const client::Status& status) override;
  void on_event(const Event& event) override;
  void on_gap(const client::Gap& gap) override;
  void on_typing(const std::string& room, const std::string& user, bool typing) override;
  void on_joined(const std::string& room, const Refusal* refusal) override;
  void on_delayed(const std::string& room, const std::string& cid, const Refusal& refusal) override;
  void on_notice(const std::string& type, const std::string& json) override;

  void send(client::Outgoing message);
  void send_operation(Kind kind, const Command& command);
  const Item* target_of(const Command& command, bool own);
  void settled(const client::Outgoing& message, const client::SendResult& result);
  void take_event(const client::EventBytes& bytes);
  void joined(const std::optional<Refusal>& refusal);
  void notice(const std::string& text);
  void warn(const std::string& text);

  const std::string room_;
  const std::string me_;
  Face& face_;
  Mailbox mailbox_;
  Transcript transcript_;
  EventReader reader_;    // main thread
  EventBuilder builder_;  // SDK thread
  client::Status status_;
  std::chrono::steady_clock::time_point retry_at_{};
  std::vector<std::string> typing_people_;
  std::size_t unsettled_ = 0;
  std::size_t failures_ = 0;
  bool numbers_ = false;
  bool quitting_ = false;
  bool told_refused_ = false;
  std::optional<bool> joined_;
  std::unique_ptr<client::Client> client_;  // last: its destructor ends the thread that posts
};

// Milliseconds since the Unix epoch.
std::uint64_t now_ms();

}  // namespace parley::chat

#endif

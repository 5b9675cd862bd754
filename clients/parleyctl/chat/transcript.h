// What a chat window knows of its room: messages in the room's order with their edits, reactions and
// deletions applied, one's own unsettled ones at the end, and notices in between. Pure; one thread. Text is
// cleaned on its way in.
#ifndef PARLEY_CLIENTS_PARLEYCTL_CHAT_TRANSCRIPT_H_
#define PARLEY_CLIENTS_PARLEYCTL_CHAT_TRANSCRIPT_H_

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "clients/cpp/types.h"
#include "schemas/message.h"

namespace parley::chat {

enum class Delivery : std::uint8_t {
  pending,  // on its way, or waiting for the line to come back
  stored,   // durable, at its place
  failed,   // refused; `note` says why
};

struct Item {
  enum class Kind : std::uint8_t { message, notice, warning };
  Kind kind = Kind::message;
  std::uint64_t ts_ms = 0;  // since the Unix epoch
  std::string from;
  std::string body;  // of a notice: its text
  bool own = false;
  bool mentions_me = false;
  Delivery delivery = Delivery::stored;
  std::string note;  // why it waits or failed; of a notice: its second column
  std::string cid;
  Seq seq{0};
  MessageId id{0};
  MessageId reply_to{0};
  bool edited = false;
  bool deleted = false;
  bool pinned = false;
  std::vector<std::string> attachments;                       // their names
  std::map<std::string, std::vector<std::string>> reactions;  // emoji -> users
};

class Transcript {
 public:
  explicit Transcript(std::string me) : me_(std::move(me)) {}

  // One's own message, before the server has it.
  void add_pending(const client::Outgoing& message, std::uint64_t now_ms);
  void stored(const std::string& cid, const client::Ack& ack);
  void failed(const std::string& cid, const std::string& why);
  void delayed(const std::string& cid, const std::string& why);
  // An event of the room, in order.
  void apply(const Event& event);
  void notice(const std::string& text, std::uint64_t now_ms);
  void warn(const std::string& text, std::uint64_t now_ms);
  // A notice in two columns.
  void explain(const std::string& what, const std::string& meaning, std::uint64_t now_ms);

  const std::deque<Item>& items() const { return items_; }
  const Item* find(MessageId id) const;
  const Item* find(Seq seq) const;
  // The newest stored message that is not deleted: of mine, or of somebody else.
  const Item* latest(bool own) const;
  // Everybody who has spoken, most recent first.
  const std::vector<std::string>& people() const { return people_; }
  // Grows with every change, so that a view knows when to look again.
  std::uint64_t version() const { return version_; }

 private:
  Item* own_pending(std::string_view cid);
  Item* target_of(MessageId id);
  void insert(Item item);
  void apply_operation(const Event& event, Item& target);
  void add_note(Item::Kind kind, const std::string& text, std::uint64_t now_ms);
  void spoke(const std::string& user);
  void trim();

  std::string me_;
  std::deque<Item> items_;
  std::vector<std::string> people_;
  std::uint64_t version_ = 0;
};

}  // namespace parley::chat

#endif

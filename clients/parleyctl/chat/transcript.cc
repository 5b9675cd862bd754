#include "clients/parleyctl/chat/transcript.h"

#include <algorithm>

#include "clients/parleyctl/chat/room_news.h"
#include "clients/parleyctl/chat/text.h"
#include "schemas/text/emoji.h"

namespace parley::chat {
namespace {

constexpr std::size_t kMaxItems = 5000;
constexpr std::size_t kMaxPeople = 200;

bool is_unsettled(const Item& item) {
  return item.kind == Item::Kind::message && item.delivery != Delivery::stored;
}

// The qualified form, under which reactions count together; what was sent before servers asked for one emoji
// stays what it was.
std::string emoji_of_reaction(std::string_view emoji) {
  text::EmojiBuffer buffer{};
  const std::string_view qualified = text::qualified_emoji(emoji, buffer);
  return qualified.empty() ? clean_line(emoji) : std::string(qualified);
}

}  // namespace

void Transcript::add_pending(const client::Outgoing& message, std::uint64_t now_ms) {
  Item item;
  item.ts_ms = now_ms;
  item.from = me_;
  item.own = true;
  item.delivery = Delivery::pending;
  item.cid = message.cid;
  item.body = clean(message.body);
  item.reply_to = message.reply_to;
  items_.push_back(std::move(item));
  trim();
}

void Transcript::stored(const std::string& cid, const client::Ack& ack) {
  Item* item = own_pending(cid);
  if (item == nullptr) return;
  // Its place among the others comes with our own copy of the event; until then it stays at the end, ticked.
  item->delivery = Delivery::stored;
  item->note.clear();
  item->seq = ack.seq;
  item->id = ack.id;
  item->ts_ms = ack.ts_ms != 0 ? ack.ts_ms : item->ts_ms;
  ++version_;
}

void Transcript::failed(const std::string& cid, const std::string& why) {
  if (Item* item = own_pending(cid)) {
    item->delivery = Delivery::failed;
    item->note = clean(why);
    ++version_;
  }
}

void Transcript::delayed(const std::string& cid, const std::string& why) {
  if (Item* item = own_pending(cid)) {
    item->note = clean(why);
    ++version_;
  }
}

void Transcript::apply(const Event& event) {
  const Stamp& stamp = event.stamp;
  const Send& send = event.send;
  const std::string from = clean_line(stamp.from);
  if (is_server_made(send.kind)) {
    const std::string text = room_news(event);
    if (!text.empty()) add_note(Item::Kind::notice, text, stamp.ts_ms);
    return;
  }
  spoke(from);
  if (is_operation(send.kind)) {
    if (Item* target = target_of(send.target)) apply_operation(event, *target);
    return;
  }
  Item item;
  item.ts_ms = stamp.ts_ms;
  item.from = from;
  item.own = from == me_;
  item.cid = std::string(send.cid);
  item.seq = stamp.seq;
  item.id = stamp.id;
  item.reply_to = send.reply_to;
  item.body = send.kind == Kind::encrypted ? "(encrypted)" : clean(send.body);
  item.mentions_me =
      !item.own && std::find(send.mentions.begin(), send.mentions.end(), me_) != send.mentions.end();
  for (const Attachment& attachment : send.attachments)
    item.attachments.push_back(clean_line(attachment.name));
  if (item.own && !item.cid.empty()) {
    std::erase_if(items_, [&](const Item& other) { return other.own && other.cid == item.cid; });
  }
  insert(std::move(item));
}

void Transcript::notice(const std::string& text, std::uint64_t now_ms) {
  add_note(Item::Kind::notice, text, now_ms);
}

void Transcript::warn(const std::string& text, std::uint64_t now_ms) {
  add_note(Item::Kind::warning, text, now_ms);
}

void Transcript::explain(const std::string& what, const std::string& meaning, std::uint64_t now_ms) {
  add_note(Item::Kind::notice, what, now_ms);
  items_.back().note = clean(meaning);
}

const Item* Transcript::find(MessageId id) const {
  const auto it = std::find_if(items_.begin(), items_.end(),
                               [&](const Item& item) { return id != MessageId{0} && item.id == id; });
  return it == items_.end() ? nullptr : &*it;
}

const Item* Transcript::find(Seq seq) const {
  const auto it = std::find_if(items_.begin(), items_.end(),
                               [&](const Item& item) { return seq != Seq{0} && item.seq == seq; });
  return it == items_.end() ? nullptr : &*it;
}

const Item* Transcript::latest(bool own) const {
  const auto it = std::find_if(items_.rbegin(), items_.rend(), [&](const Item& item) {
    return item.kind == Item::Kind::message && item.delivery == Delivery::stored && item.own == own &&
           !item.deleted;
  });
  return it == items_.rend() ? nullptr : &*it;
}

Item* Transcript::own_pending(std::string_view cid) {
  const auto it = std::find_if(items_.rbegin(), items_.rend(), [&](const Item& item) {
    return item.own && item.delivery == Delivery::pending && item.cid == cid;
  });
  return it == items_.rend() ? nullptr : &*it;
}

Item* Transcript::target_of(MessageId id) { return const_cast<Item*>(find(id)); }

void Transcript::insert(Item item) {
  // Before what has no place yet, so that stored messages keep the room's order.
  auto at = items_.end();
  while (at != items_.begin() && is_unsettled(*std::prev(at))) --at;
  items_.insert(at, std::move(item));
  trim();
}

// The one rule of protocol.md, "Sending": edit by the author, delete by the author or an owner or admin.
void Transcript::apply_operation(const Event& event, Item& target) {
  const std::string from = clean_line(event.stamp.from);
  const bool author = from == target.from;
  switch (event.send.kind) {
    case Kind::edit:
      if (author && !target.deleted) {
        target.body = clean(event.send.body);
        target.edited = true;
      }
      break;
    case Kind::del:
      if (author || event.stamp.role >= MemberRole::admin) {
        target.deleted = true;
        target.reactions.clear();
      }
      break;
    case Kind::react: {
      auto& users = target.reactions[emoji_of_reaction(event.send.emoji)];
      if (std::find(users.begin(), users.end(), from) == users.end()) users.push_back(from);
      break;
    }
    case Kind::unreact: {
      const auto it = target.reactions.find(emoji_of_reaction(event.send.emoji));
      if (it == target.reactions.end()) break;
      std::erase(it->second, from);
      if (it->second.empty()) target.reactions.erase(it);
      break;
    }
    case Kind::pin:
      target.pinned = true;
      break;
    case Kind::unpin:
      target.pinned = false;
      break;
    default:
      break;
  }
  ++version_;
}

void Transcript::add_note(Item::Kind kind, const std::string& text, std::uint64_t now_ms) {
  Item item;
  item.kind = kind;
  item.ts_ms = now_ms;
  item.body = clean(text);
  items_.push_back(std::move(item));
  trim();
}

void Transcript::spoke(const std::string& user) {
  if (user == me_ || user.empty()) return;
  std::erase(people_, user);
  people_.insert(people_.begin(), user);
  if (people_.size() > kMaxPeople) people_.pop_back();
}

void Transcript::trim() {
  while (items_.size() > kMaxItems) items_.pop_front();
  ++version_;
}

}  // namespace parley::chat

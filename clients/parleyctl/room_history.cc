#include "clients/parleyctl/room_history.h"

#include <pthread.h>

#include <thread>

#include "clients/cpp/loop.h"
#include "clients/parleyctl/chat/session.h"
#include "schemas/message.h"
#include "schemas/snowflake.h"

namespace parley::ctl {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

constexpr std::uint64_t kPage = 500;
constexpr std::size_t kMostMissed = 10'000;
constexpr milliseconds kMissedPatience{10'000};
constexpr std::size_t kMostRecent = 5'000;
constexpr milliseconds kRecentPatience{1'500};
constexpr std::uint64_t kDayMs = 24ULL * 3600 * 1000;

// The greatest name below `user`, near enough: no name lies between.
std::string just_before(std::string user) {
  --user.back();
  return user + std::string(32, '~');
}

// The seq from which on the user may read, or nothing for somebody who is no member.
std::optional<Seq> visible_after(ControlClient& control, const std::string& room, const std::string& user) {
  const auto answer =
      control.ask("list", {{"what", "members"}, {"room", room}, {"after", just_before(user)}, {"limit", 1}});
  const json::value* items = answer.body.if_contains("items");
  if (!answer.ok() || items == nullptr || !items->is_array() || items->as_array().empty())
    return std::nullopt;
  const auto op = parse_control_op(json::serialize(items->as_array()[0]));
  const auto* member = op ? std::get_if<MemberPut>(&*op) : nullptr;
  if (member == nullptr || member->user != user) return std::nullopt;
  return member->since;
}

// Runs gap fetches one after the other.
class Fetcher {
 public:
  explicit Fetcher(const Context& context) : context_(context), loop_(std::make_shared<client::Loop>()) {
    thread_ = std::thread([loop = loop_] {
      ::pthread_setname_np(::pthread_self(), "parley-history");
      loop->run([] { return std::nullopt; }, [] {});
    });
  }
  ~Fetcher() {
    loop_->stop();
    thread_.join();
  }

  void fetch(const client::Gap& gap, client::RefetchReply reply) {
    loop_->post([this, gap, reply = std::move(reply)] { reply(read(gap)); });
  }

 private:
  std::vector<client::EventBytes> read(const client::Gap& gap) {
    if (gap.have_id == MessageId{0}) return {};
    try {
      const auto control = connect_control(context_);
      return read_history(*control, gap.room, gap.have_id, kMostMissed, kMissedPatience).events;
    } catch (const std::exception&) {
      return {};  // the chat is told of the gap, and says so
    }
  }

  const Context context_;
  std::shared_ptr<client::Loop> loop_;
  std::thread thread_;
};

}  // namespace

HistoryPage read_history(ControlClient& control, const std::string& room, MessageId offset, std::size_t most,
                         milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  HistoryPage page;
  EventReader reader;
  EventBuilder builder;
  std::uint64_t at = raw(offset);
  while (page.events.size() < most && std::chrono::steady_clock::now() < deadline) {
    const ControlClient::LogRecords read = control.read_log(at, kPage, room);
    for (const ControlClient::LogRecord& record : read.records) {
      const auto event = reader.read_json(record.event);  // points into the text
      if (!event) continue;
      const Bytes bytes = builder.build(event->stamp, event->send);
      page.events.emplace_back(bytes.begin(), bytes.end());
    }
    if (read.end || read.next <= at) {
      page.complete = true;
      break;
    }
    at = read.next;
  }
  return page;
}

std::vector<client::EventBytes> recent_history(ControlClient& control, const std::string& room,
                                               const std::string& user, std::size_t count) {
  const auto after = visible_after(control, room, user);
  if (!after) return {};
  // Offsets are Snowflakes, so a time is an offset.
  const MessageId yesterday{(chat::now_ms() - kDayMs - kSnowflakeEpochMs) << 22};
  HistoryPage page = read_history(control, room, yesterday, kMostRecent, kRecentPatience);
  if (!page.complete) return {};
  EventReader reader;
  std::erase_if(page.events, [&](const client::EventBytes& bytes) {
    const auto event = reader.read(bytes);
    return !event || event->stamp.seq <= *after;
  });
  if (page.events.size() > count)
    page.events.erase(page.events.begin(), page.events.end() - static_cast<long>(count));
  return std::move(page.events);
}

client::Refetch refetch_from_log(const Context& context) {
  auto fetcher = std::make_shared<Fetcher>(context);
  return [fetcher](const client::Gap& gap, client::RefetchReply reply) {
    fetcher->fetch(gap, std::move(reply));
  };
}

}  // namespace parley::ctl

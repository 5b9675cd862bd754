#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <fstream>
#include <list>

#include "clients/cpp/outbox_store.h"

namespace parley::client {
namespace {

namespace json = boost::json;

// Done entries are kept in the file until this many have gathered; then it is rewritten.
constexpr std::size_t kRewriteAfter = 1000;

json::object to_object(const Outgoing& message) {
  json::object out{{"room", message.room},
                   {"cid", message.cid},
                   {"kind", to_string(message.kind)},
                   {"body", message.body},
                   {"reply_to", std::to_string(raw(message.reply_to))},
                   {"target", std::to_string(raw(message.target))},
                   {"emoji", message.emoji},
                   {"meta", message.meta},
                   {"expires_in", message.expires_in_s}};
  json::array mentions(message.mentions.begin(), message.mentions.end());
  json::array attachments;
  for (const OutgoingAttachment& a : message.attachments) {
    attachments.push_back({{"id", a.id}, {"name", a.name}, {"type", a.type}, {"size", a.size}});
  }
  out.emplace("mentions", std::move(mentions));
  out.emplace("attachments", std::move(attachments));
  return out;
}

// Throws what Boost.JSON throws for a missing field or a wrong type.
Outgoing from_object(const json::object& in) {
  const auto text = [&](std::string_view field) { return std::string(in.at(field).as_string()); };
  Outgoing message;
  message.room = text("room");
  message.cid = text("cid");
  message.kind = parse_kind(text("kind")).value_or(Kind::text);
  message.body = text("body");
  message.reply_to = parse_message_id(text("reply_to")).value_or(MessageId{0});
  message.target = parse_message_id(text("target")).value_or(MessageId{0});
  message.emoji = text("emoji");
  message.meta = text("meta");
  message.expires_in_s = in.at("expires_in").to_number<std::uint32_t>();
  for (const json::value& name : in.at("mentions").as_array())
    message.mentions.emplace_back(name.as_string());
  for (const json::value& value : in.at("attachments").as_array()) {
    const json::object& a = value.as_object();
    message.attachments.push_back({std::string(a.at("id").as_string()), std::string(a.at("name").as_string()),
                                   std::string(a.at("type").as_string()),
                                   a.at("size").to_number<std::uint64_t>()});
  }
  return message;
}

class FileOutbox : public OutboxStore {
 public:
  explicit FileOutbox(std::filesystem::path file) : file_(std::move(file)) {}
  ~FileOutbox() override {
    if (fd_ >= 0) ::close(fd_);
    if (lock_fd_ >= 0) ::close(lock_fd_);
  }

  std::vector<Outgoing> load() override {
    if (!lock()) return {};
    std::ifstream in(file_);
    std::string line;
    while (std::getline(in, line)) replay(line);
    rewrite();
    return {entries_.begin(), entries_.end()};
  }

  void put(const Outgoing& message) override {
    if (fd_ < 0) return;
    entries_.push_back(message);
    append({{"put", to_object(message)}});
  }

  void remove(std::string_view room, std::string_view cid) override {
    if (fd_ < 0) return;
    forget(room, cid);
    append({{"done", {{"room", room}, {"cid", cid}}}});
    if (++done_ >= kRewriteAfter) rewrite();
  }

 private:
  // The lock is on a file beside it: the file itself is replaced at every rewrite.
  bool lock() {
    lock_fd_ = ::open((file_.string() + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return lock_fd_ >= 0 && ::flock(lock_fd_, LOCK_EX | LOCK_NB) == 0;
  }

  void replay(const std::string& line) {
    try {
      const json::value value = json::parse(line);
      if (const json::value* put = value.as_object().if_contains("put")) {
        entries_.push_back(from_object(put->as_object()));
      } else {
        const json::object& done = value.as_object().at("done").as_object();
        forget(done.at("room").as_string(), done.at("cid").as_string());
      }
    } catch (const std::exception&) {
      // A line torn by a crash, or of a later version: the others still count.
    }
  }

  void forget(std::string_view room, std::string_view cid) {
    entries_.remove_if([&](const Outgoing& m) { return m.room == room && m.cid == cid; });
  }

  // One write: O_APPEND keeps it whole against everything but a crash in the middle and a full disk, which
  // replay() forgives.
  static bool write_line(int fd, const std::string& text) {
    return ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  }

  void append(const json::object& line) {
    const std::string text = json::serialize(line) + "\n";
    if (behind_ && rewrite()) return;
    if (!write_line(fd_, behind_ ? "\n" + text : text)) behind_ = true;
  }

  // False, and the file is as it was, on a full disk say.
  bool rewrite() {
    done_ = 0;
    const std::string temp = file_.string() + ".tmp";
    const int fd = ::open(temp.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    bool whole = fd >= 0;
    for (const Outgoing& message : entries_)
      whole = whole && write_line(fd, json::serialize(json::object{{"put", to_object(message)}}) + "\n");
    if (whole && ::rename(temp.c_str(), file_.c_str()) == 0) {
      if (fd_ >= 0) ::close(fd_);
      fd_ = fd;
      behind_ = false;
      return true;
    }
    if (fd >= 0) {
      ::close(fd);
      ::unlink(temp.c_str());
    }
    if (fd_ < 0) fd_ = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    behind_ = true;
    return false;
  }

  std::filesystem::path file_;
  int lock_fd_ = -1;
  int fd_ = -1;
  std::list<Outgoing> entries_;
  std::size_t done_ = 0;  // since the last rewrite
  bool behind_ = false;   // a line could not be written, or not its end: the next change writes all anew
};

}  // namespace

std::unique_ptr<OutboxStore> make_file_outbox(const std::filesystem::path& file) {
  return std::make_unique<FileOutbox>(file);
}

}  // namespace parley::client

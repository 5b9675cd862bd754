#include "broker-plugin/control.h"

#include <algorithm>
#include <random>
#include <utility>

#include "schemas/json_text.h"
#include "schemas/snowflake.h"
#include "schemas/topic.h"

namespace parley::plugin {
namespace {

constexpr std::uint32_t kDefaultPage = 200;
constexpr std::uint32_t kMaxPage = 5000;
constexpr std::size_t kMaxPageBytes = 192 * 1024;
// Records looked at for one page, so that a rare room in a long log does not hold the worker up.
constexpr std::size_t kMaxScan = 200'000;

std::size_t page_size(std::uint32_t asked) {
  return std::clamp<std::uint32_t>(asked == 0 ? kDefaultPage : asked, 1, kMaxPage);
}

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(text, out);
  return out;
}

// The bridge's `req` ends in a slash and the id of the HTTP request that caused it, if one did. Empty: none.
std::string_view cause_of(std::string_view req) {
  const auto slash = req.find('/');
  if (slash == std::string_view::npos) return {};
  const std::string_view id = req.substr(slash + 1);
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return id.size() <= 64 && std::ranges::all_of(id, fits) ? id : std::string_view{};
}

std::string name_of(const ControlOp& op) {
  if (const auto* user = std::get_if<UserPut>(&op)) return user->user;
  if (const auto* room = std::get_if<RoomPut>(&op)) return room->room;
  if (const auto* member = std::get_if<MemberPut>(&op)) return member->user;
  return {};
}

}  // namespace

Control::Control(Parts parts) : parts_(std::move(parts)), snapshot_number_(std::random_device()()) {}

void Control::handle(std::string_view payload) {
  parts_.metrics.control_requests.add();
  auto request = parse_control_request(payload);
  if (!request)
    return fail(control_request_id(payload), to_string(request.error().code), request.error().message);
  ControlRequest& r = *request;
  if (r.cmd != "version")  // which is asked again and again, until a change has come
    note(r.req, "cmd", std::string_view(r.cmd).substr(0, 32));
  // A snapshot is committed on disk a moment before it decides anything here.
  if (r.cmd == "version") {
    const storage::FeedPosition at = committing_ ? snapshot_base_ : parts_.replica.position();
    return reply(r.req,
                 R"("version":)" + std::to_string(at.version) + R"(,"mark":)" + std::to_string(at.mark));
  }
  if (r.cmd == "apply") return apply(r);
  if (r.cmd == "send") return send(r);
  if (r.cmd == "room.tail") return room_tail(r);
  if (r.cmd == "post") return post_events(r);
  if (r.cmd == "snapshot.begin") return snapshot_begin(r);
  if (r.cmd == "snapshot.chunk") return snapshot_chunk(r);
  if (r.cmd == "snapshot.commit") return snapshot_commit(r);
  if (r.cmd == "list") return list(r);
  if (r.cmd == "log.read") return log_read(r);
  if (r.cmd == "log.cursor" || r.cmd == "log.cursor.remove") return log_cursor(r);
  if (r.cmd == "log.cursors") return log_cursors(r);
  if (r.cmd == "stats") return reply(r.req, R"("stats":)" + parts_.stats_json());
  if (r.cmd == "kick") {
    if (parts_.kick(r.client)) return reply(r.req, R"("kicked":true)");
    return fail(r.req, "not_found", "no connection has the client id " + r.client);
  }
  fail(r.req, "bad_payload",
       "unknown cmd; known are version, apply, post, send, room.tail, snapshot.begin, snapshot.chunk, "
       "snapshot.commit, list, log.read, log.cursor, log.cursor.remove, log.cursors, stats, kick");
}

void Control::apply(const ControlRequest& request) {
  if (busy_with_snapshot(request)) return;
  const auto [version, mark] = parts_.replica.position();
  const bool other = request.from_mark != 0 && mark != 0 && request.from_mark != mark;
  if (request.from != version || other)
    return fail(request.req, "version_mismatch", "the replica is at another version than `from`",
                R"("version":)" + std::to_string(version));
  if (request.to <= request.from)
    return fail(request.req, "bad_payload", "`to` must be above `from`",
                R"("version":)" + std::to_string(version));
  const auto posted = append_events(request.ops);
  if (!posted) return fail(request.req, posted.error());
  if (const auto stored = parts_.replica.apply({request.to, request.mark}, request.ops); !stored)
    return fail(request.req, "unavailable", stored.error());
  std::vector<Effect> effects;
  for (const ControlOp& op : request.ops) parts_.facts->apply(op, &effects);
  parts_.on_effects(effects);
  for (const ControlOp& op : request.ops)
    if (const auto* event = std::get_if<UserEvent>(&op)) parts_.tell(*event);
  // In force from here on; the answer also means that it outlives a power failure, the events before the
  // version that says that they were posted.
  const auto sync_and_answer = [this, req = request.req, to = request.to] {
    post(req, [this, req, to] {
      if (const auto synced = parts_.replica.sync(); !synced) return fail(req, "unavailable", synced.error());
      reply(req, R"("version":)" + std::to_string(to));
    });
  };
  if (*posted) return parts_.commits.push_after_sync(sync_and_answer);
  sync_and_answer();
}

// Before the facts: a message of somebody who comes or goes stands on the right side of that event.
Result<bool> Control::append_events(std::span<const ControlOp> ops) {
  bool any = false;
  for (const ControlOp& op : ops) {
    const auto* event = std::get_if<EventPost>(&op);
    if (event == nullptr) continue;
    if (const auto posted = parts_.admission.post(*event); !posted) return posted.error();
    any = true;
  }
  return any;
}

void Control::post_events(const ControlRequest& request) {
  if (!std::ranges::all_of(request.ops,
                           [](const ControlOp& op) { return std::holds_alternative<EventPost>(op); }))
    return fail(request.req, "bad_payload", "post takes event.post only");
  if (const auto posted = append_events(request.ops); !posted) return fail(request.req, posted.error());
  parts_.commits.push_after_sync(
      [this, req = request.req, ops = request.ops.size()] { reply(req, R"("ops":)" + std::to_string(ops)); });
}

// As if the user had published it: what the node knows of the user decides, and the bridge vouches for who it
// is.
void Control::send(const ControlRequest& request) {
  const UserIndex user = parts_.directory->find_user(request.user);
  const UserFacts& facts = parts_.facts->user(user);
  if (!facts.exists || facts.status != UserStatus::active)
    return fail(request.req, {Code::forbidden, "there is no active user " + request.user});
  if (!request.device.empty() && !is_device_name(request.device))
    return fail(request.req, {Code::bad_payload, "`device` must be the name of a device"});
  const Author author{user, parts_.directory->user_name(user), request.device, request.role};
  const auto placed = parts_.admission.admit(author, request.room, request.payload);
  if (!placed) {
    parts_.metrics.refused[static_cast<std::size_t>(placed.error().code)].add();
    return fail(request.req, placed.error());
  }
  std::string fields;
  JsonObjectWriter json(fields);
  json.text_if("cid", parts_.admission.last_cid());
  json.number("seq", raw(placed->seq));
  json.number_if("prev", raw(placed->prev));
  json.id_if("id", raw(placed->id));
  json.number("ts", placed->ts_ms);
  json.json_if("duplicate", placed->duplicate ? "true" : "false");
  parts_.commits.push_after_sync([this, req = request.req, fields] { reply(req, fields.substr(1)); });
}

void Control::room_tail(const ControlRequest& request) {
  const RoomIndex room = parts_.directory->find_room(request.room);
  const Seq last = room == kNoRoom ? Seq{0} : parts_.rooms.at(room).last;
  reply(request.req, R"("last":)" + std::to_string(raw(last)));
}

// Only the worker touches the replica then.
bool Control::busy_with_snapshot(const ControlRequest& request) {
  if (!committing_ && unwritten_ == 0) return false;
  fail(request.req, "unavailable", "a snapshot is being written; try again in a moment");
  return true;
}

void Control::snapshot_begin(const ControlRequest& request) {
  if (busy_with_snapshot(request)) return;
  if (const auto begun = parts_.replica.snapshot_begin(); !begun)
    return fail(request.req, "unavailable", begun.error());
  snapshot_ = std::make_unique<Facts>(parts_.directory, parts_.default_limits);
  chunk_lost_ = false;
  ++snapshot_number_;
  snapshot_base_ = parts_.replica.position();
  reply(request.req, R"("version":)" + std::to_string(parts_.replica.version()) + R"(,"snapshot":)" +
                         std::to_string(snapshot_number_));
}

// Two bridges may both think for a moment that they feed this node: their snapshots must not mix, and one
// that began before the other's changes must not undo them.
bool Control::is_this_snapshot(const ControlRequest& request) {
  if (!snapshot_ || committing_) {
    fail(request.req, "bad_payload", "no snapshot was begun: snapshot.begin first");
    return false;
  }
  if (request.snapshot != 0 && request.snapshot != snapshot_number_) {
    fail(request.req, "version_mismatch", "somebody else has begun another snapshot since");
    return false;
  }
  if (parts_.replica.position() != snapshot_base_) {
    fail(request.req, "version_mismatch", "the replica has taken changes since this snapshot was begun",
         R"("version":)" + std::to_string(parts_.replica.version()));
    return false;
  }
  return true;
}

// The facts are taken in here, where the directory of names belongs; they are written by the worker, which
// takes longer. Its answer is the sender's credit for the next chunk.
void Control::snapshot_chunk(ControlRequest& request) {
  if (!is_this_snapshot(request)) return;
  if (!std::ranges::all_of(request.ops, is_fact))
    return fail(request.req, "bad_payload", "a snapshot holds facts only; send events with post");
  for (const ControlOp& op : request.ops) snapshot_->apply(op, nullptr);
  ++unwritten_;
  const auto ops = std::make_shared<std::vector<ControlOp>>(std::move(request.ops));
  const bool posted = parts_.worker.post([this, req = request.req, ops] {
    const auto added = parts_.replica.snapshot_add(*ops);
    if (!added) chunk_lost_ = true;
    --unwritten_;
    if (!added) return fail(req, "unavailable", added.error());
    reply(req, R"("ops":)" + std::to_string(ops->size()));
  });
  if (posted) return;
  chunk_lost_ = true;
  --unwritten_;
  fail(request.req, "unavailable", "too many requests wait; try again in a moment");
}

void Control::snapshot_commit(const ControlRequest& request) {
  if (!is_this_snapshot(request)) return;
  committing_ = true;
  const storage::FeedPosition to(request.to, request.mark);
  const bool posted = parts_.worker.post([this, req = request.req, to] {
    const auto committed =
        chunk_lost_
            ? storage::ReplicaResult<void>("a part of the snapshot could not be written; begin it again")
            : parts_.replica.snapshot_commit(to);
    parts_.delivery.call([this, req, to, error = committed ? std::string() : committed.error()] {
      committing_ = false;
      if (!error.empty()) return fail(req, "unavailable", error);
      std::unique_ptr<Facts> old = std::exchange(parts_.facts, std::move(snapshot_));
      parts_.on_replaced();
      // Taking a million facts apart is not for this thread.
      parts_.worker.post([facts = std::shared_ptr<Facts>(std::move(old))]() mutable { facts.reset(); });
      reply(req, R"("version":)" + std::to_string(to.version));
    });
  });
  if (posted) return;
  committing_ = false;
  fail(request.req, "unavailable", "too many requests wait; try again in a moment");
}

void Control::list(const ControlRequest& request) {
  const std::size_t limit = page_size(request.limit);
  std::vector<ControlOp> ops;
  if (request.what == "users") {
    ops = parts_.facts->list_users(request.after, limit);
  } else if (request.what == "rooms") {
    ops = parts_.facts->list_rooms(request.after, limit);
  } else if (request.what == "members") {
    const RoomIndex room = parts_.directory->find_room(request.room);
    if (room == kNoRoom || !parts_.facts->room(room).exists)
      return fail(request.req, "room_not_found", "there is no room " + request.room);
    ops = parts_.facts->list_members(room, request.after, limit);
  } else {
    return fail(request.req, "bad_payload", "`what` is users, rooms or members");
  }
  std::string fields = R"("items":[)";
  for (const ControlOp& op : ops) {
    if (&op != &ops.front()) fields += ',';
    fields += to_json(op);
  }
  fields += R"(],"next":)" + json_string(ops.size() == limit ? name_of(ops.back()) : "");
  reply(request.req, fields);
}

void Control::log_read(const ControlRequest& request) {
  if (request.encoding == "flatbuffers" && !is_device_name(request.req))
    return fail(request.req, "bad_payload", "`req` names the page's topic: 1 to 64 letters, digits, - or _");
  post(request.req, [this, request] {
    const std::size_t limit = page_size(request.limit);
    const bool binary = request.encoding == "flatbuffers";
    std::string events, stored;  // JSON text, or event bytes one after the other
    std::vector<std::pair<std::uint64_t, std::pair<std::size_t, std::size_t>>> records;
    std::size_t scanned = 0;
    bool full = false;
    const auto last =
        parts_.log.read(MessageId{request.offset}, kMaxScan, [&](const storage::LogRecordView& record) {
          ++scanned;
          if (!request.room.empty() && record.room != request.room) return true;
          if (binary) {
            stored.resize((stored.size() + 7) & ~std::size_t{7});
            records.push_back({raw(record.offset), {stored.size(), record.event.size()}});
            stored.append(reinterpret_cast<const char*>(record.event.data()), record.event.size());
          } else {
            if (!events.empty()) events += ',';
            events += R"({"offset":")" + std::to_string(raw(record.offset)) + R"(","event":)";
            append_event_json(record.event, events);
            events += '}';
            records.push_back({raw(record.offset), {}});
          }
          full = records.size() >= limit || events.size() + stored.size() >= kMaxPageBytes;
          return !full;
        });
    if (!last) return fail(request.req, "unavailable", storage::to_string(last.error()));
    const std::string next = R"("next":")" + std::to_string(raw(*last)) + R"(","end":)" +
                             (full || scanned >= kMaxScan ? "false" : "true");
    if (!binary) return reply(request.req, R"("events":[)" + events + "]," + next);
    std::vector<LogEntry> entries;
    entries.reserve(records.size());
    for (const auto& [offset, span] : records)
      entries.push_back(
          {offset, {reinterpret_cast<const std::uint8_t*>(stored.data()) + span.first, span.second}});
    LogPageBuilder builder;
    const Bytes page = builder.build(0, request.offset, entries);
    const std::string topic = "$parley/pages/" + request.req;
    parts_.delivery.push({PlainTopic{topic}, Payload(page.data(), page.size()), 0});
    reply(request.req,
          R"("topic":)" + json_string(topic) + R"(,"count":)" + std::to_string(entries.size()) + "," + next);
  });
}

void Control::log_cursor(const ControlRequest& request) {
  if (request.consumer.empty()) return fail(request.req, "bad_payload", "`consumer` is missing");
  post(request.req, [this, request] {
    const auto set = request.cmd == "log.cursor"
                         ? parts_.log.set_cursor(request.consumer, MessageId{request.offset})
                         : parts_.log.remove_cursor(request.consumer);
    if (!set) return fail(request.req, "unavailable", storage::to_string(set.error()));
    reply(request.req, R"("offset":")" + std::to_string(request.offset) + '"');
  });
}

void Control::log_cursors(const ControlRequest& request) {
  post(request.req, [this, request] {
    const auto cursors = parts_.log.cursors();
    if (!cursors) return fail(request.req, "unavailable", storage::to_string(cursors.error()));
    std::string fields = R"("cursors":{)";
    for (const auto& [consumer, offset] : *cursors) {
      if (fields.back() != '{') fields += ',';
      fields += json_string(consumer) + ":\"" + std::to_string(raw(offset)) + '"';
    }
    reply(request.req, fields + "}");
  });
}

void Control::post(const std::string& req, Worker::Job job) {
  if (!parts_.worker.post(std::move(job)))
    fail(req, "unavailable", "too many requests wait; try again in a moment");
}

void Control::note(std::string_view req, std::string_view what, std::string_view value) {
  const std::string_view id = cause_of(req);
  if (id.empty()) return;
  // As many as somebody may look for in a quiet hour; of a flood, examples.
  constexpr LogLimiter::Rate kRate{.burst = 200, .per_second = 20};
  parts_.delivery.log(LogLine(LogLevel::info, "request").text("id", id).prose(what, value).rate(kRate));
}

void Control::reply(const std::string& req, std::string_view fields) {
  std::string answer = R"({"req":)" + json_string(req) + R"(,"ok":true)";
  if (!fields.empty()) answer += ",";
  answer += fields;
  answer += '}';
  parts_.delivery.push({PlainTopic{std::string(kControlResponseTopic)}, Payload(answer), 0});
}

void Control::fail(const std::string& req, std::string_view code, std::string_view message,
                   std::string_view more) {
  note(req, "refused", code);
  std::string answer = R"({"req":)" + json_string(req) + R"(,"error":{"code":)" + json_string(code) +
                       R"(,"message":)" + json_string(message) + '}';
  if (!more.empty()) answer += ",";
  answer += more;
  answer += '}';
  parts_.delivery.push({PlainTopic{std::string(kControlResponseTopic)}, Payload(answer), 0});
}

void Control::fail(const std::string& req, const Refusal& refusal) {
  note(req, "refused", to_string(refusal.code));
  std::string answer;
  JsonObjectWriter json(answer);
  json.text("req", req);
  json.key("error");
  JsonObjectWriter error(answer);
  error.text("code", to_string(refusal.code));
  error.text("message", refusal.message);
  error.number_if("retry_after_ms", static_cast<std::uint64_t>(refusal.retry_after.count()));
  error.close();
  json.close();
  parts_.delivery.push({PlainTopic{std::string(kControlResponseTopic)}, Payload(answer), 0});
}

}  // namespace parley::plugin

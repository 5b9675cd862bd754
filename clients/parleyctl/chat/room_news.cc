#include "clients/parleyctl/chat/room_news.h"

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "clients/parleyctl/chat/text.h"

namespace parley::chat {
namespace {

using boost::json::object;

object meta_of(const Event& event) {
  if (event.send.meta.empty()) return {};
  boost::json::error_code error;
  const boost::json::value parsed = boost::json::parse(event.send.meta, error);
  return error || !parsed.is_object() ? object() : parsed.get_object();
}

// Nothing when the member is not there, or is no string.
std::optional<std::string> text_of(const object& meta, std::string_view name) {
  const boost::json::value* value = meta.if_contains(name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return clean_line(std::string_view(value->get_string()));
}

bool is_true(const object& meta, std::string_view name) {
  const boost::json::value* value = meta.if_contains(name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

// "a", "a and b", "a, b and c"
std::string listed(const std::vector<std::string>& parts) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += i + 1 == parts.size() ? " and " : ", ";
    out += parts[i];
  }
  return out;
}

// "an admin"; empty for what is no role that we know.
std::string with_article(std::string_view role) {
  if (role == "owner" || role == "admin") return "an " + std::string(role);
  if (role == "member" || role == "guest") return "a " + std::string(role);
  return {};
}

// --- changes of settings, each as what somebody did

struct Setting {
  std::string_view field;
  std::string_view value;
  std::string_view deed;
};
constexpr std::array kSettings = {
    Setting{"access", "public", "opened the room to everybody"},
    Setting{"access", "private", "made the room private"},
    Setting{"history", "all", "let new members read what was said before them"},
    Setting{"history", "joined", "hid what was said before from new members"},
    Setting{"guests", "post", "let guests write"},
    Setting{"guests", "read", "let guests only read"},
    Setting{"pin", "member", "let every member pin messages"},
    Setting{"pin", "admin", "left pinning messages to admins and owners"},
    Setting{"pin", "owner", "left pinning messages to owners"},
    Setting{"status", "active", "opened the room for writing again"},
    Setting{"status", "read_only", "made the room read-only"},
    Setting{"status", "archived", "archived the room"},
    Setting{"limits", "default", "gave the room the usual limits"},
    Setting{"limits", "unlimited", "lifted the room's limits"},
};

bool is_about_the_change(std::string_view field) {
  return field == "by" || field == "created" || field == "deleted" || field == "kind" || field == "room";
}

// Empty for what a later version may have added.
std::string deed_of(std::string_view field, const std::string& value) {
  if (field == "name")
    return value.empty() ? "took the room's name away" : "renamed the room to " + quoted(value);
  if (field == "topic")
    return value.empty() ? "took the topic away" : "changed the topic to " + quoted(value);
  for (const Setting& setting : kSettings) {
    if (setting.field == field && setting.value == value) return std::string(setting.deed);
  }
  if (field == "limits" && !value.empty()) return "gave the room the limits " + quoted(value);
  return {};
}

std::string changed(const std::string& who, const object& meta) {
  std::vector<std::string> deeds;
  bool more = false;
  for (const auto& member : meta) {
    if (is_about_the_change(member.key())) continue;
    const auto value = text_of(meta, member.key());
    std::string deed = value ? deed_of(member.key(), *value) : std::string();
    more = more || deed.empty();
    if (!deed.empty()) deeds.push_back(std::move(deed));
  }
  if (deeds.empty()) return who + " changed the room's settings";
  if (more) deeds.emplace_back("changed other settings");
  return who + " " + listed(deeds);
}

// What is not set is not worth a word: no name, no topic.
std::string created(const std::string& who, const object& meta) {
  const std::string kind = text_of(meta, "kind").value_or("");
  const std::string name = text_of(meta, "name").value_or("");
  const std::string topic = text_of(meta, "topic").value_or("");
  if (kind == "direct") return who + " started this conversation";
  std::string out = who + " created the " + (kind == "group" ? "group" : "room");
  if (!name.empty()) out += " " + quoted(name);
  if (!topic.empty()) out += " with the topic " + quoted(topic);
  return out;
}

std::string room_changed(const std::string& who, const object& meta) {
  if (is_true(meta, "deleted")) return who + " deleted the room";
  return is_true(meta, "created") ? created(who, meta) : changed(who, meta);
}

// --- members

std::string joined(const std::string& who, const std::string& by, const object& meta) {
  const std::string role = text_of(meta, "role").value_or("");
  const bool by_other = !by.empty() && by != who;
  // Nobody comes in by oneself as owner but who has just created the room, which has been said.
  if (!by_other && role == "owner") return {};
  std::string out = by_other ? by + " added " + who : who + " joined";
  if (role != "member" && !with_article(role).empty()) out += " as " + with_article(role);
  return out;
}

std::string left(const std::string& who, const std::string& by, const object& meta) {
  const std::string reason = text_of(meta, "reason").value_or("");
  const bool by_other = !by.empty() && by != who;
  const std::string_view done = reason == "banned" ? "banned" : "removed";
  if (by_other && reason != "left") return by + " " + std::string(done) + " " + who;
  if (reason == "banned" || reason == "removed") return who + " was " + std::string(done);
  return who + " left";
}

std::string role_changed(const std::string& who, const std::string& by, const object& meta) {
  const std::string title = with_article(text_of(meta, "role").value_or(""));
  const bool by_other = !by.empty() && by != who;
  if (title.empty()) return by_other ? by + " changed the role of " + who : who + " has another role now";
  return by_other ? by + " made " + who + " " + title : who + " is " + title + " now";
}

}  // namespace

std::string room_news(const Event& event) {
  const object meta = meta_of(event);
  const std::string who = clean_line(event.stamp.from);
  const std::string by = text_of(meta, "by").value_or("");
  switch (event.send.kind) {
    case Kind::join:
      return joined(who, by, meta);
    case Kind::leave:
      return left(who, by, meta);
    case Kind::role:
      return role_changed(who, by, meta);
    case Kind::room:
      return room_changed(by.empty() ? who : by, meta);
    default:
      return clean(event.send.body);
  }
}

}  // namespace parley::chat

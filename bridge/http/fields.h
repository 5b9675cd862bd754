// Reads the members of a request's JSON body, or its query, one by one, and remembers the first that is
// wrong.
//
//   Fields body(request);
//   const std::string code = body.text("code", 1, 64);
//   const auto topic = body.optional_line("topic", 0, 500);
//   if (auto refusal = body.refusal()) return *std::move(refusal);
//
// Every accessor returns an empty value when the member is missing or wrong; refusal() then says which, also
// when the body is no JSON object, or has a member that nobody asked for (a typing error should not pass for
// success). An empty body is an empty object. null is as good as leaving a member out, but not in a PATCH,
// where it asks for something to be taken away: what clear_by_null() names is, anything else is refused. Not
// thread-safe; keeps no reference to the request.
#ifndef PARLEY_BRIDGE_HTTP_FIELDS_H_
#define PARLEY_BRIDGE_HTTP_FIELDS_H_

#include <boost/json/object.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bridge/http/request.h"
#include "bridge/http/response.h"
#include "schemas/text/field_text.h"
#include "schemas/text/password_text.h"

namespace parley::http {

// Whether the body says that it is JSON.
bool is_json(const Request& request);

class Fields {
 public:
  explicit Fields(const Request& request);

  // Before the member is read: null stands for `cleared`.
  void clear_by_null(std::string_view name, const boost::json::value& cleared);
  void refuse_other_nulls() { null_is_wrong_ = true; }  // as of a PATCH

  // What people will read, as schemas/text/field_text.h has it: trimmed, composed, with something in it that
  // can be seen. Lengths in characters (code points) of what is left; with a `min` of 0, "" means none.
  std::optional<std::string> optional_line(std::string_view name, std::size_t min, std::size_t max);
  std::optional<std::string> optional_longer_text(std::string_view name, std::size_t min, std::size_t max);
  // What programs compare: codes, names of other systems. Lengths in characters; no control characters but \n
  // and \t.
  std::string text(std::string_view name, std::size_t min, std::size_t max);
  std::optional<std::string> optional_text(std::string_view name, std::size_t min, std::size_t max);
  // Lengths in bytes, and nothing further is asked of it: opaque tokens.
  std::string secret(std::string_view name, std::size_t min, std::size_t max);
  std::optional<std::string> optional_secret(std::string_view name, std::size_t min, std::size_t max);
  // Passwords, prepared as schemas/text/password_text.h has it; lengths in characters of that.
  text::PreparedPassword password(std::string_view name, std::size_t min, std::size_t max);
  std::optional<text::PreparedPassword> optional_password(std::string_view name, std::size_t min,
                                                          std::size_t max);
  // The forms of schemas/ids.h.
  std::string user(std::string_view name);
  std::string room(std::string_view name);
  std::string device(std::string_view name);
  std::optional<std::string> optional_user(std::string_view name);
  std::optional<std::string> optional_room(std::string_view name);
  std::optional<std::string> optional_device(std::string_view name);
  std::optional<std::vector<std::string>> optional_users(std::string_view name, std::size_t max);

  std::int64_t integer(std::string_view name, std::int64_t min, std::int64_t max);
  std::optional<std::int64_t> optional_integer(std::string_view name, std::int64_t min, std::int64_t max);
  std::optional<double> optional_number(std::string_view name, double min, double max);
  std::optional<bool> optional_boolean(std::string_view name);
  // One of the given words.
  std::string choice(std::string_view name, const std::vector<std::string_view>& words);
  std::optional<std::string> optional_choice(std::string_view name,
                                             const std::vector<std::string_view>& words);

  bool has(std::string_view name) const;      // also when it is null
  bool is_null(std::string_view name) const;  // there, and null: "take it away"
  // The member as it is, for what has a shape of its own; marks it as known. Null when absent.
  const boost::json::value* raw(std::string_view name);
  const boost::json::object& object() const { return object_; }

  // Reports `name` as wrong, unless something was before.
  void wrong(std::string_view name, std::string message);
  // 400 or 415 for a body that is no JSON object, 422 `invalid` with the field's name for anything else. Call
  // it once, after everything was read.
  std::optional<Response> refusal();

 private:
  const boost::json::value* find(std::string_view name);  // absent or null: nothing
  std::optional<std::string> optional_field(std::string_view name, std::size_t min, std::size_t max,
                                            text::FieldKind kind);
  std::optional<std::string> checked_name(std::string_view name, bool (*valid)(std::string_view),
                                          std::string_view form);

  boost::json::object object_;
  std::vector<std::string> known_;
  std::optional<Response> refusal_;
  bool null_is_wrong_ = false;
};

// Text that people will read, wherever it came in: trimmed and composed into `out`, or what to answer. Empty
// stays so.
std::optional<Response> read_longer_text(std::string_view name, std::string_view given, std::size_t max,
                                         std::string& out);

// ?limit= and ?cursor= of a list. A wrong limit is refused; cursors are checked by whoever made them.
struct Page {
  std::size_t limit = 50;
  std::string cursor;  // empty: from the start
};
inline constexpr std::size_t kMaxPage = 200;
std::optional<Response> read_page(const Request& request, Page& out);

// The Idempotency-Key header: 1 to 64 printable characters; nothing when absent.
std::optional<Response> read_idempotency_key(const Request& request, std::optional<std::string>& out);

}  // namespace parley::http

#endif

#include "bridge/api/contacts.h"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>

#include "bridge/api/refusals.h"
#include "bridge/api/room_json.h"
#include "bridge/http/fields.h"
#include "storage/metadata.h"

namespace parley::api {
namespace {

constexpr std::size_t kMaxNick = 100;  // characters

boost::json::object render_contact(const storage::Contact& contact) {
  boost::json::object object;
  object["user"] = contact.user;
  if (!contact.display_name.empty()) object["display_name"] = contact.display_name;
  if (!contact.nick.empty()) object["nick"] = contact.nick;
  object["created_at"] = contact.created_ms;
  return object;
}

boost::json::object render_block(const storage::Block& block) {
  boost::json::object object;
  object["user"] = block.user;
  object["created_at"] = block.created_ms;
  return object;
}

// What is no name is nobody's.
bool is_nobody(const http::Request& request) { return !is_user_name(request.param("user")); }

}  // namespace

http::Response list_contacts(const http::Request& request, Context& context) {
  storage::PageRequest page;
  if (auto refusal = read_page(request, page)) return *std::move(refusal);
  const auto found = context.metadata.people().contacts(context.caller.user, page);
  return found ? http::json(page_object(*found, render_contact)) : refused(found.error());
}

http::Response put_contact(const http::Request& request, Context& context) {
  if (is_nobody(request)) return no_such_user();
  http::Fields body(request);
  const std::string nick = body.optional_line("nick", 0, kMaxNick).value_or("");
  if (auto refusal = body.refusal()) return *std::move(refusal);
  const auto put =
      context.metadata.people().put_contact(actor(request, context), request.param("user"), nick);
  return put ? http::json(render_contact(put->value), put->existed ? 200 : 201) : refused(put.error());
}

http::Response remove_contact(const http::Request& request, Context& context) {
  if (is_nobody(request)) return no_such_user();
  const auto gone = context.metadata.people().remove_contact(actor(request, context), request.param("user"));
  return gone ? http::no_content() : refused(gone.error());
}

http::Response list_blocks(const http::Request& request, Context& context) {
  storage::PageRequest page;
  if (auto refusal = read_page(request, page)) return *std::move(refusal);
  const auto found = context.metadata.people().blocks(context.caller.user, page);
  return found ? http::json(page_object(*found, render_block)) : refused(found.error());
}

http::Response block_user(const http::Request& request, Context& context) {
  if (is_nobody(request)) return no_such_user();
  const auto done = context.metadata.people().block(actor(request, context), request.param("user"));
  return done ? http::no_content() : refused(done.error());
}

http::Response unblock_user(const http::Request& request, Context& context) {
  if (is_nobody(request)) return no_such_user();
  const auto done = context.metadata.people().unblock(actor(request, context), request.param("user"));
  return done ? http::no_content() : refused(done.error());
}

}  // namespace parley::api

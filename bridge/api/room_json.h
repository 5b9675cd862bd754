// How rooms, members, bans and invites look in answers. Pure; any thread.
#ifndef PARLEY_BRIDGE_API_ROOM_JSON_H_
#define PARLEY_BRIDGE_API_ROOM_JSON_H_

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string_view>

#include "storage/metadata_rooms.h"

namespace parley::api {

boost::json::object to_object(const storage::RoomView& view);
boost::json::object to_object(const storage::Member& member);
boost::json::object to_object(const storage::Ban& ban);
// `public_url`: where the API is reached from outside; empty: unknown, and no link is given.
boost::json::object to_object(const storage::Invite& invite, std::string_view public_url);

// {"items":[...],"next"?}
template <class T, class Render>
boost::json::object page_object(const storage::Page<T>& page, Render render) {
  boost::json::array items;
  items.reserve(page.items.size());
  for (const T& item : page.items) items.emplace_back(render(item));
  boost::json::object object;
  object["items"] = std::move(items);
  if (!page.next.empty()) object["next"] = page.next;
  return object;
}

}  // namespace parley::api

#endif

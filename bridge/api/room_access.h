// What the handlers about one room share: who may know of it, and where its log ends. Any worker thread.
#ifndef PARLEY_BRIDGE_API_ROOM_ACCESS_H_
#define PARLEY_BRIDGE_API_ROOM_ACCESS_H_

#include <boost/system/result.hpp>
#include <string>
#include <string_view>

#include "bridge/api/context.h"
#include "storage/metadata_rooms.h"

namespace parley::api {

// What became of a step of a handler: a value, or the answer that ends the request.
template <class T>
using Step = boost::system::result<T, http::Response>;
[[noreturn]] void throw_exception_from_error(const http::Response& answer, const boost::source_location&);

// 404, in the same words whether there is no such room or the caller may not know of it.
http::Response no_such_room();

// The {room} of the path and the caller's place in it; 404 when the caller may not see it.
Step<storage::RoomView> visible_room(const http::Request& request, Context& context);
// May the caller do it, by schemas/room_policy.h? For reads; changes are decided in their transaction.
bool allowed(const storage::RoomView& view, const Context& context, RoomAction action);

// The refusal of a change in a room. Whoever may not even see the room is told that there is none, so that
// guessing names tells nothing; asks storage where the refusal would give the room away.
http::Response refused_in_room(const storage::MetadataFault& fault, std::string_view room, Context& context);

// Where the room's log ends, which is where a new member's view begins in rooms with history=joined; 0 for
// other rooms, without asking. 503 when the broker cannot say.
Step<Seq> tail_for_newcomer(const storage::Room& room, Context& context);

// The room as the caller sees it after a change.
http::Response room_answer(std::string_view room, Context& context, unsigned status = 200);
http::Response room_answer(const storage::RoomView& view, unsigned status = 200);

}  // namespace parley::api

#endif

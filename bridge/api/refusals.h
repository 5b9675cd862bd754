// From what storage and the broker refuse to what HTTP answers: the one translation, held by a table test.
#ifndef PARLEY_BRIDGE_API_REFUSALS_H_
#define PARLEY_BRIDGE_API_REFUSALS_H_

#include "bridge/api/context.h"
#include "storage/metadata_types.h"

namespace parley::bridge {
struct BrokerError;  // bridge/broker_link.h
}

namespace parley::api {

http::Response refused(const storage::MetadataFault& fault);
http::Response refused(const bridge::BrokerError& error);
http::Response no_such_user();  // 404, of the field `user`

// The caller, for a mutation. The second form takes the Idempotency-Key along, with a fingerprint of method,
// path and body: whatever order its members come in, and however its numbers and strings are spelled. Refuses
// a key that is none.
storage::Actor actor(const http::Request& request, const Context& context);
std::optional<http::Response> idempotent_actor(const http::Request& request, const Context& context,
                                               storage::Actor& out);

// The version that an update must find, from If-Match; nothing: any. Of several tags the one that is current
// now, which takes a read.
std::optional<std::uint64_t> room_version(const http::Request& request, const std::string& room,
                                          Context& context);
std::optional<std::uint64_t> user_version(const http::Request& request, const std::string& user,
                                          Context& context);

// ?limit= and ?cursor= as storage takes them.
std::optional<http::Response> read_page(const http::Request& request, storage::PageRequest& out);

}  // namespace parley::api

#endif

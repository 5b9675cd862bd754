// Who may subscribe to, read and write which topic (protocol.md, "Topics"). Pure; the broker's thread. A read
// is asked for every delivery, so may_read() is a few table look-ups and allocates nothing.
#ifndef PARLEY_BROKER_PLUGIN_AUTHORIZE_H_
#define PARLEY_BROKER_PLUGIN_AUTHORIZE_H_

#include <string_view>

#include "broker-plugin/facts.h"
#include "broker-plugin/sessions.h"
#include "config/broker_config.h"
#include "schemas/errors.h"
#include "schemas/topic.h"

namespace parley::plugin {

bool may_subscribe(const Session& session, std::string_view filter, const Facts& facts);
bool may_read(const Session& session, const Topic& topic, std::string_view name, const Facts& facts);

// What the broker's write check answers. Publishes to rooms/{room}/... pass it for any user: whether they may
// is decided in the publish callback, which can answer with a reason.
bool may_write(const Session& session, const Topic& topic, std::string_view name);

// A message or operation of `who` in a room: room, membership, role, status, blocks.
Result<MemberRole> may_post(UserIndex user, RoomIndex room, Kind kind, const Facts& facts);
// Typing: what may not be written may not be typed.
Result<MemberRole> may_type(UserIndex user, RoomIndex room, const Facts& facts);
// Receipts: whoever may read, but for a direct room in which one has blocked the other.
Result<MemberRole> may_send_receipt(UserIndex user, RoomIndex room, const Facts& facts);

// The operator's patterns with this identity's names filled in.
std::vector<OpenedPattern> open_patterns(const std::vector<PassThroughPattern>& patterns,
                                         const Identity& who);

}  // namespace parley::plugin

#endif

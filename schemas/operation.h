// The one rule that decides whether an operation on a message takes effect. Everybody who folds events into
// messages (the broker node, the history, every SDK) asks this and nothing else, so that all readers agree.
// Pure.
#ifndef PARLEY_SCHEMAS_OPERATION_H_
#define PARLEY_SCHEMAS_OPERATION_H_

#include <string_view>

#include "schemas/message.h"

namespace parley {

// `sender`, `sender_role`: who made the operation and their role in the room at that time (the event carries
// both); `author`: who sent the target; `pin_role`: the lowest role that pins, by the room's setting.
constexpr bool takes_effect(Kind operation, std::string_view sender, MemberRole sender_role,
                            std::string_view author, MemberRole pin_role) {
  switch (operation) {
    case Kind::edit:
      return sender == author;
    case Kind::del:
      return sender == author || sender_role >= MemberRole::admin;
    case Kind::pin:
    case Kind::unpin:
      return sender_role >= pin_role;
    default:
      return true;
  }
}

}  // namespace parley

#endif

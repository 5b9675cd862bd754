// Typing and receipts: what a client says of itself, checked and stamped with the user's name, so that nobody
// speaks for somebody else. Pure.
#ifndef PARLEY_BROKER_PLUGIN_SIGNAL_H_
#define PARLEY_BROKER_PLUGIN_SIGNAL_H_

#include <string>
#include <string_view>

#include "schemas/errors.h"

namespace parley::plugin {

// {"typing":true|false} -> {"user":...,"typing":...}
Result<std::string> stamp_typing(std::string_view payload, std::string_view user);
// Whether such a payload, once stamped, is of this user.
bool is_stamped_by(std::string_view stamped, std::string_view user);
// {"delivered":seq,"read":seq}, one of them at least -> the same with "user" first
Result<std::string> stamp_receipt(std::string_view payload, std::string_view user);

}  // namespace parley::plugin

#endif

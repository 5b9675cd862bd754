// The chat in a terminal window: draws the session, edits the line, until the user leaves.
#ifndef PARLEY_CLIENTS_PARLEYCTL_CHAT_WINDOW_H_
#define PARLEY_CLIENTS_PARLEYCTL_CHAT_WINDOW_H_

#include <chrono>
#include <string>

#include "clients/cpp/client.h"

namespace parley::chat {

// Both return the exit status. The terminal one needs Terminal::usable(); `backlog` is what was said before,
// oldest first.
int run_in_terminal(client::Options options, const std::string& room,
                    const std::vector<client::EventBytes>& backlog);

// Lines from standard input are sent, the room's messages are printed one a line, notices and refusals go to
// standard error. Ends at the end of input once everything is acknowledged: 0, or 1 if something was refused,
// could not be read or was not acknowledged within `patience`. `json`: not the messages are printed, but
// every event of the room, as the protocol has it.
int run_in_lines(client::Options options, const std::string& room, std::chrono::milliseconds patience,
                 bool json);

}  // namespace parley::chat

#endif

// What the server says happened to a room, as a sentence that people would say. Pure.
#ifndef PARLEY_CLIENTS_PARLEYCTL_CHAT_ROOM_NEWS_H_
#define PARLEY_CLIENTS_PARLEYCTL_CHAT_ROOM_NEWS_H_

#include <string>

#include "schemas/message.h"

namespace parley::chat {

// Of an event of a server-made kind, cleaned. One line, but for a system message, which may have more. Empty
// when there is nothing to say: for whoever made a room and so is in it, and for kinds of a later version
// without a body.
std::string room_news(const Event& event);

}  // namespace parley::chat

#endif

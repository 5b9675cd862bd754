// Lists as aligned tables for people or JSON lines for programs.
#ifndef PARLEY_CLIENTS_PARLEYCTL_LISTING_H_
#define PARLEY_CLIENTS_PARLEYCTL_LISTING_H_

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "clients/parleyctl/context.h"

namespace parley::ctl {

struct Column {
  std::string field;
  std::string title;
};

// A table's text: two spaces between columns, numbers to the right, no trailing spaces. Missing fields are
// "-".
std::string format_table(const std::vector<Column>& columns, const std::vector<boost::json::object>& rows);

// Text from outside, made safe for a terminal: control characters become '?'.
std::string printable(std::string_view text);

// Adds `list [--json]` below `parent`, asking the broker for `what` (users, rooms, members), page by page.
// "members" takes the room as its argument.
void add_list_command(CLI::App& parent, Context& context, const std::string& what,
                      std::vector<Column> columns);

}  // namespace parley::ctl

#endif

// Lists as aligned tables for people or JSON lines for programs.
#ifndef PARLEY_CLIENTS_PARLEYCTL_LISTING_H_
#define PARLEY_CLIENTS_PARLEYCTL_LISTING_H_

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "clients/parleyctl/context.h"
#include "clients/parleyctl/rest_client.h"

namespace parley::ctl {

struct Column {
  std::string field;
  std::string title;
  bool is_time = false;  // milliseconds since 1970, shown as UTC
};

// A table's text: two spaces between columns, numbers to the right, no trailing spaces. Missing fields are
// "-".
std::string format_table(const std::vector<Column>& columns, const std::vector<boost::json::object>& rows);

// Text from outside, made safe for a terminal: control characters become '?'.
std::string printable(std::string_view text);

// On standard output, as the context wants it.
void print_rows(const Context& context, const std::vector<Column>& columns,
                const std::vector<boost::json::object>& rows);
// Names and values, aligned; fields within fields as "log.bytes".
void print_object(const Context& context, const boost::json::object& object);
// All pages of a list of the REST interface; with --json as they come.
void print_list(const Context& context, RestClient& client, const std::string& path,
                const std::vector<Column>& columns);

// The same, but at most `count` of them.
void print_some(const Context& context, RestClient& client, const std::string& path, std::size_t count,
                const std::vector<Column>& columns);

}  // namespace parley::ctl

#endif

// Single options of a file, asked for and set by their name ("http.listen", "broker.nodes[0].host") in
// whatever way the file spells them: for the launcher, which must not know TOML by itself.
//
// Pure but for load_option_file() and tell_at_option(), which read the file. `file` names the text in errors.
#ifndef PARLEY_CONFIG_OPTION_FILE_H_
#define PARLEY_CONFIG_OPTION_FILE_H_

#include <boost/system/result.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace parley {

struct OptionFault {
  std::string text;  // for whoever wrote the file
};
template <class T>
using OptionResult = boost::system::result<T, OptionFault>;

OptionResult<std::string> load_option_file(const std::filesystem::path& file);

// A string without its quotes, anything else as TOML writes it; nothing when the file does not set it.
OptionResult<std::optional<std::string>> option_in(std::string_view text, const std::filesystem::path& file,
                                                   std::string_view name);

// The text with this value, written as TOML, for the option: nothing else in it is another one than before,
// and comments and layout stay. The text itself when it has that value already, however it is spelled.
OptionResult<std::string> with_option(std::string_view text, const std::filesystem::path& file,
                                      std::string_view name, std::string_view value);

// "http.listen: port 80 is taken" with the file, and the line and column where it sets that option.
std::string tell_at_option(const std::filesystem::path& file, std::string_view fault);

}  // namespace parley

#endif

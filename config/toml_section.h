// Reads one section of a TOML file into typed fields and remembers what was wrong and which keys exist.
// Internal to config/: includes the TOML library, so only .cc files of this folder include it.
// toml_section.cc alone compiles the library's own functions.
#ifndef PARLEY_CONFIG_TOML_SECTION_H_
#define PARLEY_CONFIG_TOML_SECTION_H_

#define TOML_HEADER_ONLY 0
// Debian's toml++ (3.0) asserts what it then checks and reports, such as "[[[" in a file: the report is
// wanted, not an abort.
#define TOML_ASSERT(condition) static_cast<void>(0)
#include <toml++/toml.h>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace parley::config_detail {

// All problems of one file, told in the order of its lines, each with the line itself below it.
class Problems {
 public:
  Problems(std::string file, std::string_view text);
  void add(const toml::source_region& where, std::string_view key, std::string_view message);
  // A name that nobody knows: what it was meant to be is looked for among all names, once they are known.
  void add_unknown(const toml::source_region& where, std::string_view section, std::string_view key);
  void knows(const std::string& section, const std::vector<std::string>& keys);
  bool empty() const { return found_.empty(); }
  std::string text() const;

 private:
  struct Found {
    std::uint32_t line = 0;  // 0: nowhere in the file
    std::uint32_t column = 0;
    std::string section;  // of an unknown name
    std::string name;
    std::string message;  // empty: unknown
  };
  std::string advice(const Found& unknown) const;
  std::string shown(const Found& found) const;

  std::string file_;
  std::vector<std::string> lines_;
  std::vector<Found> found_;
  std::vector<std::pair<std::string, std::vector<std::string>>> known_;  // by section
};

// A line of an option file as it may be shown to anybody who reads a log: passwords and secrets left out, no
// control characters, not longer than a screen is wide.
std::string showable(std::string_view line);

// The text of an option file; nothing, and a problem, when it cannot be had.
std::optional<std::string> read_option_file(const std::filesystem::path& file, std::string& problem);
// Nothing, and a problem, when it is not TOML.
std::optional<toml::table> parse_document(std::string_view text, const std::filesystem::path& file,
                                          Problems& problems);
// What stands at the top of the document and is no section of these.
void refuse_unknown_sections(const toml::table& document, std::span<const char* const> sections,
                             Problems& problems);

// The name in `known` that `name` was probably meant to be; empty when none is near.
std::string_view nearest(std::string_view name, const std::vector<std::string>& known);

// A table of the file, or nothing when the file leaves it out: then every read keeps the default. Each read
// names a key; finish() reports the keys that nobody read. `problems` and the document outlive the section.
class Section {
 public:
  Section(const toml::table* table, std::string name, Problems& problems);

  // The section `name` of a document; something other than a table there is a problem.
  static Section of(const toml::table& document, const std::string& name, Problems& problems);

  // Each leaves `out` alone when the key is missing, and reports a wrong type or a value out of range.
  void integer(const char* key, std::int64_t low, std::int64_t high,
               const std::function<void(std::int64_t)>& set);
  template <std::integral T>
  void read(const char* key, T& out, std::int64_t low, std::int64_t high) {
    integer(key, low, high, [&](std::int64_t v) { out = static_cast<T>(v); });
  }
  template <class Rep, class Period>
  void read(const char* key, std::chrono::duration<Rep, Period>& out, std::int64_t low, std::int64_t high) {
    integer(key, low, high, [&](std::int64_t v) { out = std::chrono::duration<Rep, Period>(v); });
  }
  void mebibytes(const char* key, std::uint64_t& out, std::int64_t low, std::int64_t high);
  void number(const char* key, double& out, double low, double high);
  void boolean(const char* key, bool& out);
  void string(const char* key, std::string& out);
  // A path; a relative one starts in `base`.
  void path(const char* key, std::filesystem::path& out, const std::filesystem::path& base);
  const toml::array* array(const char* key);

  // At the first of these keys that the file has: what contradicts itself may be set by either.
  void problem(std::initializer_list<const char*> keys, std::string_view message);
  void problem(const char* key, std::string_view message) { problem({key}, message); }
  void finish();

 private:
  const toml::node* find(const char* key);
  std::string full(std::string_view key) const;

  const toml::table* table_;
  std::string name_;
  Problems& problems_;
  std::vector<std::string> known_;
};

}  // namespace parley::config_detail

#endif

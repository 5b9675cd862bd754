#include "storage/postgres/url.h"

#include <libpq-fe.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

namespace parley::storage::postgres {
namespace {

// As a constant in SQL, whatever standard_conforming_strings is.
std::string constant(std::string_view text) {
  std::string out = "E'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += c;
    out += c;
  }
  return out + "'";
}

// At white space; a backslash takes the next character as it is.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  bool within = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool blank = std::string_view(" \t\n\v\f\r").find(text[i]) != std::string_view::npos;
    if (!blank && !within) words.emplace_back();
    within = !blank;
    if (blank) continue;
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    words.back() += text[i];
  }
  return words;
}

constexpr char kHowToQuote[] =
    "where it has signs of another meaning, write password='...' or, in a postgresql:// url, %XX for them";

constexpr std::string_view kBlanks = " \t\n\v\f\r";

bool is_uri(std::string_view url) {
  return url.starts_with("postgresql://") || url.starts_with("postgres://");
}

// Does the `name` that libpq does not know stand where a password could not have ended yet?
bool may_be_password(const std::string& url, const std::string& name) {
  const std::size_t password = url.find("password");
  const std::size_t equals = password == url.npos ? password : url.find('=', password);
  if (is_uri(url)) {
    const std::size_t at = url.rfind('@');
    const std::size_t first = url.find(name);  // of a name written as %XX: none
    return first == url.npos || (at != url.npos && first < at) ||
           (equals != url.npos && url.rfind(name) > equals);
  }
  return equals != url.npos && equals < url.rfind(name) &&
         url.rfind(name) > url.find_first_of(kBlanks, equals);
}

// A list with commas, as hosts and ports are.
std::vector<std::string> parts_of(const char* value) {
  std::vector<std::string> list;
  std::istringstream text(value);
  for (std::string part; std::getline(text, part, ',');) list.push_back(part);
  return list;
}

bool is_port(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return text.empty() || (error == std::errc() && end == text.data() + text.size() && port > 0);
}

// A password that was cut at a sign of another meaning: libpq takes its rest for a host, a port or a
// database, tries them, and quotes them in its errors.
std::string fault_beyond_libpq(std::string_view url, const PQconninfoOption* options) {
  if (is_uri(url)) {
    const std::string_view rest = url.substr(url.find("://") + 3);
    const std::string_view path = rest.substr(0, rest.find('?'));
    const std::string_view server = path.substr(0, path.find('/'));
    const auto ats = std::count(path.begin(), path.end(), '@');
    // The name of a database may hold one, where nothing in front of it looks like a password.
    if (ats > 1 || (ats == 1 && server.find('@') == server.npos && server.find(':') != server.npos))
      return "has an @ or a / where none can be: in a user's name, a password or a database's name write %40 "
             "for @ and %2F for /";
  }
  for (; options->keyword != nullptr; ++options) {
    if (options->val == nullptr || std::string_view(options->keyword) != "port") continue;
    for (const std::string& port : parts_of(options->val))
      if (!is_port(port)) return std::string("the port is no number from 1 to 65535; ") + kHowToQuote;
  }
  return "";
}

// What libpq says of it without what it quotes of it, for that may hold a password; the name of an option
// holds none.
std::string without_password(const std::string& url, std::string fault) {
  for (const std::string_view marker : {"option \"", "parameter: \""}) {
    const std::size_t quote = fault.find(marker);
    if (quote == fault.npos) continue;
    const std::size_t from = quote + marker.size();
    if (!may_be_password(url, fault.substr(from, fault.rfind('"') - from))) return fault;
    return fault.substr(0, from - 1) + "..., which may be a part of the password: " + kHowToQuote;
  }
  std::size_t from = fault.find('"');
  while (from != std::string::npos && fault.find('"', from + 1) - from <= 2)  // libpq's own, such as "]"
    from = fault.find('"', from + 3);
  if (from != std::string::npos) fault.replace(from, fault.rfind('"') + 1 - from, "...");
  return fault;
}

}  // namespace

std::string fault_in_url(const std::string& url) {
  char* message = nullptr;
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(
      PQconninfoParse(url.c_str(), &message), &PQconninfoFree);
  std::string fault;
  if (options == nullptr) fault = message ? message : "cannot be parsed";
  if (message != nullptr) PQfreemem(message);
  while (!fault.empty() && fault.back() == '\n') fault.pop_back();
  return options ? fault_beyond_libpq(url, options.get()) : without_password(url, std::move(fault));
}

void forget_startup_environment() {
  // All that libpq sends of the environment (PostgreSQL's documentation, 34.15), but for the encoding, which
  // we choose.
  for (const char* name : {"PGOPTIONS", "PGDATESTYLE", "PGTZ", "PGGEQO"})
    if (std::getenv(name) != nullptr) ::unsetenv(name);
}

std::optional<Settings> parse_startup_options(const std::string& text) {
  Settings settings;
  const std::vector<std::string> words = words_of(text);
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string setting = words[i];
    if (setting == "-c" && i + 1 < words.size()) {
      setting = words[++i];
    } else if (setting.starts_with("--") || (setting.starts_with("-c") && setting.size() > 2)) {
      setting.erase(0, 2);
    } else {
      return std::nullopt;
    }
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0) return std::nullopt;
    std::string name = setting.substr(0, equals);
    std::ranges::replace(name, '-', '_');  // as the server does
    settings.emplace_back(std::move(name), setting.substr(equals + 1));
  }
  return settings;
}

Servers::Servers(const std::string& url) : servers_(1) {
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> parsed(
      PQconninfoParse(url.c_str(), nullptr), &PQconninfoFree);
  std::vector<std::string> hosts, addresses, ports;
  if (parsed == nullptr) options_.emplace_back("dbname", url);
  for (const PQconninfoOption* each = parsed.get(); each != nullptr && each->keyword != nullptr; ++each) {
    if (each->val == nullptr) continue;
    const std::string_view name = each->keyword;
    if (name == "host") hosts = parts_of(each->val);
    if (name == "hostaddr") addresses = parts_of(each->val);
    if (name == "port") ports = parts_of(each->val);
    if (name == "options") {
      if (const auto settings = parse_startup_options(each->val)) {
        // Not SET, which takes a list of names (search_path) for one name.
        for (const auto& [setting, value] : *settings)
          settings_ +=
              "SELECT pg_catalog.set_config(" + constant(setting) + ", " + constant(value) + ", false); ";
        continue;
      }
      sends_options_ = true;
    }
    options_.emplace_back(name, each->val);
  }
  const std::size_t count = std::max(hosts.size(), addresses.size());
  if (count < 2) return;  // libpq does as well
  servers_.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (i < hosts.size()) servers_[i].host = hosts[i];
    if (i < addresses.size()) servers_[i].hostaddr = addresses[i];
    if (!ports.empty()) servers_[i].port = ports[std::min(i, ports.size() - 1)];
  }
}

}  // namespace parley::storage::postgres

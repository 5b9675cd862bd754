#include "bridge/health.h"

#include "bridge/log.h"
#include "schemas/json_text.h"

namespace parley::bridge {

HealthAnswer Health::ready() const {
  std::string missing;
  std::string names;
  std::string words;
  const auto lacks = [&](std::string_view role, const std::string& what, const std::string& why) {
    if (!missing.empty()) missing += ',';
    JsonObjectWriter json(missing);
    json.text("role", role);
    json.text("what", what);
    if (!why.empty()) json.text("why", why);
    json.close();
    names += what + ";";
    words += (words.empty() ? "" : "; ") + what + (why.empty() ? "" : " (" + why + ")");
  };
  if (draining_) lacks("process", "it is being stopped", "");
  for (const Role* role : roles_)
    for (const std::string& what : role->missing()) lacks(role->name(), what, role->why(what));
  {
    const std::lock_guard lock(mutex_);
    if (names != told_) {
      if (names.empty()) log(LogLevel::info, "ready");
      if (!names.empty()) log(LogLevel::warning, "not ready", {{"missing", words}});
      told_ = names;
    }
  }
  if (missing.empty()) return {200, R"({"status":"ready"})"};
  return {503, R"({"status":"not ready","missing":[)" + missing + "]}"};
}

}  // namespace parley::bridge

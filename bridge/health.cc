#include "bridge/health.h"

#include "schemas/json_text.h"

namespace parley::bridge {

HealthAnswer Health::ready() const {
  std::string missing;
  const auto lacks = [&missing](std::string_view role, std::string_view what) {
    if (!missing.empty()) missing += ',';
    JsonObjectWriter json(missing);
    json.text("role", role);
    json.text("what", what);
    json.close();
  };
  if (draining_) lacks("process", "it is being stopped");
  for (const Role* role : roles_)
    for (const std::string& what : role->missing()) lacks(role->name(), what);
  if (missing.empty()) return {200, R"({"status":"ready"})"};
  return {503, R"({"status":"not ready","missing":[)" + missing + "]}"};
}

}  // namespace parley::bridge

#include "bridge/http/router.h"

#include <algorithm>
#include <map>
#include <optional>
#include <stdexcept>

#include "bridge/http/target.h"

namespace parley::http {

struct Router::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> fixed;
  std::unique_ptr<Node> any;  // the braces here
  std::string any_name;
  std::array<std::optional<std::size_t>, kMethods> routes;
  bool leaf = false;  // a path ends here
};

namespace {

// The segments of "/a/b": "a", "b". A path that ends in a slash has an empty last one.
std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> out;
  path.remove_prefix(1);
  for (;;) {
    const std::size_t slash = path.find('/');
    out.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return out;
    path.remove_prefix(slash + 1);
  }
}

std::string allowed(const std::array<std::optional<std::size_t>, kMethods>& routes) {
  std::string out;
  for (std::size_t i = 0; i < kMethods; ++i) {
    const auto method = static_cast<Method>(i);
    const bool get = routes[static_cast<std::size_t>(Method::get)].has_value();
    const bool there = routes[i] || (method == Method::head && get) || method == Method::options;
    if (!there) continue;
    if (!out.empty()) out += ", ";
    out += to_string(method);
  }
  return out;
}

std::string every_method() {
  std::string out;
  for (std::size_t i = 0; i < kMethods; ++i) {
    if (i > 0) out += ", ";
    out += to_string(static_cast<Method>(i));
  }
  return out;
}

}  // namespace

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

void Router::add(Method method, std::string_view path, std::size_t route) {
  const auto refuse = [&](const char* why) {
    throw std::invalid_argument("route " + std::string(to_string(method)) + " " + std::string(path) + ": " +
                                why);
  };
  if (!path.starts_with('/')) refuse("a path starts with /");
  Node* node = root_.get();
  for (const std::string_view segment : split(path)) {
    if (!segment.starts_with('{')) {
      if (segment.find_first_of("{}%?#") != std::string_view::npos) refuse("braces take a whole segment");
      auto& child = node->fixed[std::string(segment)];
      if (!child) child = std::make_unique<Node>();
      node = child.get();
      continue;
    }
    if (segment.size() < 3 || segment.back() != '}') refuse("braces take a whole segment and have a name");
    const std::string_view name = segment.substr(1, segment.size() - 2);
    if (!node->any) {
      node->any = std::make_unique<Node>();
      node->any_name = name;
    }
    if (node->any_name != name) refuse("another route names the same braces differently");
    node = node->any.get();
  }
  std::optional<std::size_t>& slot = node->routes.at(static_cast<std::size_t>(method));
  if (slot) refuse("is there already");
  slot = route;
  node->leaf = true;
}

Router::Match Router::match(Method method, std::string_view path) const {
  Match out;
  // Some load balancers ask "OPTIONS /" for their health checks, HAProxy for one.
  if (method == Method::options && (path == kWholeServer || path == "/")) {
    out.outcome = Outcome::method_not_allowed;
    out.allow = every_method();
    return out;
  }
  if (!path.starts_with('/')) {
    out.outcome = Outcome::bad_path;
    return out;
  }
  std::vector<std::string> segments;
  // "//api/v1/rooms" comes of a base address that ends in a slash. Further in, an empty segment is a name
  // that somebody forgot to fill in.
  const std::size_t first = path.find_first_not_of('/');
  if (first != std::string_view::npos) path.remove_prefix(first - 1);
  for (const std::string_view raw : split(path)) {
    auto decoded = percent_decode(raw);
    if (!decoded) {
      out.outcome = Outcome::bad_path;
      return out;
    }
    segments.push_back(*std::move(decoded));
  }

  // Depth first, fixed segments before braces. The table is a few levels deep and braces rarely compete.
  const auto descend = [&](auto&& self, const Node& node, std::size_t depth) -> const Node* {
    if (depth == segments.size()) return node.leaf ? &node : nullptr;
    const auto fixed = node.fixed.find(segments[depth]);
    if (fixed != node.fixed.end()) {
      if (const Node* found = self(self, *fixed->second, depth + 1)) return found;
    }
    if (!node.any || segments[depth].empty()) return nullptr;
    out.parameters.push_back({node.any_name, segments[depth]});
    if (const Node* found = self(self, *node.any, depth + 1)) return found;
    out.parameters.pop_back();
    return nullptr;
  };
  const Node* node = descend(descend, *root_, 0);
  if (node == nullptr) return out;
  const Method wanted =
      method == Method::head && !node->routes[static_cast<std::size_t>(Method::head)] ? Method::get : method;
  const std::optional<std::size_t>& route = node->routes.at(static_cast<std::size_t>(wanted));
  out.allow = allowed(node->routes);
  out.outcome = route ? Outcome::found : Outcome::method_not_allowed;
  if (route) out.route = *route;
  return out;
}

}  // namespace parley::http

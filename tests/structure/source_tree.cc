#include "tests/structure/source_tree.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

namespace parley::structure {
namespace {

namespace fs = std::filesystem;

// Each folder with those it may include, itself aside. tests may include everything and is not listed.
const std::map<std::string, std::set<std::string>>& layers() {
  static const std::map<std::string, std::set<std::string>> kLayers = {
      {"schemas", {}},
      {"config", {"schemas"}},
      {"storage", {"schemas", "config"}},
      {"broker-plugin", {"schemas", "config", "storage"}},
      {"bridge", {"schemas", "config", "storage"}},
      {"push", {"schemas", "config", "storage"}},
      {"clients", {"schemas"}},
  };
  return kLayers;
}

bool is_source(std::string_view path) {
  return path.ends_with(".cc") || path.ends_with(".h") || path.ends_with(".c");
}

// Tests, benchmarks and fuzzers stand beside what they try; what several of them share is in a folder
// `testing`.
bool is_test(std::string_view path) {
  return path.starts_with("tests/") || path.find("/testing/") != std::string_view::npos ||
         path.ends_with("_test.cc") || path.ends_with("_bench.cc") || path.ends_with("_fuzz.cc");
}

std::string first_part(std::string_view path) {
  const std::size_t slash = path.find('/');
  return slash == std::string_view::npos ? std::string() : std::string(path.substr(0, slash));
}

std::string folder_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string() : std::string(path.substr(0, slash));
}

bool is_ours(const std::string& include) {
  const std::string top = first_part(include);
  return top == "tests" || layers().contains(top);
}

std::string at(const std::string& path, int line) { return path + ":" + std::to_string(line) + ": "; }

void each_line(std::string_view content, const std::function<void(int, const std::string&)>& visit) {
  std::istringstream in{std::string(content)};
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) visit(number, line);
}

// Depth first; `path` is the way from the start. A folder met again on its own way closes a circle.
void visit_folder(const std::map<std::string, std::set<std::string>>& edges, const std::string& folder,
                  std::vector<std::string>& path, std::set<std::string>& done, Faults& faults) {
  if (const auto again = std::find(path.begin(), path.end(), folder); again != path.end()) {
    std::string circle;
    for (auto it = again; it != path.end(); ++it) circle += *it + " -> ";
    faults.push_back("folders include each other: " + circle + folder);
    return;
  }
  if (done.contains(folder)) return;
  path.push_back(folder);
  if (const auto found = edges.find(folder); found != edges.end()) {
    for (const std::string& next : found->second) visit_folder(edges, next, path, done, faults);
  }
  path.pop_back();
  done.insert(folder);
}

bool matches(const std::string& entry, const std::string& path) {
  if (entry.ends_with('*')) return path.starts_with(std::string_view(entry).substr(0, entry.size() - 1));
  return path == entry;
}

bool has_word(const std::string& content, const std::string& name) {
  const auto letter = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  for (std::size_t i = content.find(name); i != std::string::npos; i = content.find(name, i + 1)) {
    const std::size_t end = i + name.size();
    if ((i == 0 || !letter(content[i - 1])) && (end == content.size() || !letter(content[end]))) return true;
  }
  return false;
}

// Whether `content` has every part of a qualified name (Class::function, parentheses allowed) as a word.
bool names(const std::string& content, std::string name) {
  if (const std::size_t call = name.find('('); call != std::string::npos) name.resize(call);
  while (true) {
    const std::size_t colons = name.find("::");
    if (!has_word(content, name.substr(0, colons))) return false;
    if (colons == std::string::npos) return true;
    name.erase(0, colons + 2);
  }
}

}  // namespace

Tree read_tree(const fs::path& root) {
  static const std::set<std::string> kSkip = {"build", "var", "node_modules"};
  static const std::set<std::string> kKinds = {".cc", ".h",  ".c",  ".fbs", ".cmake",
                                               ".sh", ".md", ".js", ".toml"};
  Tree tree;
  for (auto it = fs::recursive_directory_iterator(root); it != fs::recursive_directory_iterator(); ++it) {
    const std::string name = it->path().filename().string();
    if (it->is_directory()) {
      if (kSkip.contains(name) || name.starts_with('.')) it.disable_recursion_pending();
      continue;
    }
    const std::string extension = it->path().extension().string();
    if (!it->is_regular_file() ||
        (!kKinds.contains(extension) && name != "CMakeLists.txt" && name != "parley"))
      continue;
    std::ifstream in(it->path(), std::ios::binary);
    tree[it->path().lexically_relative(root).generic_string()].assign(std::istreambuf_iterator<char>(in), {});
  }
  return tree;
}

std::vector<Include> includes_of(std::string_view content) {
  static const std::regex kInclude(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  std::vector<Include> found;
  each_line(content, [&](int number, const std::string& line) {
    std::smatch match;
    if (std::regex_search(line, match, kInclude)) found.push_back({number, match[2], match[1] == "\""});
  });
  return found;
}

Faults layer_faults(const Tree& tree) {
  Faults faults;
  for (const auto& [path, content] : tree) {
    const auto layer = layers().find(first_part(path));
    if (!is_source(path) || (layer == layers().end() && !path.starts_with("tests/"))) continue;
    for (const Include& include : includes_of(content)) {
      const std::string top = first_part(include.path);
      if (!is_ours(include.path)) {
        if (include.quoted) {
          faults.push_back(at(path, include.line) + "\"" + include.path + "\" does not start at the root");
        }
        continue;
      }
      if (!include.quoted)
        faults.push_back(at(path, include.line) + "write our own headers in quotes: " + include.path);
      if (layer == layers().end() || top == layer->first || layer->second.contains(top)) continue;
      if (top == "tests" && is_test(path)) continue;
      faults.push_back(at(path, include.line) + layer->first + " may not include " + top + " (" +
                       include.path + ")");
    }
  }
  return faults;
}

Faults cycle_faults(const Tree& tree) {
  std::map<std::string, std::set<std::string>> edges;
  for (const auto& [path, content] : tree) {
    if (!is_source(path) || is_test(path)) continue;
    for (const Include& include : includes_of(content)) {
      const std::string from = folder_of(path);
      const std::string to = folder_of(include.path);
      // What flatc makes of schemas/*.fbs is schemas.
      if (is_ours(include.path) && from != to && to != "schemas/generated") edges[from].insert(to);
    }
  }
  Faults faults;
  std::set<std::string> done;
  std::vector<std::string> path;
  for (const auto& [folder, to] : edges) visit_folder(edges, folder, path, done, faults);
  return faults;
}

Faults library_faults(const Tree& tree, const std::vector<Library>& libraries) {
  Faults faults;
  std::set<std::pair<std::string, std::string>> used;  // prefix, entry
  for (const auto& [path, content] : tree) {
    if (!is_source(path)) continue;
    for (const Include& include : includes_of(content)) {
      if (is_ours(include.path)) continue;
      for (const Library& library : libraries) {
        if (!include.path.starts_with(library.prefix)) continue;
        bool allowed = false;
        for (const std::string& entry : library.allowed) {
          if (!matches(entry, path)) continue;
          allowed = true;
          used.emplace(library.prefix, entry);
        }
        if (allowed) continue;
        faults.push_back(at(path, include.line) + "<" + include.path + "> belongs inside its adapter: " +
                         (library.allowed.empty() ? "nobody's" : library.allowed.front()));
      }
    }
  }
  for (const Library& library : libraries) {
    for (const std::string& entry : library.allowed) {
      if (!used.contains({library.prefix, entry})) {
        faults.push_back(entry + " may include <" + library.prefix +
                         "...> but does not; strike it from the list");
      }
    }
  }
  return faults;
}

Faults link_faults(const Tree& tree, const fs::path& root) {
  static const std::regex kLink(R"(\[([^\]]*)\]\(([^)\s#]+)(#[^)]*)?\))");
  Faults faults;
  for (const auto& [path, content] : tree) {
    if (!path.ends_with(".md")) continue;
    each_line(content, [&, &file = path](int number, const std::string& line) {
      for (std::sregex_iterator it(line.begin(), line.end(), kLink), end; it != end; ++it) {
        const std::string text = (*it)[1];
        const std::string target = (*it)[2];
        if (target.find("://") != std::string::npos) continue;
        const std::string goal = (fs::path(folder_of(file)) / target).lexically_normal().generic_string();
        const auto found = tree.find(goal);
        if (found == tree.end() && !fs::exists(root / goal)) {
          faults.push_back(at(file, number) + "leads nowhere: " + target);
        } else if (text.size() > 2 && text.front() == '`' && text.back() == '`' && found != tree.end() &&
                   is_source(goal) && !names(found->second, text.substr(1, text.size() - 2)) &&
                   !goal.ends_with(text.substr(1, text.size() - 2))) {
          faults.push_back(at(file, number) + target + " has no " + text);
        }
      }
    });
  }
  return faults;
}

Faults journey_faults(const std::string& text, std::size_t count) {
  static const std::regex kStep(R"((^|\n)## ([0-9]+)\. )");
  static const std::regex kFunctionLink(R"(\[`[^`]+`\]\(\.\./[^)]+\.(cc|h)\))");
  Faults faults;
  std::vector<std::size_t> starts;
  for (std::sregex_iterator it(text.begin(), text.end(), kStep), end; it != end; ++it) {
    starts.push_back(static_cast<std::size_t>(it->position()));
    if ((*it)[2].str() != std::to_string(starts.size()))
      faults.push_back("step out of order: " + (*it)[2].str());
  }
  if (starts.size() != count) faults.push_back("there are " + std::to_string(starts.size()) + " steps");
  starts.push_back(text.size());
  for (std::size_t i = 0; i + 1 < starts.size(); ++i) {
    if (!std::regex_search(text.substr(starts[i], starts[i + 1] - starts[i]), kFunctionLink)) {
      faults.push_back("step " + std::to_string(i + 1) + " links to no function");
    }
  }
  return faults;
}

Faults leftover_faults(const Tree& tree) {
  // In pieces, so that this file does not accuse itself.
  static const std::vector<std::string> kWords = {std::string("TO") + "DO", std::string("FIX") + "ME",
                                                  std::string("XX") + "X", std::string("DISABLED") + "_",
                                                  std::string("GTEST") + "_SKIP"};
  Faults faults;
  for (const auto& [path, content] : tree) {
    each_line(content, [&, &file = path](int number, const std::string& line) {
      for (const std::string& word : kWords) {
        const std::size_t i = line.find(word);
        // mktemp's pattern is longer than the word.
        if (i == std::string::npos ||
            (word[0] == 'X' && (line[i + 3] == 'X' || (i > 0 && line[i - 1] == 'X'))))
          continue;
        faults.push_back(at(file, number) + "left over: " + word);
      }
    });
  }
  return faults;
}

}  // namespace parley::structure

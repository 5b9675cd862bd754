// What the structure tests ask of the sources, as pure functions over a tree held in memory, so that each
// rule is tested on a small made-up tree that breaks it as well as on the real one.
#ifndef PARLEY_TESTS_STRUCTURE_SOURCE_TREE_H_
#define PARLEY_TESTS_STRUCTURE_SOURCE_TREE_H_

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace parley::structure {

using Tree = std::map<std::string, std::string>;  // path from the root, with '/', to content
using Faults = std::vector<std::string>;          // one line each; none: all is well

// C++ sources and headers, .fbs, CMake files, scripts and Markdown below `root`, without build, var,
// node_modules and what starts with a dot.
Tree read_tree(const std::filesystem::path& root);

struct Include {
  int line = 0;
  std::string path;
  bool quoted = false;  // "..." and not <...>
};
std::vector<Include> includes_of(std::string_view content);

// Top-level folders include only what stands below them (docs: architecture). Test files beside a module may
// use tests/ too.
Faults layer_faults(const Tree& tree);

// Folders (at any depth) do not include each other in a circle. Test files do not count.
Faults cycle_faults(const Tree& tree);

// A header of a library, by how its path starts, and the files that may include it.
struct Library {
  std::string prefix;
  std::vector<std::string> allowed;  // a path, or with a '*' at its end all that start so
};
// Also names files in `allowed` that do not include the header (any more).
Faults library_faults(const Tree& tree, const std::vector<Library>& libraries);

// Links in Markdown: to files that exist; and a link whose text is code, [`name`](file), to a file that has
// this name.
Faults link_faults(const Tree& tree, const std::filesystem::path& root);

// docs/journey.md follows one message through the code: `count` sections "## 1. ...", each linking to a
// function.
Faults journey_faults(const std::string& text, std::size_t count);

// Words that promise to come back later.
Faults leftover_faults(const Tree& tree);

}  // namespace parley::structure

#endif

#include "tests/chaos/fault_shim.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>

#include "storage/testing/torn_file.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unique_fd.h"

namespace parley::test {

namespace fs = std::filesystem;

namespace {

struct FileState {
  bool name_durable = false;
  std::uint64_t synced = 0;
};
using States = std::map<std::string, FileState>;

void make_names_durable(States& files, const fs::path& folder) {
  for (auto& [name, file] : files) file.name_durable |= fs::path(name).parent_path() == folder;
}

// What the journal says is durable. A rename counts as durable at once, since there is no going back to what
// it replaced; with it go the names made in the folder before, which file systems journal in order.
States replay(const fs::path& journal) {
  States files;
  std::ifstream in(journal);
  std::string line;
  while (std::getline(in, line)) {
    std::istringstream fields(line);
    char what = 0;
    fields >> what;
    fields.get();
    std::string path;
    if (what == 'S') {
      std::uint64_t size = 0;
      fields >> size;
      fields.get();
      std::getline(fields, path);
      auto& file = files[path];
      file.synced = std::max(file.synced, size);
    } else if (what == 'R') {
      std::string to;
      std::getline(fields, path, '\t');
      std::getline(fields, to);
      auto moved = files.extract(path);
      files[to] = moved.empty() ? FileState{} : moved.mapped();
      make_names_durable(files, fs::path(to).parent_path());
    } else {
      std::getline(fields, path);
      if (what == 'C' || what == 'U') files.erase(path);
      if (what == 'C') files[path] = {};
      if (what == 'D') make_names_durable(files, path);
    }
  }
  return files;
}

}  // namespace

FaultShim::FaultShim(fs::path data, const fs::path& state)
    : data_(std::move(data)), journal_(state / "shim-journal"), switches_file_(state / "shim-switches") {
  write_file(journal_, "");
  write_file(switches_file_, std::string(sizeof(Switches), '\0'));
  chmod(journal_.c_str(), 0666);
  chmod(switches_file_.c_str(), 0666);
  UniqueFd fd(open(switches_file_.c_str(), O_RDWR | O_CLOEXEC));
  void* map = mmap(nullptr, sizeof(Switches), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (map == MAP_FAILED) throw std::runtime_error("cannot map " + switches_file_.string());
  switches_ = static_cast<Switches*>(map);
}

FaultShim::~FaultShim() { munmap(switches_, sizeof(Switches)); }

std::vector<std::pair<std::string, std::string>> FaultShim::environment() const {
  return {{"LD_PRELOAD", PARLEY_FAULT_SHIM},
          {"PARLEY_SHIM_FOLDER", data_.string()},
          {"PARLEY_SHIM_JOURNAL", journal_.string()},
          {"PARLEY_SHIM_SWITCHES", switches_file_.string()}};
}

void FaultShim::set_disk_full(bool on) { switches_->disk_full = on ? 1 : 0; }
void FaultShim::set_sync_fails(bool on) { switches_->sync_fails = on ? 1 : 0; }
void FaultShim::set_clock_offset(std::chrono::milliseconds offset) {
  switches_->clock_offset_ms = offset.count();
}

std::uint64_t FaultShim::drop_unsynced(std::mt19937_64& random) {
  const States files = replay(journal_);
  std::uint64_t dropped = 0;
  std::vector<fs::path> present;
  for (const auto& entry : fs::recursive_directory_iterator(data_)) {
    if (entry.is_regular_file()) present.push_back(entry.path());
  }
  std::ofstream survivors(journal_, std::ios::trunc);
  for (const auto& path : present) {
    const auto found = files.find(path.string());
    const auto size = fs::file_size(path);
    if (found == files.end() || !found->second.name_durable) {
      dropped += size;
      fs::remove(path);
      continue;
    }
    storage::tear(path, std::min<std::uint64_t>(found->second.synced, size), random);
    const auto keep = fs::file_size(path);
    dropped += size - keep;
    survivors << "C " << path.string() << "\nD " << path.parent_path().string() << "\nS " << keep << ' '
              << path.string() << '\n';
  }
  return dropped;
}

}  // namespace parley::test

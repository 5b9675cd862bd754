// The log when the power goes: what was synced is there again, whatever the disk has made of the rest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/file_system.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "storage/log_fault_fixture.h"
#include "storage/rocks_manifest.h"
#include "storage/testing/torn_file.h"

namespace parley::storage {
namespace {

namespace fs = std::filesystem;
using Op = FaultFiles::Op;

std::string bytes_in(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

class RocksPower : public RocksLogFaults {
 protected:
  fs::path log_folder() const { return folder_.path() / "log"; }
  fs::path current_manifest() const {
    const std::string name = bytes_in(log_folder() / "CURRENT");
    return log_folder() / name.substr(0, name.find('\n'));
  }
  // A log whose MANIFEST has records of flushes behind its beginning, closed. All of it is synced.
  void make_log() {
    fs::remove_all(log_folder());
    auto log = open();
    next_ = 0;
    for (const fs::path manifest = current_manifest(); next_ < 10'000 && !HasFatalFailure();) {
      append_more(*log, 200);
      std::size_t tables = 0;
      for (const auto& file : fs::directory_iterator(log_folder()))
        tables += file.path().extension() == ".sst";
      if (tables > 2) break;
    }
    ASSERT_TRUE(log->sync());
  }
};

struct Tear {
  const char* name;
  std::function<void(const std::string& path, std::uint64_t synced, std::mt19937_64&)> apply;
};

std::vector<Tear> tears() {
  using Random = std::mt19937_64;
  const auto over = [](std::uint64_t from_third, std::uint64_t to_third, Stale with) {
    return [=](const std::string& path, std::uint64_t synced, Random& random) {
      const std::uint64_t size = fs::file_size(path) - synced;
      overwrite(path, synced + size * from_third / 3, synced + size * to_third / 3, with, random);
    };
  };
  return {
      {"nothing of it", [](const auto& path, auto synced, auto&) { fs::resize_file(path, synced); }},
      {"all of it", [](const auto&, auto, auto&) {}},
      {"a byte", [](const auto& path, auto synced, auto&) { fs::resize_file(path, synced + 1); }},
      {"half a header", [](const auto& path, auto synced, auto&) { fs::resize_file(path, synced + 5); }},
      {"all but a byte",
       [](const auto& path, auto, auto&) { fs::resize_file(path, fs::file_size(path) - 1); }},
      {"the length, and zeros", over(0, 3, Stale::zeros)},
      {"zeros at its beginning", over(0, 1, Stale::zeros)},
      {"zeros in its middle", over(1, 2, Stale::zeros)},
      {"zeros at its end", over(2, 3, Stale::zeros)},
      {"the length, and garbage", over(0, 3, Stale::garbage)},
      {"garbage at its beginning", over(0, 1, Stale::garbage)},
      {"garbage in its middle", over(1, 2, Stale::garbage)},
      {"garbage at its end", over(2, 3, Stale::garbage)},
      {"pages of zeros behind it",
       [](const auto& path, auto, auto&) { fs::resize_file(path, fs::file_size(path) + 3 * kPage); }},
      {"any", [](const auto& path, auto synced, auto& random) { tear(path, synced, random); }},
  };
}

// A record of the MANIFEST, of a flush that is done but for the sync of this record.
TEST_F(RocksPower, WhateverIsLeftOfAnUnsyncedRecordOfTheManifestTheLogOpens) {
  for (const Tear& tear : tears()) {
    SCOPED_TRACE(tear.name);
    ASSERT_NO_FATAL_FAILURE(make_log());
    auto log = open();
    const fs::path manifest = current_manifest();
    files_->cut_power_when(
        [&](Op op, const std::string& path) { return op == Op::sync && path == manifest; });
    std::size_t synced = next_;
    for (const auto end = Clock::now() + std::chrono::seconds(10); !files_->power_is_out();) {
      ASSERT_LT(Clock::now(), end) << "nothing was flushed";
      if (append(*log, message(next_, 1000))) ++next_;
      const std::size_t covered = next_;
      if (log->sync()) synced = covered;
    }
    log.reset();
    bool torn = false;
    files_->restore_power(random_, [&](const std::string& path, std::uint64_t kept) {
      if (path != manifest) return;  // all of the others, so that what the record lists is there
      torn = true;
      tear.apply(path, kept, random_);
    });
    EXPECT_TRUE(torn);
    const bool longer =
        fs::file_size(manifest) > parse_manifest_note(bytes_in(manifest_note_path(manifest)))->length;

    log = open();
    EXPECT_EQ(notices_.size(), longer ? 1u : 0u);
    for (const auto& notice : notices_) EXPECT_THAT(notice, testing::HasSubstr(manifest.filename().string()));
    const std::size_t survived = read_all(*log).size();
    EXPECT_GE(survived, synced);
    ASSERT_NO_FATAL_FAILURE(expect_exactly(*log, survived));
    next_ = survived;
    ASSERT_NO_FATAL_FAILURE(append_more(*log, 300));
    ASSERT_TRUE(log->sync());
    log.reset();
    log = open();
    EXPECT_THAT(notices_, testing::IsEmpty()) << "it is told once";
    ASSERT_NO_FATAL_FAILURE(expect_exactly(*log, next_));
  }
}

// At each thing that is done to note a sync, of the MANIFEST of an opening as of one that is in use.
TEST_F(RocksPower, TheLogOpensWhereverTheNotingOfASyncEnds) {
  const auto is_note = [](const std::string& path) { return path.find("/SYNCED") != path.npos; };
  for (const Op op : {Op::write, Op::sync, Op::rename, Op::sync_folder}) {
    for (int skip = 0; skip < 4; ++skip) {
      SCOPED_TRACE(std::to_string(static_cast<int>(op)) + ", after " + std::to_string(skip));
      ASSERT_NO_FATAL_FAILURE(make_log());
      const std::size_t synced = next_;
      bool noting = false;
      int left = skip;
      files_->cut_power_when([&](Op done, const std::string& path) {
        noting = is_note(path) || (noting && done == Op::sync_folder);
        return noting && done == op && left-- == 0;
      });
      if (auto log = try_open()) {
        for (const auto end = Clock::now() + std::chrono::seconds(10); !files_->power_is_out();) {
          ASSERT_LT(Clock::now(), end);
          if (append(**log, message(next_, 1000))) ++next_;
        }
      }
      files_->restore_power(random_);
      const auto log = open();
      const std::size_t survived = read_all(*log).size();
      EXPECT_GE(survived, synced);
      ASSERT_NO_FATAL_FAILURE(expect_exactly(*log, survived));
    }
  }
}

// Never taken for the end of what was written: tables and write-ahead logs that it lists were deleted since.
TEST_F(RocksPower, DamageInWhatWasSyncedOfTheManifestIsRefusedAndLeftAsItIs) {
  ASSERT_NO_FATAL_FAILURE(make_log());
  const fs::path manifest = current_manifest();
  const std::string whole = bytes_in(manifest);
  const auto put = [&](const std::string& bytes) {
    std::ofstream(manifest, std::ios::binary | std::ios::trunc) << bytes;
  };
  std::map<std::string, std::string> cases;
  for (const std::size_t less : {std::size_t{1}, std::size_t{5}, std::size_t{7}, std::size_t{60},
                                 whole.size() / 2, whole.size() - 1, whole.size()}) {
    cases["cut by " + std::to_string(less)] = whole.substr(0, whole.size() - less);
    std::string zeros = whole;
    std::fill(zeros.end() - static_cast<std::ptrdiff_t>(less), zeros.end(), '\0');
    if (zeros != whole) cases["zeros at the last " + std::to_string(less)] = zeros;
  }
  for (std::size_t at = 0; at < whole.size(); at += whole.size() / 20 + 1) {
    cases["a bit at " + std::to_string(at)] = whole;
    cases["a bit at " + std::to_string(at)][at] ^= 1;
    cases["a bit at " + std::to_string(at) + ", and more behind"] =
        cases["a bit at " + std::to_string(at)] + std::string(5000, '\0');
  }
  for (const auto& [name, bytes] : cases) {
    SCOPED_TRACE(name);
    put(bytes);
    for (int time = 0; time < 2; ++time) {
      const auto log = try_open();
      ASSERT_FALSE(log.has_value());
      EXPECT_THAT(log.error(), testing::HasSubstr(manifest.filename().string()));
      EXPECT_THAT(log.error(), testing::HasSubstr("restore a backup"));
      EXPECT_EQ(bytes_in(manifest), bytes);
    }
  }
  put(whole);
  expect_exactly(*open(), next_);
}

TEST_F(RocksPower, AFolderWithoutNotesOrWithADamagedOneOpensAsItWas) {
  for (const std::string text : {"-", "", "garbage", "MANIFEST-000001 1 00000000 00000000\n"}) {
    SCOPED_TRACE(text);
    ASSERT_NO_FATAL_FAILURE(make_log());
    const std::string note = manifest_note_path(current_manifest().string());
    ASSERT_TRUE(fs::exists(note));
    if (text == "-") {
      fs::remove(note);
    } else {
      std::ofstream(note, std::ios::trunc) << text;
    }
    expect_exactly(*open(), next_);
    EXPECT_THAT(notices_, testing::IsEmpty());
    expect_exactly(*open(), next_);
    EXPECT_TRUE(fs::exists(manifest_note_path(current_manifest().string()))) << "it has one now";
  }
}

// A backup of before there were notes, over the folder of a new node: their MANIFESTs have the same name, and
// the one begins as the other is.
TEST_F(RocksPower, ABackupUnpackedOverAnotherFolderIsNotCutByThatOnesNote) {
  ASSERT_NO_FATAL_FAILURE(make_log());
  const fs::path manifest = current_manifest();
  fs::remove(manifest_note_path(manifest.string()));
  const fs::path backup = folder_.path() / "backup";
  fs::copy(log_folder(), backup);
  fs::remove_all(log_folder());
  open();
  ASSERT_EQ(current_manifest(), manifest);
  ASSERT_TRUE(fs::exists(manifest_note_path(manifest.string())));
  fs::copy(backup, log_folder(), fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  expect_exactly(*open(), next_);
  EXPECT_THAT(notices_, testing::IsEmpty());
}

// RocksDB would begin a new database there, and delete the tables.
TEST_F(RocksPower, AFolderThatHasLostItsCurrentIsRefusedAndKeepsItsTables) {
  ASSERT_NO_FATAL_FAILURE(make_log());
  const std::string current = bytes_in(log_folder() / "CURRENT");
  fs::remove(log_folder() / "CURRENT");
  const auto log = try_open();
  ASSERT_FALSE(log.has_value());
  EXPECT_THAT(log.error(),
              testing::AllOf(testing::HasSubstr("CURRENT"), testing::HasSubstr("restore a backup")));
  std::ofstream(log_folder() / "CURRENT") << current;
  expect_exactly(*open(), next_);
}

// Files that nothing is read from, or that an unfinished write has left: whatever is in them, or if they are
// gone.
TEST_F(RocksPower, TheLogOpensWhateverIsInTheFilesThatDoNotCount) {
  ASSERT_NO_FATAL_FAILURE(make_log());
  for (const std::string text : {"-", "", "garbage", "zeros"}) {
    SCOPED_TRACE(text);
    std::vector<fs::path> files;
    for (const auto& file : fs::directory_iterator(log_folder())) {
      const std::string name = file.path().filename().string();
      if (name == "IDENTITY" || name.starts_with("OPTIONS") || name.starts_with("LOG")) files.push_back(file);
    }
    ASSERT_GE(files.size(), 3u);
    for (const char* left : {"SYNCED.new", "recovery.probe", "900000.dbtmp", "OPTIONS-900001.dbtmp",
                             "MANIFEST-900002", "SYNCED-900003", "900004.sst", "900005.log"})
      files.push_back(log_folder() / left);
    for (const auto& file : files) {
      fs::remove(file);
      if (text != "-") std::ofstream(file) << (text == "zeros" ? std::string(5000, '\0') : text);
    }
    expect_exactly(*open(), next_);
    EXPECT_THAT(notices_, testing::IsEmpty());
  }
}

TEST_F(RocksPower, NotesDoNotGather) {
  ASSERT_NO_FATAL_FAILURE(make_log());
  std::ofstream(log_folder() / "SYNCED-900000") << "of a file that is gone";
  for (int i = 0; i < 3; ++i) open();
  std::size_t notes = 0;
  for (const auto& file : fs::directory_iterator(log_folder()))
    notes += file.path().filename().string().starts_with("SYNCED") && !file.path().has_extension();
  EXPECT_EQ(notes, 1u);
}

// What an engine has open is not touched, not even while it writes: here only its lock stands for it.
TEST_F(RocksPower, WhoeverHasTheFolderOpenKeepsItsManifest) {
  ASSERT_NO_FATAL_FAILURE(make_log());
  rocksdb::FileLock* lock = nullptr;
  ASSERT_TRUE(files_->LockFile((log_folder() / "LOCK").string(), rocksdb::IOOptions(), &lock, nullptr).ok());
  const fs::path manifest = current_manifest();
  std::ofstream(manifest, std::ios::app) << "what it is just writing";
  const std::string before = bytes_in(manifest);
  const auto second = try_open();
  ASSERT_FALSE(second.has_value());
  EXPECT_THAT(second.error(), testing::HasSubstr("in use by another process"));
  EXPECT_EQ(bytes_in(manifest), before);
  ASSERT_TRUE(files_->UnlockFile(lock, rocksdb::IOOptions(), nullptr).ok());
  expect_exactly(*open(), next_);
  EXPECT_EQ(notices_.size(), 1u);
}

// One sector or page in the unsynced part of the write-ahead log, with whole records behind it.
TEST_F(RocksPower, AHoleInTheUnsyncedPartOfTheWriteAheadLogEndsItThere) {
  for (const Stale stale : {Stale::zeros, Stale::garbage}) {
    for (const std::uint64_t piece : {kSector, kPage}) {
      for (std::uint64_t hole = 0; hole < 6; ++hole) {
        SCOPED_TRACE(std::to_string(piece) + " bytes, number " + std::to_string(hole));
        fs::remove_all(log_folder());
        auto log = open();
        for (next_ = 0; next_ < 50; ++next_) ASSERT_TRUE(append(*log, message(next_)));
        ASSERT_TRUE(log->sync());
        for (; next_ < 250; ++next_) ASSERT_TRUE(append(*log, message(next_)));
        files_->cut_power();
        log.reset();
        bool torn = false;
        files_->restore_power(random_, [&](const std::string& path, std::uint64_t synced) {
          const std::uint64_t from = std::max(synced, (synced / piece + hole) * piece);
          if (fs::path(path).extension() != ".log" || from + piece > fs::file_size(path)) return;
          torn = true;
          overwrite(path, from, from / piece * piece + piece, stale, random_);
        });
        ASSERT_TRUE(torn);
        log = open();
        const std::size_t survived = read_all(*log).size();
        EXPECT_GE(survived, 50u);
        EXPECT_LT(survived, next_);
        ASSERT_NO_FATAL_FAILURE(expect_exactly(*log, survived));
        next_ = survived;
        ASSERT_NO_FATAL_FAILURE(append_more(*log, 10));
        log.reset();
        expect_exactly(*open(), next_);
      }
    }
  }
}

// When the power goes: at one of the moments between a thing that is written and the sync that keeps it,
// which random times hit seldom; else at any.
class Moments {
 public:
  explicit Moments(std::mt19937_64& random) : random_(random) {}
  FaultFiles::Moment next() {
    const std::uint64_t kind = upto(6);  // 0 twice: a MANIFEST has the shortest of these moments
    const auto left = std::make_shared<std::uint64_t>(kind < 4 ? upto(4) : upto(150));
    return [kind, left](Op op, const std::string& path) {
      const bool here = kind == 0 || kind == 6 ? is_manifest(path) && op == Op::sync
                        : kind == 1            ? path.find("SYNCED") != path.npos || op == Op::sync_folder
                        : kind == 2            ? op == Op::remove || op == Op::rename
                        : kind == 3            ? path.ends_with(".sst") || path.ends_with(".dbtmp")
                        : kind == 4            ? true
                                               : false;
      return here && (*left)-- == 0;
    };
  }

 private:
  std::uint64_t upto(std::uint64_t n) { return std::uniform_int_distribution<std::uint64_t>(0, n)(random_); }
  std::mt19937_64& random_;
};

// Hundreds of lives of one log, each ended by a power cut, now and then while it opens, while another thread
// syncs and the engine flushes and compacts as it likes. PARLEY_SEED and PARLEY_ROUNDS replay and lengthen
// it.
TEST_F(RocksLogFaults, PowerLossAlwaysLeavesAPrefixWithAllThatWasSynced) {
  const char* given = std::getenv("PARLEY_SEED");
  const char* length = std::getenv("PARLEY_ROUNDS");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  const std::size_t rounds = length != nullptr ? std::strtoull(length, nullptr, 10) : 200;
  SCOPED_TRACE("PARLEY_SEED=" + std::to_string(seed));
  RecordProperty("seed", std::to_string(seed));
  random_.seed(seed);
  Moments moments(random_);
  std::size_t torn_manifests = 0;
  const auto upto = [&](std::uint64_t n) {
    return std::uniform_int_distribution<std::uint64_t>(0, n)(random_);
  };

  for (std::size_t round = 0; round < rounds; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    files_->cut_power_when(moments.next());
    auto opened = try_open();
    std::atomic<std::size_t> appended{next_};
    std::atomic<std::size_t> synced{next_};
    std::atomic<bool> done{false};
    if (opened) {
      const std::unique_ptr<Log> log = std::move(*opened);
      const bool with_sync = upto(3) != 0;
      std::thread syncer([&] {
        while (with_sync && !done) {
          const std::size_t covered = appended;
          if (log->sync()) synced = covered;
          std::this_thread::sleep_for(std::chrono::microseconds(200));
        }
      });
      const std::size_t count = upto(400);
      const std::size_t cut_at = upto(count);
      const std::size_t size = upto(2) != 0 ? 3000 : 50;
      for (std::size_t i = 0; i < count; ++i) {
        if (i == cut_at && upto(1) == 0) files_->cut_power();
        const Message m = message(next_, upto(size));
        auto accepted = append(*log, m);
        // A flush goes on meanwhile, and has its moments.
        while (!accepted && accepted.error() == LogError::stalled && !files_->power_is_out()) {
          std::this_thread::sleep_for(std::chrono::microseconds(200));
          accepted = append(*log, m);
        }
        if (!accepted) break;
        appended = ++next_;
      }
      files_->cut_power();
      done = true;
      syncer.join();
    } else {
      ASSERT_TRUE(files_->power_is_out()) << opened.error();
    }
    files_->restore_power(random_);

    auto log = open();
    torn_manifests += notices_.size();
    const std::size_t survived = read_all(*log).size();
    ASSERT_GE(survived, synced);
    ASSERT_LE(survived, next_);
    ASSERT_NO_FATAL_FAILURE(expect_exactly(*log, survived));
    next_ = survived;
    if (upto(9) == 0) {  // a quiet end now and then, and a new beginning, so that the rounds stay quick
      log.reset();
      std::filesystem::remove_all(folder_.path() / "log");
      next_ = 0;
    }
  }
  RecordProperty("torn_manifests", std::to_string(torn_manifests));
}

}  // namespace
}  // namespace parley::storage

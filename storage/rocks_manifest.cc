#include "storage/rocks_manifest.h"

#include <algorithm>
#include <boost/crc.hpp>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <utility>
#include <vector>

namespace parley::storage {
namespace {

using rocksdb::FileSystem;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;
using rocksdb::Status;

constexpr std::string_view kManifest = "MANIFEST-";
constexpr std::string_view kNote = "SYNCED-";
constexpr std::string_view kUnfinishedNote = "SYNCED.new";
constexpr std::string_view kCurrent = "CURRENT";
constexpr std::string_view kLock = "LOCK";
constexpr std::string_view kIdentity = "IDENTITY";
constexpr std::size_t kCheckDigits = 8;
constexpr std::size_t kReadBytes = 64 << 10;

std::string name_of(std::string_view path) { return std::filesystem::path(path).filename().string(); }

bool is_numbered(std::string_view name, std::string_view prefix) {
  return name.size() > prefix.size() && name.starts_with(prefix) &&
         name.find_first_not_of("0123456789", prefix.size()) == std::string_view::npos;
}

std::uint32_t crc32_of(std::string_view bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

std::string hex(std::uint32_t value) {
  char text[kCheckDigits + 1];
  std::snprintf(text, sizeof text, "%08x", value);
  return text;
}

template <class T>
bool parse_number(std::string_view text, int base, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return error == std::errc() && end == text.data() + text.size();
}

// Which database the folder holds; empty while it is made. Tells its note from another's that was left here.
std::string identity_in(FileSystem& files, const std::filesystem::path& folder) {
  std::string identity;
  if (!rocksdb::ReadFileToString(&files, (folder / kIdentity).string(), &identity).ok()) identity.clear();
  return identity;
}

IOStatus sync_folder(FileSystem& files, const std::string& folder) {
  std::unique_ptr<rocksdb::FSDirectory> directory;
  IOStatus status = files.NewDirectory(folder, IOOptions(), &directory, nullptr);
  if (!status.ok()) return status;
  status = directory->Fsync(IOOptions(), nullptr);
  directory->Close(IOOptions(), nullptr).PermitUncheckedError();
  return status;
}

// By a file beside it, so that there is always a whole note: one that does not fit has been damaged.
IOStatus write_note(FileSystem& files, const std::string& manifest, const ManifestNote& note) {
  const std::filesystem::path folder = std::filesystem::path(manifest).parent_path();
  const std::string unfinished = (folder / kUnfinishedNote).string();
  std::unique_ptr<FSWritableFile> file;
  IOStatus status = files.NewWritableFile(unfinished, rocksdb::FileOptions(), &file, nullptr);
  if (status.ok()) status = file->Append(to_text(note), IOOptions(), nullptr);
  if (status.ok()) status = file->Sync(IOOptions(), nullptr);
  if (status.ok()) status = file->Close(IOOptions(), nullptr);
  if (status.ok()) status = files.RenameFile(unfinished, manifest_note_path(manifest), IOOptions(), nullptr);
  return status.ok() ? sync_folder(files, folder.string()) : status;
}

class NotedFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  NotedFile(std::unique_ptr<FSWritableFile> file, std::string path, FileSystem& files)
      : FSWritableFileOwnerWrapper(std::move(file)), path_(std::move(path)), files_(files) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return count(data, target()->Append(data, options, debug));
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo& info,
                  IODebugContext* debug) override {
    return count(data, target()->Append(data, options, info, debug));
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return note(target()->Sync(options, debug));
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return note(target()->Fsync(options, debug));
  }

 private:
  IOStatus count(const Slice& data, IOStatus status) {
    if (!status.ok()) {
      spoiled_ = true;  // some of it may be there; the engine begins another file
      return status;
    }
    length_ += data.size();
    crc_.process_bytes(data.data(), data.size());
    return status;
  }
  IOStatus note(IOStatus status) {
    if (!status.ok() || spoiled_ || length_ == noted_) return status;
    status =
        write_note(files_, path_,
                   {.manifest = name_of(path_),
                    .length = length_,
                    .crc32 = crc_.checksum(),
                    .identity = crc32_of(identity_in(files_, std::filesystem::path(path_).parent_path()))});
    if (status.ok()) noted_ = length_;
    return status;
  }

  const std::string path_;
  FileSystem& files_;
  boost::crc_32_type crc_;
  std::uint64_t length_ = 0;
  std::uint64_t noted_ = 0;
  bool spoiled_ = false;
};

// The whole of a small file.
IOStatus read_text(FileSystem& files, const std::string& path, std::string& out) {
  return rocksdb::ReadFileToString(&files, path, &out);
}

IOStatus crc32_of_file(FileSystem& files, const std::string& path, std::uint64_t length, std::uint32_t& out) {
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  IOStatus status = files.NewSequentialFile(path, rocksdb::FileOptions(), &file, nullptr);
  boost::crc_32_type crc;
  std::vector<char> buffer(kReadBytes);
  while (status.ok() && length > 0) {
    Slice piece;
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(length, buffer.size()));
    status = file->Read(wanted, IOOptions(), &piece, buffer.data(), nullptr);
    if (status.ok() && piece.empty()) return IOStatus::IOError(path, "ends before its size");
    crc.process_bytes(piece.data(), piece.size());
    length -= piece.size();
  }
  out = crc.checksum();
  return status;
}

IOStatus cut(FileSystem& files, const std::string& path, std::uint64_t length) {
  std::unique_ptr<FSWritableFile> file;
  IOStatus status = files.ReopenWritableFile(path, rocksdb::FileOptions(), &file, nullptr);
  if (status.ok()) status = file->Truncate(length, IOOptions(), nullptr);
  if (status.ok()) status = file->Sync(IOOptions(), nullptr);
  return status.ok() ? file->Close(IOOptions(), nullptr) : status;
}

// A new folder has no tables and no write-ahead logs before its CURRENT is on disk. RocksDB would make a new
// database in an old folder that has lost it, and delete the tables.
Status check_current(const std::vector<std::string>& names) {
  for (const auto& name : names) {
    const std::size_t type = name.find_first_not_of("0123456789");
    if (type != 0 && type != name.npos && (name.substr(type) == ".sst" || name.substr(type) == ".log"))
      return Status::Corruption(std::string(kCurrent), "it is missing, and " + name + " is there");
  }
  return Status::OK();
}

// Of files that are gone: a power loss came between.
void remove_stale_notes(FileSystem& files, const std::filesystem::path& folder,
                        const std::vector<std::string>& names) {
  for (const auto& name : names) {
    if (!is_numbered(name, kNote)) continue;
    const std::string manifest = std::string(kManifest) + name.substr(kNote.size());
    if (std::find(names.begin(), names.end(), manifest) != names.end()) continue;
    files.DeleteFile((folder / name).string(), IOOptions(), nullptr).PermitUncheckedError();
  }
}

Status settle_locked(FileSystem& files, const std::string& folder, std::string& notice) {
  const std::filesystem::path path(folder);
  std::vector<std::string> names;
  std::string text;
  if (!files.GetChildren(folder, IOOptions(), &names, nullptr).ok()) return Status::OK();
  if (std::find(names.begin(), names.end(), kCurrent) == names.end()) return check_current(names);
  if (!read_text(files, (path / kCurrent).string(), text).ok()) return Status::OK();
  remove_stale_notes(files, path, names);
  const std::string name = text.substr(0, text.find('\n'));
  if (!is_numbered(name, kManifest)) return Status::OK();
  const std::string manifest = (path / name).string();
  if (!read_text(files, manifest_note_path(manifest), text).ok()) return Status::OK();
  const auto note = parse_manifest_note(text);
  std::uint64_t size = 0;
  if (!note || note->manifest != name || note->identity != crc32_of(identity_in(files, path)) ||
      !files.GetFileSize(manifest, IOOptions(), &size, nullptr).ok())
    return Status::OK();

  if (size < note->length) {
    return Status::Corruption(name, "it has " + std::to_string(size) + " bytes of the " +
                                        std::to_string(note->length) + " that were on disk");
  }
  std::uint32_t crc32 = 0;
  Status status = crc32_of_file(files, manifest, note->length, crc32);
  if (!status.ok()) return status;
  if (crc32 != note->crc32) return Status::Corruption(name, "it is not what was written");
  if (size == note->length) return Status::OK();
  status = cut(files, manifest, note->length);
  if (!status.ok()) return status;
  notice =
      std::to_string(size - note->length) + " bytes at the end of " + manifest +
      " were not on disk yet when power failed or the process was killed, and have been cut off: nothing "
      "relied on them";
  return Status::OK();
}

}  // namespace

std::string to_text(const ManifestNote& note) {
  std::string line = note.manifest + " " + std::to_string(note.length) + " " + hex(note.crc32) + " " +
                     hex(note.identity) + " ";
  return line + hex(crc32_of(line)) + "\n";
}

std::optional<ManifestNote> parse_manifest_note(std::string_view text) {
  if (text.size() <= kCheckDigits + 1 || !text.ends_with('\n')) return std::nullopt;
  const std::string_view check = text.substr(text.size() - kCheckDigits - 1, kCheckDigits);
  const std::string_view line = text.substr(0, text.size() - kCheckDigits - 1);
  ManifestNote note;
  if (check != hex(crc32_of(line))) return std::nullopt;
  const std::size_t first = line.find(' ');
  const std::size_t second = first == line.npos ? first : line.find(' ', first + 1);
  if (second == line.npos) return std::nullopt;
  note.manifest = line.substr(0, first);
  const std::string_view length = line.substr(first + 1, second - first - 1);
  if (!is_numbered(note.manifest, kManifest) || !parse_number(length, 10, note.length) ||
      line.size() != second + 2 * (1 + kCheckDigits) + 1 || line[second + 1 + kCheckDigits] != ' ' ||
      !parse_number(line.substr(second + 1, kCheckDigits), 16, note.crc32) ||
      !parse_number(line.substr(second + 2 + kCheckDigits, kCheckDigits), 16, note.identity)) {
    return std::nullopt;
  }
  return note;
}

bool is_manifest(std::string_view path) { return is_numbered(name_of(path), kManifest); }

std::string manifest_note_path(const std::string& manifest) {
  const std::filesystem::path path(manifest);
  return (path.parent_path() / (std::string(kNote) + path.filename().string().substr(kManifest.size())))
      .string();
}

std::unique_ptr<FSWritableFile> with_notes(std::unique_ptr<FSWritableFile> file, std::string path,
                                           FileSystem& files) {
  return std::make_unique<NotedFile>(std::move(file), std::move(path), files);
}

Status settle_manifest(FileSystem& files, const std::string& folder, std::string& notice) {
  // The engine's own lock: in a folder that somebody has open there is nothing to settle, and the engine says
  // who.
  rocksdb::FileLock* lock = nullptr;
  const std::string file = (std::filesystem::path(folder) / kLock).string();
  if (!files.LockFile(file, IOOptions(), &lock, nullptr).ok()) return Status::OK();
  Status status = settle_locked(files, folder, notice);
  files.UnlockFile(lock, IOOptions(), nullptr).PermitUncheckedError();
  return status;
}

}  // namespace parley::storage

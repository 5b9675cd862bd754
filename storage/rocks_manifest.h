// How much of RocksDB's MANIFEST is on disk for certain. Internal to storage/.
#ifndef PARLEY_STORAGE_ROCKS_MANIFEST_H_
#define PARLEY_STORAGE_ROCKS_MANIFEST_H_

#include <rocksdb/file_system.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace parley::storage {

// The MANIFEST is the list of tables and write-ahead logs that count. RocksDB appends to it, syncs it, and
// only then deletes what the new record makes superfluous. A power loss between may leave anything in the
// place of that record. RocksDB takes one that is cut short for the end, one with holes for damage (and does
// not open), and skips one that begins with zeros; what was synced and is damaged it takes the same three
// ways. The file alone cannot tell one from the other (docs/adr/0026).
//
// So a note beside it, SYNCED-n for MANIFEST-n, says after each sync how long the file is and what its sum
// is, and before anything that relies on the sync. What is behind that length nobody relies on: it goes
// before the engine opens. What is before it must be as it was.
//
//   note = manifest SP length SP crc32 SP identity SP check LF
//   manifest = the file's name, length in decimal, crc32 (of that many bytes), identity (of the file
//   IDENTITY) and check (of the line up to and with the space before it) as eight hexadecimal digits
struct ManifestNote {
  std::string manifest;
  std::uint64_t length = 0;
  std::uint32_t crc32 = 0;
  std::uint32_t identity = 0;
  bool operator==(const ManifestNote&) const = default;
};
std::string to_text(const ManifestNote& note);
std::optional<ManifestNote> parse_manifest_note(std::string_view text);  // nothing unless all of it fits

bool is_manifest(std::string_view path);
std::string manifest_note_path(const std::string& manifest);  // `manifest`: a path

// `file`, new and empty, with a note after each sync. A sync of which no note can be made has failed.
std::unique_ptr<rocksdb::FSWritableFile> with_notes(std::unique_ptr<rocksdb::FSWritableFile> file,
                                                    std::string path, rocksdb::FileSystem& files);

// Before the engine opens `folder`; does nothing where somebody else has it open. Makes the MANIFEST what was
// synced of it, and says in `notice` when that changed it. Corruption when less than that is there, or other
// bytes; nothing is changed then. A folder without notes (of an earlier version) or with a damaged one is
// left to the engine; so is one whose note is another database's, because a backup was unpacked over it:
// their MANIFESTs have the same names and begin alike.
rocksdb::Status settle_manifest(rocksdb::FileSystem& files, const std::string& folder, std::string& notice);

}  // namespace parley::storage

#endif

// Notes of how much of a MANIFEST is on disk.
#include "storage/rocks_manifest.h"

#include <gtest/gtest.h>

#include <string>

namespace parley::storage {
namespace {

TEST(ManifestNote, IsALineThatChecksItself) {
  const ManifestNote note{
      .manifest = "MANIFEST-000022", .length = 4711, .crc32 = 0x0badcafe, .identity = 0xfeed};
  const std::string text = to_text(note);
  EXPECT_EQ(text.substr(0, text.size() - 9), "MANIFEST-000022 4711 0badcafe 0000feed ");
  EXPECT_EQ(parse_manifest_note(text), note);
  for (const std::uint64_t length : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
    const ManifestNote other{.manifest = "MANIFEST-1", .length = length, .crc32 = 0};
    EXPECT_EQ(parse_manifest_note(to_text(other)), other);
  }
}

TEST(ManifestNote, IsNothingWhenAnythingIsAmiss) {
  const std::string text = to_text({.manifest = "MANIFEST-000022", .length = 4711, .crc32 = 0x0badcafe});
  for (std::size_t i = 0; i < text.size(); ++i) {
    EXPECT_FALSE(parse_manifest_note(text.substr(0, i))) << i;
    for (int bit = 0; bit < 8; ++bit) {
      std::string other = text;
      other[i] = static_cast<char>(other[i] ^ (1 << bit));
      EXPECT_FALSE(parse_manifest_note(other)) << i;
    }
  }
  EXPECT_FALSE(parse_manifest_note(text + text));
  EXPECT_FALSE(parse_manifest_note(std::string(4096, '\0')));
  EXPECT_FALSE(parse_manifest_note(to_text({.manifest = "CURRENT", .length = 1, .crc32 = 1})));
  EXPECT_FALSE(parse_manifest_note(to_text({.manifest = "MANIFEST-", .length = 1, .crc32 = 1})));
  EXPECT_FALSE(parse_manifest_note(to_text({.manifest = "MANIFEST-1 2", .length = 1, .crc32 = 1})));
}

TEST(ManifestNote, IsBesideItsManifest) {
  EXPECT_TRUE(is_manifest("/a/b/MANIFEST-000022"));
  EXPECT_FALSE(is_manifest("/a/b/MANIFEST-"));
  EXPECT_FALSE(is_manifest("/a/b/MANIFEST-000022.dbtmp"));
  EXPECT_FALSE(is_manifest("/a/MANIFEST-000022/000022.sst"));
  EXPECT_EQ(manifest_note_path("/a/b/MANIFEST-000022"), "/a/b/SYNCED-000022");
}

}  // namespace
}  // namespace parley::storage

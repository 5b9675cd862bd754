// A metadata store that is away: every call answers `unavailable` (or another fault of the test's choice).
// For tests of what handlers do then, and for the fuzzer, which wants handlers to run up to their call.
#ifndef PARLEY_BRIDGE_API_TESTING_ABSENT_METADATA_H_
#define PARLEY_BRIDGE_API_TESTING_ABSENT_METADATA_H_

#include <memory>

#include "storage/metadata.h"

namespace parley::storage {

// `fault` is what every call answers.
std::unique_ptr<Metadata> make_absent_metadata(MetadataFault fault = {MetadataError::unavailable,
                                                                      "the database is away; try again", "",
                                                                      0});

}  // namespace parley::storage

#endif

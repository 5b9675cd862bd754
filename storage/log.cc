#include "storage/log.h"

namespace parley::storage {

std::string_view to_string(LogError error) {
  switch (error) {
    case LogError::stalled:
      return "stalled";
    case LogError::disk_full:
      return "disk_full";
    case LogError::io_error:
      return "io_error";
    case LogError::corrupt:
      return "corrupt";
    case LogError::not_found:
      return "not_found";
  }
  return "unknown";
}

}  // namespace parley::storage

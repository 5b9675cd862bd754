// Internal to schemas: one message or event as a JSON object, read in a single pass without a document tree.
#ifndef PARLEY_SCHEMAS_MESSAGE_JSON_H_
#define PARLEY_SCHEMAS_MESSAGE_JSON_H_

#include <memory>
#include <string>
#include <string_view>

#include "schemas/message.h"

namespace parley {

// Unknown fields are skipped, null counts as absent, and so do the empty strings of an id and a kind; of a
// field given twice the last one counts. Ids may be decimal strings or numbers. `meta` is the text that was
// sent, but for white space outside of its strings. Nesting is bounded. Views in the result point into the
// text or into the reader and live until the next call. One thread.
class MessageJsonReader {
 public:
  enum class Fields { of_send, of_event };
  enum class Outcome {
    ok,
    not_json,    // not one JSON object and nothing else; problem() says why
    wrong_type,  // see problem(); what could be read has been
  };
  // Of mentions and attachments at most one more than the limit is kept, enough to see that it was passed.
  MessageJsonReader(Fields fields, const MessageLimits& limits);
  ~MessageJsonReader();

  Outcome read(std::string_view json);
  // The text of `meta` alone, as it comes inside FlatBuffers. Sets only event().send.meta and meta_type().
  Outcome read_meta(std::string_view json);

  const Event& event() const;
  bool meta_type() const;  // meta has a member "type" that is a string and not empty
  const std::string& problem() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley

#endif

// What a terminal types and what strangers say: keys through the editor, the text as a message, both drawn.
// The first byte is the window's width.
#include <cstdint>
#include <cstdlib>

#include "clients/parleyctl/chat/command.h"
#include "clients/parleyctl/chat/text.h"
#include "clients/parleyctl/chat/view.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace parley::chat;
  if (size == 0 || size > 4096) return 0;
  const int columns = 16 + data[0] % 100;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);

  KeyReader keys;
  LineEditor editor;
  for (std::size_t at = 0; at < text.size(); at += 7) {
    for (const Key& key : keys.feed(text.substr(at, 7))) {
      if (key.kind == KeyKind::tab) editor.complete(command_names());
      if (key.kind == KeyKind::enter) editor.take();
      editor.apply(key);
      require(editor.cursor() <= editor.text().size());
    }
  }
  keys.flush();
  const LineEditor::View view = editor.view(columns);
  require(view.cursor_column >= 0 && view.cursor_column < columns);
  require(width_of(view.text) <= columns);

  const std::vector<Cluster> all = clusters(text);
  require(last_cluster(text).bytes == (all.empty() ? std::string_view() : all.back().bytes));

  const Command command = parse_command(clean(text));
  (void)mentions_in(text);
  (void)hint_for(text);
  Transcript transcript("alice");
  transcript.add_pending({.room = "general", .cid = "c", .body = std::string(text)}, 1'763'726'400'000);
  transcript.warn(command.text, 1'763'726'400'000);
  Model model;
  model.room = "general";
  model.me = "alice";
  for (const std::string& row : draw(model, transcript, editor, columns, 24, false).rows) {
    require(width_of(row) <= columns);
    for (const char c : row) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  }
  return 0;
}

// keys init, keys show.
#include <cstdio>

#include "clients/parleyctl/context.h"
#include "clients/parleyctl/key_store.h"

namespace parley::ctl {
namespace {

void init(const Context& context) {
  KeyStore store(context.var);
  const KeyStore::Init done = store.init();
  const std::string file = store.signing_file().string();
  switch (done) {
    case KeyStore::Init::created:
      std::printf("created %s\n", file.c_str());
      break;
    case KeyStore::Init::completed:
      std::printf("completed %s\n", store.jwks_file().c_str());
      break;
    case KeyStore::Init::unchanged:
      std::printf("kept %s\n", file.c_str());
      break;
  }
}

void show(const Context& context) {
  KeyStore store(context.var);
  const SigningKey key = store.load();
  std::printf("signing key   %s (%s)\n", key.kid().c_str(), store.signing_file().c_str());
  bool published = false;
  for (const std::string& kid : store.published_kids()) {
    published = published || kid == key.kid();
    std::printf("accepted key  %s (%s)\n", kid.c_str(), store.jwks_file().c_str());
  }
  if (!published) {
    throw Failure("the broker does not know the signing key: run 'parleyctl keys init' to publish it");
  }
}

}  // namespace

void add_keys_commands(CLI::App& app, Context& context) {
  CLI::App* keys = app.add_subcommand("keys", "The keys that sign and check tokens");
  keys->require_subcommand(1);
  keys->add_subcommand("init", "Make the keys that are missing; keep those that are there")
      ->callback([&context] { init(context); });
  keys->add_subcommand("show", "Tell which key signs and which the broker accepts (no secrets)")
      ->callback([&context] { show(context); });
}

}  // namespace parley::ctl

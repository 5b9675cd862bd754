// keys init, rotate, prune, show.
#include <algorithm>
#include <chrono>
#include <ctime>
#include <memory>
#include <string>

#include "clients/parleyctl/command_line.h"
#include "clients/parleyctl/context.h"
#include "clients/parleyctl/control_client.h"
#include "clients/parleyctl/key_store.h"

namespace parley::ctl {
namespace {

constexpr std::chrono::seconds kPatience{20};

void init(const Context& context) {
  KeyStore store(context.var);
  const KeyStore::Init done = store.init();
  const std::string file = store.signing_file().string();
  switch (done) {
    case KeyStore::Init::created:
      return tell(context, "created " + file, {{"created", file}});
    case KeyStore::Init::completed:
      return tell(context, "completed " + store.jwks_file().string(),
                  {{"completed", store.jwks_file().string()}});
    case KeyStore::Init::unchanged:
      return tell(context, "kept " + file, {{"kept", file}});
  }
}

// Whether the broker lets in whoever holds a token of this key. Without a broker there is nothing to wait
// for: it reads the keys when it starts.
bool broker_knows(const Context& context, const SigningKey& key) {
  try {
    (void)connect_control(context, key);
    return true;
  } catch (const NoBroker&) {
    return true;
  } catch (const Failure&) {
    return false;
  }
}

void rotate(const Context& context, const std::string& keep) {
  KeyStore store(context.var);
  const std::string old_kid = store.load().kid();
  const std::string kid = store.rotate(
      std::chrono::seconds(parse_duration_s(keep)),
      [&](const SigningKey& key) { return broker_knows(context, key); }, kPatience);
  tell(context,
       "key " + kid + " signs from now on; tokens of " + old_kid + " are accepted for another " + keep +
           ", and nobody is logged out",
       {{"signs", kid}, {"kept", old_kid}, {"keep_s", parse_duration_s(keep)}});
}

void show(const Context& context) {
  KeyStore store(context.var);
  const SigningKey key = store.load();
  const std::string jwks = store.jwks_file().string();
  tell(context, "signing key   " + key.kid() + " (" + store.signing_file().string() + ")",
       {{"signs", key.kid()}});
  bool published = false;
  for (const KeyStore::Published& one : store.published()) {
    published = published || one.kid == key.kid();
    const std::string until =
        one.until_s == 0
            ? ""
            : ", for " + std::to_string(std::max<std::int64_t>(0, one.until_s - std::time(nullptr))) + " s";
    tell(context,
         std::string("accepted key  ").append(one.kid).append(" (").append(jwks).append(until).append(")"),
         {{"accepted", one.kid}, {"until_s", one.until_s}});
  }
  if (!published) {
    throw Failure("the broker does not know the signing key: run 'parleyctl keys init' to publish it");
  }
}

}  // namespace

void add_keys_commands(Command app, Context& context) {
  Command keys = app.subcommand("keys", "The keys that sign and check tokens");
  keys.require_subcommand();
  keys.subcommand("init", "Make the keys that are missing; keep those that are there").run([&context] {
    init(context);
  });
  Command rotation = keys.subcommand("rotate", "Sign with a new key from now on; nobody is logged out");
  auto keep = std::make_shared<std::string>("24h");
  rotation.option(
      "--keep", *keep,
      "How long tokens of the old key are accepted: at least as long as the longest of them lives [24h]");
  rotation.run([&context, keep] { rotate(context, *keep); });
  keys.subcommand("prune", "Take out old keys whose time is over (keys init does, too)").run([&context] {
    const bool some = KeyStore(context.var).prune();
    tell(context, some ? "old keys are gone" : "there was nothing to take out", {{"pruned", some}});
  });
  keys.subcommand("show", "Tell which key signs and which the broker accepts (no secrets)").run([&context] {
    show(context);
  });
}

}  // namespace parley::ctl

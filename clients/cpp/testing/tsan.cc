// ThreadSanitizer does not see into Debian's Paho libraries: where they let go of a token that we have let go
// of before, it misses their half of the reference count and takes it for a race. Races of our own code are
// still reported. The name is ThreadSanitizer's.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" __attribute__((visibility("default"))) const char* __tsan_default_suppressions();

extern "C" const char* __tsan_default_suppressions() {
  return "race:libpaho-mqttpp3.so\n"
         "race:libpaho-mqtt3as.so\n";
}
// NOLINTEND(bugprone-reserved-identifier)

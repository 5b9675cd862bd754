// Holds the table of routes and openapi.json to each other, both ways, and the document to itself.
#include "bridge/api/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cctype>
#include <set>
#include <string>

#include "bridge/api/openapi/assets.h"
#include "bridge/api/routes.h"

namespace parley::api {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view kMethods[] = {"get", "post", "put", "patch", "delete"};

const json::object& document() {
  static const json::value kDocument = json::parse(api_page("openapi.json"));
  return kDocument.as_object();
}

// A JSON pointer within the document, as in "#/components/schemas/Room". Null when it leads nowhere.
const json::value* follow(std::string_view ref) {
  boost::system::error_code error;
  static const json::value kRoot = document();
  return kRoot.find_pointer(ref.substr(1), error);
}

const json::object& resolve(const json::value& value) {
  const json::object& object = value.as_object();
  const json::value* ref = object.if_contains("$ref");
  if (ref == nullptr) return object;
  const json::value* target = follow(ref->as_string());
  if (target == nullptr) throw std::runtime_error("leads nowhere: " + json::serialize(*ref));
  return target->as_object();
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

struct Operation {
  std::string method;
  std::string path;
  const json::object* object;
  std::string name() const { return method + " " + path; }
};

std::vector<Operation> operations() {
  std::vector<Operation> found;
  for (const auto& item : document().at("paths").as_object()) {
    for (const std::string_view method : kMethods) {
      if (const json::value* operation = item.value().as_object().if_contains(method))
        found.push_back({std::string(method), std::string(item.key()), &operation->as_object()});
    }
  }
  return found;
}

std::string access_in_document(const json::object& operation) {
  const json::value* security = operation.if_contains("security");
  if (security != nullptr && security->as_array().empty()) return "open";
  const json::value* access = operation.if_contains("x-access");
  return access != nullptr ? std::string(access->as_string()) : "user";
}

std::string to_word(Access access) {
  if (access == Access::open) return "open";
  if (access == Access::optional) return "optional";
  if (access == Access::account) return "account";
  return access == Access::admin ? "admin" : "user";
}

TEST(Document, IsOpenApi31WithAllItsParts) {
  EXPECT_EQ(document().at("openapi").as_string(), "3.1.0");
  EXPECT_GT(operations().size(), 50u);
  for (const std::string_view page : {"docs.html", "docs.css", "docs.js"})
    EXPECT_THAT(api_page(page), Not(IsEmpty()));
  EXPECT_THAT(api_page("../openapi.json"), IsEmpty());
}

TEST(Document, DescribesEveryRoute) {
  for (const Route& route : routes()) {
    if (!route.path.starts_with("/api/v1/")) continue;
    const std::string method = lower(http::to_string(route.method));
    const json::value* item = document().at("paths").as_object().if_contains(route.path);
    ASSERT_NE(item, nullptr) << "openapi.json has no path " << route.path;
    const json::value* operation = item->as_object().if_contains(method);
    ASSERT_NE(operation, nullptr) << "openapi.json has no " << method << " of " << route.path;
    EXPECT_EQ(access_in_document(operation->as_object()), to_word(route.access))
        << method << " " << route.path;
    const json::value* scope = operation->as_object().if_contains("x-scope");
    EXPECT_EQ(scope == nullptr ? "" : std::string(scope->as_string()), to_string(route.scope))
        << method << " " << route.path;
  }
}

TEST(Document, DescribesNothingThatIsNotRouted) {
  for (const Operation& operation : operations()) {
    const bool routed = std::any_of(routes().begin(), routes().end(), [&](const Route& route) {
      return route.path == operation.path && lower(http::to_string(route.method)) == operation.method;
    });
    EXPECT_TRUE(routed) << "no route for " << operation.name();
  }
}

TEST(Document, NamesEveryParameterOfAPath) {
  for (const Operation& operation : operations()) {
    std::set<std::string> named;
    const json::value* parameters = operation.object->if_contains("parameters");
    for (const json::value& parameter : parameters == nullptr ? json::array() : parameters->as_array()) {
      const json::object& object = resolve(parameter);
      if (object.at("in").as_string() == "path") named.emplace(object.at("name").as_string());
    }
    std::set<std::string> in_path;
    for (std::size_t at = 0; (at = operation.path.find('{', at)) != std::string::npos; ++at)
      in_path.insert(operation.path.substr(at + 1, operation.path.find('}', at) - at - 1));
    EXPECT_EQ(named, in_path) << operation.name();
  }
}

TEST(Document, OperationsHaveANameOfTheirOwnAKnownTagAndWhatCanGoWrong) {
  std::set<std::string> tags, names;
  for (const json::value& tag : document().at("tags").as_array()) tags.emplace(tag.at("name").as_string());
  for (const Operation& operation : operations()) {
    const json::object& object = *operation.object;
    EXPECT_TRUE(names.emplace(object.at("operationId").as_string()).second) << operation.name();
    EXPECT_TRUE(tags.contains(std::string(object.at("tags").as_array().at(0).as_string())))
        << operation.name();
    const json::object& responses = object.at("responses").as_object();
    if (access_in_document(object) != "open") {
      for (const char* status : {"401", "429", "503"})
        EXPECT_TRUE(responses.contains(status)) << operation.name() << " " << status;
    }
    if (access_in_document(object) != "open" && access_in_document(object) != "user") {
      EXPECT_TRUE(responses.contains("403")) << operation.name();
    }
    if (object.contains("requestBody")) {
      for (const char* status : {"400", "413", "415", "422"})
        EXPECT_TRUE(responses.contains(status)) << operation.name() << " " << status;
    }
  }
}

void check_refs(const json::value& value) {
  if (const json::array* array = value.if_array()) {
    for (const json::value& item : *array) check_refs(item);
  }
  const json::object* object = value.if_object();
  if (object == nullptr) return;
  for (const auto& [name, child] : *object) {
    if (name == "$ref") {
      EXPECT_NE(follow(child.as_string()), nullptr) << child;
    } else {
      check_refs(child);
    }
  }
}

TEST(Document, ReferencesLeadSomewhere) { check_refs(json::value(document())); }

// Is `value` of the shape of `schema`? As far as examples need it: objects, arrays, types, enums, required
// members.
void check_shape(const json::value& value, const json::value& schema_or_ref, const std::string& where) {
  const json::object& schema = resolve(schema_or_ref);
  if (const json::value* words = schema.if_contains("enum")) {
    const json::array& array = words->as_array();
    EXPECT_NE(std::find(array.begin(), array.end(), value), array.end()) << where << ": " << value;
  }
  if (const json::value* items = schema.if_contains("items"); items != nullptr && value.is_array()) {
    for (const json::value& item : value.get_array()) check_shape(item, *items, where + "[]");
  }
  const json::value* properties = schema.if_contains("properties");
  if (properties == nullptr) return;
  ASSERT_TRUE(value.is_object()) << where;
  for (const auto& [name, member] : value.get_object()) {
    const json::value* property = properties->as_object().if_contains(name);
    ASSERT_NE(property, nullptr) << where << " has no member " << name;
    check_shape(member, *property, where + "." + std::string(name));
  }
  const json::value* required = schema.if_contains("required");
  for (const json::value& name : required == nullptr ? json::array() : required->as_array())
    EXPECT_TRUE(value.get_object().contains(name.as_string())) << where << " lacks " << name;
}

void check_examples(const json::object& content, const std::string& where) {
  for (const auto& [type, media] : content) {
    if (const json::value* example = media.as_object().if_contains("example"))
      check_shape(*example, media.as_object().at("schema"), where);
  }
}

TEST(Document, ExamplesAreOfTheShapeTheyShow) {
  for (const Operation& operation : operations()) {
    if (const json::value* body = operation.object->if_contains("requestBody")) {
      EXPECT_TRUE(body->at("content").at("application/json").as_object().contains("example"))
          << operation.name() << " has no example of its body";
      check_examples(body->at("content").as_object(), operation.name() + " body");
    }
    for (const auto& [status, raw] : operation.object->at("responses").as_object()) {
      if (const json::value* content = resolve(raw).if_contains("content"))
        check_examples(content->as_object(), operation.name() + " " + std::string(status));
    }
  }
}

TEST(Document, LoadsNothingFromElsewhereAndMarksUpNothing) {
  for (const std::string_view page : {"docs.html", "docs.css", "docs.js"}) {
    EXPECT_THAT(std::string(api_page(page)), Not(HasSubstr("//cdn")));
    EXPECT_THAT(std::string(api_page(page)), Not(HasSubstr("https://")));
    EXPECT_THAT(std::string(api_page(page)), Not(HasSubstr("innerHTML")));
    EXPECT_THAT(std::string(api_page(page)), Not(HasSubstr("style=")));  // its policy forbids that
  }
}

}  // namespace
}  // namespace parley::api

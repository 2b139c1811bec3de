// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include <dnalm/io/json.hpp>

#include <unit/io_binary/binary_files.hpp>

using dnalm::io::json;
using dnalm::io::parse_json;
using dnalm_test::error_id_of;

namespace {

std::string id_of(const std::string& text, const dnalm::io::json_limits& limits = {}) {
  return error_id_of([&] { (void)parse_json(text, "x.json", limits); });
}

std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') +
         std::string(static_cast<std::size_t>(depth), ']');
}

}  // namespace

TEST_CASE("JSON values arrive as written", "[io_binary]") {
  const json value =
      parse_json(R"( {"a": [1, -2, 2.5, true, null, "\u00e9"], "b": {"c": {}}, "": []} )", "x");
  REQUIRE(value["a"][0] == 1);
  REQUIRE(value["a"][1] == -2);
  REQUIRE(value["a"][2] == 2.5);
  REQUIRE(value["a"][3] == true);
  REQUIRE(value["a"][4].is_null());
  REQUIRE(value["a"][5] == "\xc3\xa9");
  REQUIRE(value["b"]["c"].is_object());
  REQUIRE(value[""].is_array());
  REQUIRE(parse_json("18446744073709551615", "x").get<std::uint64_t>() == ~std::uint64_t{0});
  REQUIRE(parse_json("\xef\xbb\xbf{}", "x").is_object());
}

TEST_CASE("a key given twice is an error, or the last one wins when asked", "[io_binary]") {
  const std::string text = R"({"x": {"a": 1, "b": 2, "a": {"k": 3}}})";
  REQUIRE(id_of(text) == "dnalm.format.228");
  const json value = parse_json(text, "x", {.duplicates = dnalm::io::duplicate_keys::last_wins});
  REQUIRE(value["x"]["a"]["k"] == 3);
  REQUIRE(value["x"]["b"] == 2);
  REQUIRE(id_of(R"({"a": {"k": 1}, "b": {"k": 1}})").empty());
}

TEST_CASE("nesting is limited exactly, and a million levels do no harm", "[io_binary]") {
  REQUIRE(id_of(nested(64)).empty());
  REQUIRE(id_of(nested(65)) == "dnalm.format.227");
  REQUIRE(id_of(nested(1'000'000)) == "dnalm.format.227");
  REQUIRE(id_of(std::string(1'000'000, '[')) == "dnalm.format.227");
}

TEST_CASE("what is not JSON is refused with line and column", "[io_binary]") {
  for (const char* text : {"", " ", "{", "[1,]", "{\"a\" 1}", "nul", "NaN", "[1] 2", "'a'", "{a: 1}", "1e999",
                           "\"\\x\"", "\"a\nb\"", "[1, // x\n 2]"}) {
    INFO(text);
    REQUIRE(id_of(text) == "dnalm.format.226");
  }
  try {
    (void)parse_json("{\n  \"a\": 1,\n  \"b\": x\n}", "config.json");
    FAIL("no error");
  } catch (const dnalm::error& e) {
    REQUIRE(e.details().where == "config.json, line 3, column 8");
  }
}

TEST_CASE("text that is not UTF-8 is refused", "[io_binary]") {
  for (const char* text : {"\"\xff\"", "\"\xc3\"", "\"\xed\xa0\x80\"", "\"\xc0\xaf\""}) {
    REQUIRE(id_of(text) == "dnalm.format.226");
  }
}

TEST_CASE("JSON text longer than its limit is refused", "[io_binary]") {
  REQUIRE(id_of("[1,2,3]", {.bytes = 7}).empty());
  REQUIRE(id_of("[1,2,3]", {.bytes = 6}) == "dnalm.format.229");
}

TEST_CASE("a JSON file is read whole", "[io_binary]") {
  const dnalm_test::memory_folder folder;
  REQUIRE(dnalm::io::read_json_file(folder.write("a.json", "{\"a\": 1}"))["a"] == 1);
  REQUIRE(error_id_of([&] { (void)dnalm::io::read_json_file(folder / "none.json"); }) == "dnalm.io.220");
  REQUIRE(error_id_of([&] { (void)dnalm::io::read_json_file(folder.write("b.json", "")); }) ==
          "dnalm.format.226");
}

TEST_CASE("damaged JSON gives an error or a value, nothing else", "[io_binary]") {
  const std::string text = R"({"a": [1, -2.5e3, {"b": "text \u00e9 \\"}], "c": {"d": null, "e": false}})";
  const int errors = dnalm_test::survive_damage(
      text, "x.json", [](const auto& path) { (void)dnalm::io::read_json_file(path); });
  REQUIRE(errors > static_cast<int>(text.size()));
}

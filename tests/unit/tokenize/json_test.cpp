// SPDX-License-Identifier: Apache-2.0
// tokenizer.json: what is refused, offsets, and that hostile files and texts cost little.
#include <nlohmann/json.hpp>

#include <dnalm/core/philox.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/tokenize/tokenizer_json.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <tuple>
#include <vector>

#include <support/catch.hpp>

using dnalm::io::json;
using dnalm_test::error_id_of;
using ids_type = std::vector<std::int32_t>;

namespace {

json good_document() {
  return json::parse(R"({
    "version": "1.0", "truncation": null, "padding": null,
    "added_tokens": [
      {"id": 0, "special": true, "content": "[UNK]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false},
      {"id": 1, "special": true, "content": "[CLS]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}],
    "normalizer": {"type": "Sequence", "normalizers": [
      {"type": "Strip", "strip_left": true, "strip_right": true},
      {"type": "Replace", "pattern": {"Regex": "N{3,}"}, "content": "-"}]},
    "pre_tokenizer": {"type": "Split", "pattern": {"String": "-"}, "behavior": "Isolated", "invert": false},
    "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]},
    "decoder": null,
    "model": {"type": "BPE", "dropout": null, "unk_token": "[UNK]", "continuing_subword_prefix": null,
      "end_of_word_suffix": null, "fuse_unk": false,
      "vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "A": 3, "C": 4, "N": 5, "-": 6, "AA": 7, "AAA": 8, "CA": 9},
      "merges": ["A A", "AA A", "C A"]}})");
}

std::shared_ptr<const dnalm::tokenizer_base> make(const json& document) {
  return dnalm::make_json_tokenizer(document.dump(), {}, "test");
}

json changed(const std::string& pointer, const std::string& value) {
  json document = good_document();
  document[json::json_pointer(pointer)] = json::parse(value);
  return document;
}

std::string error_after(const std::string& pointer, const std::string& value) {
  return error_id_of([&] { static_cast<void>(make(changed(pointer, value))->encode("ACNNNN-A [UNK]")); });
}

std::string message_after(const std::string& pointer, const std::string& value) {
  try {
    static_cast<void>(make(changed(pointer, value)));
  } catch (const dnalm::error& problem) {
    return problem.what();
  }
  return "";
}

std::string regex(const std::string& expression) {
  return json({{"type", "Replace"}, {"pattern", {{"Regex", expression}}}, {"content", "-"}}).dump();
}

double seconds_to_encode(const json& document, const std::string& text) {
  const auto tokenizer = make(document);
  const auto start = std::chrono::steady_clock::now();
  REQUIRE(error_id_of([&] { static_cast<void>(tokenizer->encode(text)); }).rfind("other", 0) != 0);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::string repeat(const std::string& unit, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += unit;
  return text;
}

}  // namespace

TEST_CASE("offsets point into the text that was given", "[tokenize][json]") {
  const auto tokenizer = make(good_document());
  const auto tokens = tokenizer->encode("  CANNNNNA-C\n");
  REQUIRE(tokens.ids == ids_type{1, 9, 6, 3, 6, 4, 2});
  const ids_type begin = {0, 2, 4, 9, 10, 11, 13};
  const ids_type end = {0, 4, 9, 10, 11, 12, 13};
  for (std::size_t i = 0; i < begin.size(); ++i) {
    CHECK(tokens.begin[i] == begin[i]);
    CHECK(tokens.end[i] == end[i]);
  }
}

TEST_CASE("every replaced letter is covered, whatever stands around it", "[tokenize][json]") {
  const auto tokenizer = make(good_document());
  dnalm::philox random(31);
  for (int round = 0; round < 500; ++round) {
    std::string text;
    for (std::uint64_t i = 0, n = random.below(60); i < n; ++i) text += "AACCNNNNN-"[random.below(10)];
    const auto tokens = tokenizer->encode(text);
    dnalm::index_t at = 0;
    for (std::size_t i = 1; i + 1 < tokens.ids.size(); ++i) {
      REQUIRE(tokens.begin[i] == at);
      at = tokens.end[i];
    }
    REQUIRE(at == static_cast<dnalm::index_t>(text.size()));
  }
}

TEST_CASE("components and settings that are not built in are named", "[tokenize][json]") {
  const std::string unsupported = "dnalm.unsupported.320";
  CHECK(error_after("/normalizer", R"({"type": "Nmt"})") == unsupported);
  CHECK(error_after("/normalizer", R"({"type": "Precompiled", "precompiled_charsmap": ""})") == unsupported);
  CHECK(error_after("/normalizer/normalizers/1", R"({"type": "ByteLevel"})") == unsupported);
  CHECK(error_after("/pre_tokenizer", R"({"type": "ByteLevel", "add_prefix_space": true})") == unsupported);
  CHECK(error_after("/pre_tokenizer", R"({"type": "Metaspace"})") == unsupported);
  CHECK(error_after("/pre_tokenizer/behavior", R"("Scattered")") == unsupported);
  CHECK(error_after("/post_processor", R"({"type": "ByteLevel"})") == unsupported);
  CHECK(error_after("/model/type", R"("Unigram")") == unsupported);
  CHECK(error_after("/model/byte_fallback", "true") == unsupported);
  CHECK(error_after("/model/dropout", "0.5") == unsupported);
  CHECK(error_after("/model/merges/0", R"("[UNK] A")") == unsupported);
  CHECK(message_after("/normalizer", R"({"type": "Nmt"})").find("Nmt") != std::string::npos);
  CHECK(message_after("/pre_tokenizer", R"({"type": "Metaspace"})").find("Metaspace") != std::string::npos);
  CHECK(message_after("/model/type", R"("Unigram")").find("Unigram") != std::string::npos);
}

TEST_CASE("regular expressions beyond the built-in part are named", "[tokenize][json]") {
  for (const std::string expression : {"",
                                       "A*",
                                       "A?",
                                       "(A)",
                                       "^A",
                                       "A$",
                                       "A{0,3}",
                                       "A{3,2}",
                                       "A{,3}",
                                       "A{3",
                                       "A++",
                                       "A+?",
                                       "A{2}{3}",
                                       "A+B",
                                       "AB+",
                                       "[A",
                                       "[]",
                                       "[A&&B]",
                                       "[[:alpha:]]",
                                       "[Z-A]",
                                       "\\p{L}",
                                       "\\b",
                                       "A|",
                                       "|A",
                                       "A{100001,}",
                                       "A{1025}",
                                       "\\",
                                       "[A-]",
                                       "A{99999999999999}",
                                       "a|b|c|d|e|f|g|h|i"}) {
    INFO(expression);
    CHECK(error_after("/normalizer", regex(expression)) == "dnalm.unsupported.320");
  }
  for (const std::string expression : {"A", "A+", "A{2}", "A{2,}", "A{2,5}", "AC", "A{2}C", "[AC]+", "[^AC]",
                                       "\\s+|\\d", "\\.", "[A-Z\\-]", "\\[UNK\\]", "A|CC|[0-9]+"}) {
    INFO(expression);
    CHECK(error_after("/normalizer", regex(expression)).empty());
  }
  CHECK(message_after("/normalizer", regex("A(B)")).find("A(B)") != std::string::npos);
}

TEST_CASE("contradictory files are refused", "[tokenize][json]") {
  const std::string wrong = "dnalm.config.321";
  CHECK(error_after("/normalizer/normalizers", "3") == wrong);
  CHECK(error_after("/normalizer/normalizers/1/pattern", "{}") == wrong);
  CHECK(error_after("/normalizer/normalizers/0/strip_left", "1") == wrong);
  CHECK(error_after("/normalizer/normalizers/1/content", "null") == wrong);
  CHECK(error_after("/pre_tokenizer/invert", "\"yes\"") == wrong);
  CHECK(error_after("/post_processor/cls", "[1, 1]") == wrong);
  CHECK(error_after("/post_processor/cls", R"(["[CLS]", 99])") == wrong);
  CHECK(error_after("/model/fuse_unk", "1") == wrong);
  CHECK(error_after("/model/merges/1", R"("A A")") == wrong);
  CHECK(error_after("/model", R"({"type": "WordPiece", "vocab": {"A": 0}, "unk_token": "B"})") == wrong);
  CHECK(error_after("/added_tokens/0/lstrip", "3") == wrong);
}

TEST_CASE("every part of the file may be of any type: an error or a tokenizer, never a crash",
          "[tokenize][json]") {
  const json flat = good_document().flatten();
  for (const auto& [pointer, value] : flat.items()) {
    for (std::string at = pointer; !at.empty(); at = at.substr(0, at.rfind('/'))) {
      for (const std::string wrong :
           {"null", "true", "-1", "1e300", "\"x\"", "[]", "{}", "[[]]", "{\"type\": 3}",
            "{\"type\": \"Sequence\"}", "18446744073709551615", "\"\xC3\xA9\""}) {
        INFO(at << " = " << wrong);
        REQUIRE_FALSE(error_after(at, wrong).starts_with("other"));
      }
    }
  }
}

TEST_CASE("text beyond ASCII is refused where a component would have to know it", "[tokenize][json]") {
  const std::string text = "A\xC3\xA9";
  const auto error_with = [&](const std::string& pointer, const std::string& value) {
    const auto tokenizer = make(changed(pointer, value));
    REQUIRE_FALSE(tokenizer->encode("AC").ids.empty());
    return error_id_of([&] { static_cast<void>(tokenizer->encode(text)); });
  };
  const std::string refused = "dnalm.input.324";
  CHECK(error_with("/normalizer", R"({"type": "NFC"})") == refused);
  CHECK(error_with("/normalizer", R"({"type": "StripAccents"})") == refused);
  CHECK(error_with("/normalizer", R"({"type": "BertNormalizer", "lowercase": false})") == refused);
  CHECK(error_with("/pre_tokenizer", R"({"type": "BertPreTokenizer"})") == refused);
  CHECK(error_with("/pre_tokenizer", R"({"type": "Digits"})") == refused);
  CHECK(error_with("/normalizer", regex("\\w")) == refused);
  CHECK(error_with("/added_tokens/1/single_word", "true") == refused);
  CHECK(error_with("/pre_tokenizer", R"({"type": "Whitespace"})").empty());
  CHECK(error_with("/pre_tokenizer", R"({"type": "WhitespaceSplit"})").empty());
  CHECK(error_with("/normalizer", R"({"type": "Lowercase"})").empty());
  json fused = changed("/pre_tokenizer", R"({"type": "Whitespace"})");
  fused["model"]["fuse_unk"] = true;
  CHECK(error_id_of([&] { static_cast<void>(make(fused)->encode(text)); }) == refused);
}

TEST_CASE("bytes that are not UTF-8 are one unknown token each", "[tokenize][json]") {
  REQUIRE(make(good_document())
              ->encode("A\xFF\x80"
                       "C")
              .ids == ids_type{1, 3, 0, 0, 4, 2});
}

TEST_CASE("a text that grows without end is refused", "[tokenize][json]") {
  json document = good_document();
  document["normalizer"]["normalizers"] = json::array();
  for (int i = 0; i < 20; ++i) {
    document["normalizer"]["normalizers"].push_back(
        {{"type", "Replace"}, {"pattern", {{"String", "A"}}}, {"content", repeat("A", 100)}});
  }
  const auto tokenizer = make(document);
  REQUIRE(tokenizer->encode("C").ids == ids_type{1, 4, 2});
  REQUIRE(error_id_of([&] { static_cast<void>(tokenizer->encode("A")); }) == "dnalm.input.325");
}

namespace {

/// A Sequence of `count` copies of `step`; `nested`: the last of them in a Sequence of its own.
json sequence_of(const std::string& key, const json& step, std::size_t count, bool nested) {
  const auto list = [&](json steps) { return json{{"type", "Sequence"}, {key, std::move(steps)}}; };
  json steps = json::array();
  for (std::size_t i = nested ? 1 : 0; i < count; ++i) steps.push_back(step);
  if (nested) steps.push_back(list(json::array({step})));
  return list(std::move(steps));
}

}  // namespace

TEST_CASE("a normalizer, pre-tokenizer or post-processor has at most 64 steps", "[tokenize][json]") {
  const json frame = good_document().at("post_processor");
  const json trimmed = {{"type", "RobertaProcessing"}, {"sep", frame.at("sep")}, {"cls", frame.at("cls")}};
  for (const auto& [part, key, step] :
       {std::tuple<std::string, std::string, json>{"normalizer", "normalizers", {{"type", "Lowercase"}}},
        {"pre_tokenizer", "pretokenizers", {{"type", "WhitespaceSplit"}}},
        {"post_processor", "processors", trimmed}}) {
    for (const bool nested : {false, true}) {
      INFO(part << (nested ? ", nested" : ""));
      json document = good_document();
      document[part] = sequence_of(key, step, 64, nested);
      CHECK(error_id_of([&] { static_cast<void>(make(document)); }).empty());
      document[part] = sequence_of(key, step, 65, nested);
      CHECK(error_id_of([&] { static_cast<void>(make(document)); }) == "dnalm.unsupported.326");
    }
  }
}

TEST_CASE("deep nesting and long patterns are refused", "[tokenize][json]") {
  json deep = {{"type", "Lowercase"}};
  for (int i = 0; i < 200; ++i) deep = {{"type", "Sequence"}, {"normalizers", json::array({deep})}};
  json document = good_document();
  document["normalizer"] = deep;
  REQUIRE_FALSE(error_id_of([&] { static_cast<void>(make(document)); }).starts_with("other"));
  REQUIRE_FALSE(error_id_of([&] { static_cast<void>(make(document)); }).empty());
  REQUIRE(error_after("/pre_tokenizer/pattern", json({{"String", repeat("A", 1025)}}).dump()) ==
          "dnalm.unsupported.320");
  REQUIRE(error_after("/added_tokens/0/content", json(repeat("A", 257)).dump()) == "dnalm.unsupported.320");
}

TEST_CASE("no file makes a text of a million letters slow", "[tokenize][json]") {
  const std::string text = repeat("A", 1000000);
  const double limit = 20;
  REQUIRE(seconds_to_encode(good_document(), text) < limit);
  REQUIRE(seconds_to_encode(changed("/normalizer", regex("A{100000,}|AAC")), text) < limit);
  REQUIRE(seconds_to_encode(changed("/normalizer", regex("A{99999,}")),
                            repeat(repeat("A", 99998) + "C", 10)) < limit);
  json document = good_document();
  document["added_tokens"][1] = {
      {"id", 10}, {"content", repeat("A", 255) + "C"}, {"lstrip", true}, {"rstrip", true}};
  REQUIRE(seconds_to_encode(document, text) < limit);
  document["added_tokens"][1]["content"] = "C";
  document["model"]["vocab"].erase("C");
  document["model"]["vocab"].erase("CA");
  document["model"]["vocab"]["C"] = 4;
  document["model"]["vocab"]["CA"] = 9;
  document["added_tokens"][1]["id"] = 4;
  REQUIRE(seconds_to_encode(document, repeat(" C  ", 250000)) < limit);
  json chain = good_document();  // each token one letter longer
  chain["model"]["merges"] = json::array();
  for (int i = 2; i < 600; ++i) {
    chain["model"]["vocab"][repeat("A", static_cast<std::size_t>(i))] = i == 2 ? 7 : i == 3 ? 8 : i + 6;
    chain["model"]["merges"].push_back(repeat("A", static_cast<std::size_t>(i - 1)) + " A");
  }
  REQUIRE(seconds_to_encode(chain, text) < limit);
  REQUIRE(seconds_to_encode(chain, text + "C" + text) < limit);
}

TEST_CASE("tokens that tokenizer_config.json calls special are found in text", "[tokenize][json]") {
  json document = good_document();
  document["added_tokens"] = json::array();
  const auto plain = dnalm::make_json_tokenizer(document.dump(), {}, "test");
  REQUIRE(plain->encode("A[CLS]").ids == ids_type{1, 3, 0, 4, 0, 0, 0, 2});
  dnalm::tokenizer_config config;
  config.special["cls_token"] = "[CLS]";
  const auto configured = dnalm::make_json_tokenizer(document.dump(), config, "test");
  REQUIRE(configured->encode("A[CLS]").ids == ids_type{1, 3, 1, 2});
  REQUIRE(configured->special().cls == 1);
  config.special["mask_token"] = "[MASK]";
  REQUIRE(error_id_of([&] {
            static_cast<void>(dnalm::make_json_tokenizer(document.dump(), config, "test"));
          }) == "dnalm.config.323");
}

TEST_CASE("an added token of normalized text that the normalizer empties is refused", "[tokenize][json]") {
  REQUIRE(error_after("/added_tokens/0", R"({"id": 10, "content": "  ", "normalized": true})") ==
          "dnalm.unsupported.320");
}

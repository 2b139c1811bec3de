// SPDX-License-Identifier: Apache-2.0
#include <dnalm/core/philox.hpp>
#include <nlohmann/json.hpp>

#include <dnalm/io/json.hpp>
#include <dnalm/tokenize/bpe_tokenizer.hpp>
#include <dnalm/tokenize/tokenizer.hpp>

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <support/catch.hpp>

#include "files.hpp"

using dnalm::unknown_policy;
using dnalm::io::json;
using dnalm_test::error_id_of;
using dnalm_test::temporary_folder;
using ids_type = std::vector<std::int32_t>;

namespace {

const std::filesystem::path dnabert2 = std::filesystem::path(DNALM_GOLDEN_DIR) / "third_party" / "dnabert2";

dnalm::tokenizer load(unknown_policy policy = unknown_policy::literal) {
  return dnalm::load_tokenizer(dnabert2, {.policy = policy});
}

json good_document() {
  return json::parse(R"({
    "version": "1.0", "truncation": null, "padding": null,
    "added_tokens": [
      {"id": 0, "special": true, "content": "[UNK]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false},
      {"id": 1, "special": true, "content": "[CLS]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false},
      {"id": 2, "special": true, "content": "[SEP]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}],
    "normalizer": null, "pre_tokenizer": {"type": "Whitespace"},
    "post_processor": {"type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                 {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
      "pair": [],
      "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [1], "tokens": ["[CLS]"]},
                         "[SEP]": {"id": "[SEP]", "ids": [2], "tokens": ["[SEP]"]}}},
    "decoder": null,
    "model": {"type": "BPE", "dropout": null, "unk_token": "[UNK]", "continuing_subword_prefix": null,
      "end_of_word_suffix": null, "fuse_unk": false,
      "vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "A": 3, "C": 4, "G": 5, "T": 6, "AA": 7, "AAA": 8, "CA": 9, "AC": 10},
      "merges": ["A A", "AA A", "C A", "A C"]}})");
}

dnalm::bpe_tokenizer make(const json& document) {
  return dnalm::bpe_tokenizer(dnalm::read_bpe_definition(document.dump(), "test"), {}, "test");
}

/// Error of the good document after a change at a JSON pointer.
std::string error_after(const std::string& pointer, const std::string& value) {
  json document = good_document();
  document[json::json_pointer(pointer)] = json::parse(value);
  return error_id_of([&] { static_cast<void>(make(document)); });
}

std::string error_without(const std::string& parent, const std::string& key) {
  json document = good_document();
  document[json::json_pointer(parent)].erase(key);
  return error_id_of([&] { static_cast<void>(make(document)); });
}

struct example {
  std::string text;
  ids_type ids;
};

std::string repeat(const std::string& unit, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += unit;
  return text;
}

const std::vector<example> examples = {
    {"ACGTAGCATCGGATCTATCTATCGACACTTGGTTATCGATCTACGAGCATCTCGTTAGC",
     {1, 5, 194, 32, 757, 1239, 2092, 294, 24, 359, 88, 93, 32, 75, 77, 19, 2}},
    {"ACGT", {1, 5, 6, 1049, 2}},
    {repeat("A", 8), {1, 248, 2}},
    {repeat("A", 40), {1, 1169, 1169, 248, 2}},
    {repeat("T", 20), {1, 206, 1098, 2}},
    {"ATTCCGATTCCGATTCCG", {1, 2061, 2813, 2813, 13, 7, 2}},
    {"ATTTCTCTCTCTCTCTGAGATCGATCGATCGAT", {1, 2061, 334, 75, 199, 359, 359, 359, 8, 2}},
    {"ACGTNNACGT", {1, 5, 6, 1049, 0, 0, 5, 6, 1049, 2}},
    {"GAATTCNGAATTC", {1, 132, 6, 0, 132, 6, 2}},
    {"ACGT[MASK]ACGT", {1, 5, 6, 1049, 4, 5, 6, 1049, 2}},
    {"acgt", {1, 0, 0, 0, 0, 2}},
    {"ACG TACG", {1, 5, 3206, 14, 3206, 2}},
    {"AC-GT", {1, 5, 6, 0, 1049, 2}},
    {"TATAAAAGGCGC", {1, 1236, 1589, 2}},
    {repeat("CA", 8), {1, 557, 2}},
    {"TTAGGGTTAGGGTTAGGG", {1, 731, 77, 1163, 15, 7, 2}},
    {repeat("CA", 16), {1, 1627, 2}},
    {repeat("TG", 16), {1, 1670, 2}},
    {"", {1, 2}},
};

/// Byte pair encoding by its definition: one merge at a time, the best and leftmost pair of the whole word.
std::vector<std::string> merge_plainly(std::vector<std::string> word,
                                       const std::map<std::pair<std::string, std::string>, int>& ranks) {
  for (;;) {
    int best = -1;
    std::size_t where = 0;
    for (std::size_t i = 0; i + 1 < word.size(); ++i) {
      const auto found = ranks.find({word[i], word[i + 1]});
      if (found != ranks.end() && (best < 0 || found->second < best)) {
        best = found->second;
        where = i;
      }
    }
    if (best < 0) return word;
    word[where] += word[where + 1];
    word.erase(word.begin() + static_cast<std::ptrdiff_t>(where) + 1);
  }
}

}  // namespace

TEST_CASE("worked examples of DNABERT-2", "[tokenize]") {
  const dnalm::tokenizer tokenizer = load();
  for (const example& e : examples) {
    INFO(e.text);
    REQUIRE(tokenizer.encode(e.text).ids == e.ids);
  }
}

TEST_CASE("DNABERT-2: sizes, special tokens, offsets", "[tokenize]") {
  const dnalm::tokenizer tokenizer = load();
  REQUIRE(tokenizer.vocabulary_size() == 4096);
  REQUIRE(tokenizer.model_max_length() == 0);
  REQUIRE(tokenizer.special().unk == 0);
  REQUIRE(tokenizer.special().cls == 1);
  REQUIRE(tokenizer.special().sep == 2);
  REQUIRE(tokenizer.special().pad == 3);
  REQUIRE(tokenizer.special().mask == 4);
  REQUIRE(tokenizer.special().eos == -1);
  REQUIRE(tokenizer.token(1049) == "GT");
  REQUIRE(error_id_of([&] { static_cast<void>(tokenizer.token(4096)); }) == "dnalm.input.300");
  const auto tokens = tokenizer.encode("ACGT[MASK] N\xC3\xA4GAATTC");
  REQUIRE(tokens.ids == ids_type{1, 5, 6, 1049, 4, 0, 0, 132, 6, 2});
  REQUIRE(tokens.begin == std::vector<dnalm::index_t>{0, 0, 1, 2, 4, 11, 12, 14, 19, 20});
  REQUIRE(tokens.end == std::vector<dnalm::index_t>{0, 1, 2, 4, 10, 12, 14, 19, 20, 20});
}

TEST_CASE("DNABERT-2 in the default policy: upper-cased, N is UNK, other letters are errors", "[tokenize]") {
  const dnalm::tokenizer tokenizer = load(unknown_policy::error);
  REQUIRE(tokenizer.encode("acgtnnacgt").ids == examples[7].ids);
  REQUIRE(error_id_of([&] { static_cast<void>(tokenizer.encode("ACGT[MASK]")); }) == "dnalm.input.150");
  REQUIRE(tokenizer.with_policy(unknown_policy::n).encode("GAATTCRGAATTC").ids == examples[8].ids);
}

TEST_CASE("the heap merges as the definition says, also with merges in an unusual order", "[tokenize]") {
  dnalm::philox random(11);
  for (int round = 0; round < 60; ++round) {
    json document = good_document();
    json& model = document["model"];
    model["vocab"] = {{"[UNK]", 0}, {"[CLS]", 1}, {"[SEP]", 2}, {"A", 3}, {"C", 4}, {"G", 5}};
    model["merges"] = json::array();
    std::vector<std::string> tokens = {"A", "C", "G"};
    std::map<std::pair<std::string, std::string>, int> ranks;
    while (ranks.size() < 40) {
      const std::string left = tokens[random.below(tokens.size())];
      const std::string right = tokens[random.below(tokens.size())];
      if (left.size() + right.size() > 9 || ranks.contains({left, right})) continue;
      ranks[{left, right}] = 0;
      if (std::find(tokens.begin(), tokens.end(), left + right) == tokens.end())
        tokens.push_back(left + right);
    }
    for (std::size_t i = 3; i < tokens.size(); ++i) model["vocab"][tokens[i]] = i + 3;
    std::vector<std::pair<std::string, std::string>> order;
    for (const auto& [pair, rank] : ranks) order.push_back(pair);
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    for (std::size_t i = 0; i < order.size(); ++i) {
      ranks[order[i]] = static_cast<int>(i);
      if (i % 2 == 0) {
        model["merges"].push_back(order[i].first + " " + order[i].second);
      } else {
        model["merges"].push_back({order[i].first, order[i].second});
      }
    }
    const dnalm::bpe_tokenizer tokenizer = make(document);
    for (int repetition = 0; repetition < 20; ++repetition) {
      std::vector<std::string> letters;
      std::string text;
      for (std::uint64_t i = 0, n = 1 + random.below(80); i < n; ++i) {
        letters.emplace_back(1, "ACG"[random.below(repetition % 2 == 0 ? 3 : 2)]);
        text += letters.back();
      }
      std::vector<std::string> expected = merge_plainly(letters, ranks);
      expected.insert(expected.begin(), "[CLS]");
      expected.emplace_back("[SEP]");
      std::vector<std::string> found;
      for (const std::int32_t id : tokenizer.encode(text).ids) found.push_back(tokenizer.token(id));
      REQUIRE(found == expected);
    }
  }
}

TEST_CASE("equal ranks merge from the left", "[tokenize]") {
  const dnalm::bpe_tokenizer tokenizer = make(good_document());
  REQUIRE(tokenizer.encode("AAAAA").ids == ids_type{1, 7, 8, 2});
  REQUIRE(tokenizer.encode("ACAAC").ids == ids_type{1, 10, 7, 4, 2});
}

TEST_CASE("a million bases take a moment, whatever they repeat", "[tokenize]") {
  const dnalm::tokenizer tokenizer = load();
  for (const std::string unit : {"A", "CA", "ACGTTGCATTAGC"}) {
    const std::string text = repeat(unit, 1000000 / static_cast<int>(unit.size()));
    const auto start = std::chrono::steady_clock::now();
    const auto tokens = tokenizer.encode(text);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    REQUIRE(tokens.end.back() == static_cast<dnalm::index_t>(text.size()));
    REQUIRE(tokens.size() > 30000);
    REQUIRE(seconds.count() < 30);
  }
}

TEST_CASE("words: white space separates, punctuation stands apart, or nothing does", "[tokenize]") {
  json document = good_document();
  document["model"]["vocab"]["-"] = 11;
  document["model"]["vocab"]["-A"] = 12;
  document["model"]["vocab"][" "] = 13;
  document["model"]["merges"].push_back("- A");
  REQUIRE(make(document).encode("-A A-A").ids == ids_type{1, 11, 3, 3, 11, 3, 2});
  document["pre_tokenizer"]["type"] = "WhitespaceSplit";
  REQUIRE(make(document).encode("-A A-A\n").ids == ids_type{1, 12, 3, 12, 2});
  document["pre_tokenizer"] = nullptr;
  REQUIRE(make(document).encode("-A A-A\n").ids == ids_type{1, 12, 13, 3, 12, 0, 2});
  REQUIRE(make(document)
              .encode("A\xE3\x80\x80"
                      "A")
              .ids == ids_type{1, 3, 0, 3, 2});
}

TEST_CASE("the frame comes from the post-processor", "[tokenize]") {
  json document = good_document();
  document["post_processor"] = nullptr;
  REQUIRE(make(document).encode("AC").ids == ids_type{10});
  document["post_processor"] =
      json::parse(R"({"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]})");
  REQUIRE(make(document).encode("AC").ids == ids_type{1, 10, 2});
}

TEST_CASE("components that are not built in are named", "[tokenize]") {
  const std::string unsupported = "dnalm.unsupported.320";
  REQUIRE(error_after("/normalizer", R"({"type": "Lowercase"})") == unsupported);
  REQUIRE(error_after("/pre_tokenizer", R"({"type": "ByteLevel"})") == unsupported);
  REQUIRE(error_after("/post_processor",
                      R"({"type": "RobertaProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]})") ==
          unsupported);
  REQUIRE(error_after("/model/type", R"("WordLevel")") == unsupported);
  REQUIRE(error_after("/model/dropout", "0.1") == unsupported);
  REQUIRE(error_after("/model/dropout", "0.0").empty());
  REQUIRE(error_after("/model/fuse_unk", "true") == unsupported);
  REQUIRE(error_after("/model/byte_fallback", "true") == unsupported);
  REQUIRE(error_after("/model/ignore_merges", "true") == unsupported);
  REQUIRE(error_after("/model/end_of_word_suffix", R"("</w>")") == unsupported);
  REQUIRE(error_after("/model/continuing_subword_prefix", R"("##")") == unsupported);
  REQUIRE(error_after("/model/unk_token", "null") == unsupported);
  REQUIRE(error_after("/model/vocab/\xC3\xA4", "11") == unsupported);
  REQUIRE(error_after("/added_tokens/0/lstrip", "true") == unsupported);
  REQUIRE(error_after("/added_tokens/0/normalized", "true") == unsupported);
  REQUIRE(error_after("/something_new", "{}") == unsupported);
  try {
    json document = good_document();
    document["pre_tokenizer"]["type"] = "ByteLevel";
    static_cast<void>(make(document));
  } catch (const dnalm::error& e) {
    REQUIRE(std::string(e.what()).find("pre_tokenizer") != std::string::npos);
    REQUIRE(std::string(e.what()).find("ByteLevel") != std::string::npos);
  }
}

TEST_CASE("contradictory tokenizer files are refused", "[tokenize]") {
  const std::string wrong = "dnalm.config.321";
  REQUIRE(error_after("/model/vocab/A", "4") == wrong);
  REQUIRE(error_after("/model/vocab/A", "-1") == wrong);
  REQUIRE(error_after("/model/vocab/A", "3.5") == wrong);
  REQUIRE(error_after("/model/vocab/A", "1000000000000") == wrong);
  REQUIRE(error_after("/model/vocab/A", "18446744073709551615") == wrong);
  REQUIRE(error_after("/model/vocab/A", "12") == wrong);
  REQUIRE(error_after("/model/vocab/A", R"("3")") == wrong);
  REQUIRE(error_after("/model/vocab", "[]") == wrong);
  REQUIRE(error_after("/model/vocab", "{}") == wrong);
  REQUIRE(error_after("/model/unk_token", R"("<unk>")") == wrong);
  REQUIRE(error_after("/model/merges/0", R"("AA")") == wrong);
  REQUIRE(error_after("/model/merges/0", R"("A A A")") == wrong);
  REQUIRE(error_after("/model/merges/0", R"("A X")") == wrong);
  REQUIRE(error_after("/model/merges/0", R"("G G")") == wrong);
  REQUIRE(error_after("/model/merges/0", R"("C A")") == wrong);  // twice
  REQUIRE(error_after("/model/merges/0", "3") == wrong);
  REQUIRE(error_after("/model/merges", R"("A A")") == wrong);
  REQUIRE(error_after("/added_tokens/0/id", "1") == wrong);
  REQUIRE(error_after("/added_tokens/0/content", "\"\"") == wrong);
  REQUIRE(error_after("/added_tokens", "{}") == wrong);
  REQUIRE(error_after("/post_processor/single/1/Sequence/id", R"("B")") == wrong);
  REQUIRE(error_after("/post_processor/single/1", R"({"SpecialToken": {"id": "[SEP]"}})") == wrong);
  REQUIRE(error_after("/post_processor/special_tokens/[CLS]/ids", "[11]") == wrong);
  REQUIRE(error_after("/post_processor/single", "3") == wrong);
  REQUIRE(error_without("/post_processor/special_tokens", "[CLS]") == wrong);
  REQUIRE(error_without("", "model") == wrong);
  REQUIRE(error_without("/model", "merges") == wrong);
  REQUIRE(error_without("/model", "vocab") == wrong);
  REQUIRE(error_id_of([] { static_cast<void>(dnalm::read_bpe_definition("[]", "test")); }) == wrong);
  REQUIRE_FALSE(error_id_of([] { static_cast<void>(dnalm::read_bpe_definition("", "test")); }).empty());
}

TEST_CASE("every part of the file may be of any type: an error, never a crash", "[tokenize]") {
  const json flat = good_document().flatten();
  for (const auto& [pointer, value] : flat.items()) {
    for (std::string at = pointer; !at.empty(); at = at.substr(0, at.rfind('/'))) {
      for (const std::string wrong :
           {"null", "true", "-1", "1e300", "\"x\"", "[]", "{}", "[[]]", "{\"type\": 3}"}) {
        INFO(at << " = " << wrong);
        REQUIRE_FALSE(error_after(at, wrong).starts_with("other"));
      }
    }
  }
}

TEST_CASE("a folder is read by what it holds", "[tokenize]") {
  const std::string text = good_document().dump();
  const temporary_folder plain;
  plain.write("tokenizer.json", text);
  REQUIRE(dnalm::load_tokenizer(plain.path()).encode("AC").ids == ids_type{1, 10, 2});
  REQUIRE(dnalm::load_tokenizer(plain.path() / "tokenizer.json").vocabulary_size() == 11);
  plain.write("tokenizer_config.json",
              R"({"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 636})");
  REQUIRE(dnalm::load_tokenizer(plain.path()).model_max_length() == 636);
  const auto error_with = [&](const std::string& config) {
    plain.write("tokenizer_config.json", config);
    return error_id_of([&] { static_cast<void>(dnalm::load_tokenizer(plain.path())); });
  };
  REQUIRE(error_with(R"({"tokenizer_class": "BertTokenizerFast"})") == "dnalm.unsupported.302");
  REQUIRE(error_with(R"({"mask_token": "[MASK]"})") == "dnalm.config.323");
  REQUIRE(error_with(R"({"added_tokens_decoder": {"1": {"content": "[CLS]"}}})").empty());
  REQUIRE(error_with(R"({"added_tokens_decoder": {"2": {"content": "[CLS]"}}})") == "dnalm.config.323");
  REQUIRE(error_with(R"({"added_tokens_decoder": {"99": {"content": "[NEW]"}}})") == "dnalm.config.323");
  plain.write("vocab.txt", dnalm_test::join_lines(dnalm_test::nt_v2_vocabulary(2)));
  REQUIRE(error_with(R"({"tokenizer_class": "EsmTokenizer"})").empty());
  REQUIRE(dnalm::load_tokenizer(plain.path()).encode("AC").size() == 2);
}

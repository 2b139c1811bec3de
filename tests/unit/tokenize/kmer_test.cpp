// SPDX-License-Identifier: Apache-2.0
#include <dnalm/io/sha256.hpp>
#include <dnalm/tokenize/kmer_tokenizer.hpp>
#include <dnalm/tokenize/tokenizer.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <support/catch.hpp>

#include "files.hpp"

using dnalm::unknown_policy;
using dnalm_test::error_id_of;
using dnalm_test::temporary_folder;
using ids_type = std::vector<std::int32_t>;

namespace {

const std::filesystem::path tokenizers = std::filesystem::path(DNALM_GOLDEN_DIR) / "tokenizers";

dnalm::tokenizer load(const std::string& name, unknown_policy policy = unknown_policy::literal) {
  return dnalm::load_tokenizer(tokenizers / name, {.policy = policy});
}

std::string load_error(const std::string& vocabulary, const std::string& config = "{}") {
  const temporary_folder folder;
  folder.write("vocab.txt", vocabulary);
  folder.write("tokenizer_config.json", config);
  return error_id_of([&] { static_cast<void>(dnalm::load_tokenizer(folder.path())); });
}

std::string vocabulary_error(std::vector<std::string> tokens) {
  return load_error(dnalm_test::join_lines(tokens));
}

struct example {
  std::string text;
  ids_type v1;
};

// docs: worked examples of the tokenizer; those of published oracles among them.
const std::vector<example> examples = {
    {"ATTCCGATTCCGATTCCG", {3, 367, 367, 367}},
    {"ATTTCTCTCTCTCTCTGAGATCGATCGATCGAT", {3, 349, 2461, 2464, 3184, 1738, 4103, 4100, 4101}},
    {"ACGTGTACGTGCACGGACGACTAGTCAGCA", {3, 737, 738, 758, 3223, 1596}},
    {"ACGTGTACNTGCACGGANCGACTAGTCTGA", {3, 737, 4100, 4102, 4104, 1935, 4103, 4100, 4104, 2856, 3488}},
    {"AAAACCCCGGGGTTTTACGTNACGTNNNNACGTTGCAACGTACGT",
     {3,    14,   2819, 1366, 4103, 4101, 4104, 4100, 4102, 4103, 4101,
      4104, 4104, 4104, 4104, 731,  2097, 4100, 4102, 4103, 4101}},
    {"ATTCCGAAATCGCTGACCGATCGTACGAAA", {3, 367, 31, 2510, 3185, 708}},
    {"ATCCCGGNNTCGACACN", {3, 431, 4103, 4104, 4104, 1740, 4102, 4104}},
    {"ACCTGA<mask>TTCTGAGTC", {3, 672, 2, 1440, 4103, 4101, 4102}},
    {"acgtacACGTAC", {3, 0, 726}},
    {"ACGRTA", {3, 4100, 4102, 4103, 0, 4101, 4100}},
    {"AAAAAA", {3, 4}},
    {"AAAAAT", {3, 5}},
    {"TAAAAA", {3, 1028}},
    {"GGGGGG", {3, 4099}},
    {"N", {3, 4104}},
    {"A", {3, 4100}},
    {"", {3}},
};

}  // namespace

TEST_CASE("the vocabularies are the published files", "[tokenize]") {
  REQUIRE(dnalm::io::sha256_file(tokenizers / "nt_v1" / "vocab.txt").starts_with("f1b544e2"));
  REQUIRE(dnalm::io::sha256_file(tokenizers / "nt_v2" / "vocab.txt").starts_with("c00e0ad1"));
  REQUIRE(dnalm::io::sha256_file(tokenizers / "nt_v1" / "vocab.txt").ends_with("0d4c"));
  REQUIRE(dnalm::io::sha256_file(tokenizers / "nt_v2" / "vocab.txt").ends_with("1052"));
}

TEST_CASE("worked examples of the Nucleotide Transformer, v1 and v2", "[tokenize]") {
  const dnalm::tokenizer v1 = load("nt_v1");
  const dnalm::tokenizer v2 = load("nt_v2");
  for (const example& e : examples) {
    INFO(e.text);
    REQUIRE(v1.encode(e.text).ids == e.v1);
    ids_type shifted = e.v1;
    for (std::int32_t& id : shifted) id += id >= 4 ? 2 : 0;
    REQUIRE(v2.encode(e.text).ids == shifted);
  }
}

TEST_CASE("251 bases are 47 tokens", "[tokenize]") {
  std::string text;
  for (int i = 0; i < 251; ++i) text += "ACGT"[(i * i + i / 3) % 4];
  REQUIRE(load("nt_v2").encode(text).size() == 41 + 5 + 1);
}

TEST_CASE("offsets say which bases a k-mer covers", "[tokenize]") {
  const auto tokens = load("nt_v1").encode("ACGTGTACN<mask>RYT AAAAAA");
  REQUIRE(tokens.ids == ids_type{3, 737, 4100, 4102, 4104, 2, 0, 4101, 4});
  REQUIRE(tokens.begin == std::vector<dnalm::index_t>{0, 0, 6, 7, 8, 9, 15, 17, 19});
  REQUIRE(tokens.end == std::vector<dnalm::index_t>{0, 6, 7, 8, 9, 15, 17, 18, 25});
}

TEST_CASE("special tokens, sizes and names are those of the files", "[tokenize]") {
  const dnalm::tokenizer v1 = load("nt_v1");
  REQUIRE(v1.vocabulary_size() == 4107);
  REQUIRE(v1.model_max_length() == 1000);
  REQUIRE(load("nt_v2").model_max_length() == 2048);
  REQUIRE(v1.special().cls == 3);
  REQUIRE(v1.special().unk == 0);
  REQUIRE(v1.special().pad == 1);
  REQUIRE(v1.special().mask == 2);
  REQUIRE(v1.special().eos == 4105);
  REQUIRE(v1.special().bos == 4106);
  REQUIRE(v1.special().sep == -1);
  REQUIRE(v1.token(4) == "AAAAAA");
  REQUIRE(v1.token(4104) == "N");
  REQUIRE(error_id_of([&] { static_cast<void>(v1.token(4107)); }) == "dnalm.input.300");
  REQUIRE(error_id_of([&] { static_cast<void>(v1.token(-1)); }) == "dnalm.input.300");
  for (const int id : {1, 2, 3, 4105, 4106}) REQUIRE(v1.special().is_special(id));
  for (const int id : {-1, 0, 4, 4104}) REQUIRE_FALSE(v1.special().is_special(id));
}

TEST_CASE("letters follow the policy: upper-cased, an error, N, or literal", "[tokenize]") {
  const dnalm::tokenizer strict = load("nt_v1", unknown_policy::error);
  REQUIRE(strict.encode("acgtgtacn").ids == ids_type{3, 737, 4100, 4102, 4104});
  REQUIRE(error_id_of([&] { static_cast<void>(strict.encode("ACGR")); }) == "dnalm.input.150");
  REQUIRE(error_id_of([&] { static_cast<void>(strict.encode("ACG<mask>")); }) == "dnalm.input.150");
  REQUIRE(error_id_of([&] { static_cast<void>(strict.encode("ACGU")); }) == "dnalm.input.151");
  REQUIRE(strict.with_policy(unknown_policy::n).encode("acgtgtRa").ids == ids_type{3, 737, 4104, 4100});
  REQUIRE(strict.with_policy(unknown_policy::literal).encode("acgtgtRa").ids == ids_type{3, 0});
}

TEST_CASE("literal text beyond ASCII: a run is one UNK, any white space of Unicode vanishes", "[tokenize]") {
  const dnalm::tokenizer v1 = load("nt_v1");
  REQUIRE(v1.encode("A\xC3\xA4\xE2\x82\xACG").ids == ids_type{3, 4100, 0, 4103});
  REQUIRE(v1.encode("x\xC2\xA0y").ids == ids_type{3, 0, 0});
  REQUIRE(v1.encode("A\xE3\x80\x80G").ids == ids_type{3, 4100, 4103});
  REQUIRE(v1.encode("x\x1Cy").ids == ids_type{3, 0, 0});
  REQUIRE(v1.encode("x\xE2\x80\x8By").ids == ids_type{3, 0});  // zero width space is no white space
  REQUIRE(v1.encode("A\xFF\xC3").ids == ids_type{3, 4100, 0});
  REQUIRE(v1.encode(std::string("A\0G", 3)).ids == ids_type{3, 4100, 0, 4103});
}

TEST_CASE("k is the vocabulary's: every k from 1 to 5 cuts as the rule says", "[tokenize]") {
  for (int k = 1; k <= 5; ++k) {
    std::vector<std::string> vocabulary = dnalm_test::nt_v2_vocabulary(k);
    if (k == 1) vocabulary.erase(vocabulary.begin() + 6, vocabulary.begin() + 10);  // k-mers are the letters
    const dnalm::kmer_tokenizer tokenizer(vocabulary, {}, "test");
    REQUIRE(tokenizer.k() == k);
    const std::string text = "ACGTTGCANACGTTTGACATNNGA";
    std::vector<std::string> expected = {"<cls>"};
    for (std::size_t at = 0; at < text.size();) {  // the rule, once more, on strings
      const std::string kmer = text.substr(at, static_cast<std::size_t>(k));
      const bool whole = kmer.size() == static_cast<std::size_t>(k) && kmer.find('N') == std::string::npos;
      expected.push_back(whole ? kmer : text.substr(at, 1));
      at += expected.back().size();
    }
    std::vector<std::string> found;
    for (const std::int32_t id : tokenizer.encode(text).ids) found.push_back(tokenizer.token(id));
    REQUIRE(found == expected);
  }
}

TEST_CASE("EOS is appended only where the configuration names it", "[tokenize]") {
  const std::string vocabulary = dnalm_test::join_lines(dnalm_test::nt_v2_vocabulary(3));
  const auto last = [&](const std::string& config, const std::string& map) {
    const temporary_folder folder;
    folder.write("vocab.txt", vocabulary);
    folder.write("tokenizer_config.json", config);
    if (!map.empty()) folder.write("special_tokens_map.json", map);
    const auto tokens = dnalm::load_tokenizer(folder.path()).encode("ACGA");
    REQUIRE(tokens.begin.back() == (tokens.ids.back() == 4 ? 4 : 3));
    REQUIRE(tokens.end.back() == 4);
    return tokens.ids.back();
  };
  REQUIRE(last(R"({"eos_token": null})", "") == 70);
  REQUIRE(last("{}", "") == 70);
  REQUIRE(last(R"({"eos_token": "<eos>"})", "") == 4);
  REQUIRE(last(R"({"eos_token": {"content": "<eos>", "lstrip": false}})", "") == 4);
  REQUIRE(last(R"({"eos_token": null})", R"({"eos_token": "<eos>"})") == 4);
  REQUIRE(last(R"({"eos_token": null, "added_tokens_decoder": {"4": {"content": "<eos>"}}})",
               R"({"eos_token": "<eos>"})") == 70);
}

TEST_CASE("the length limit of the configuration: whole numbers, and 10^30 for none", "[tokenize]") {
  const std::string vocabulary = dnalm_test::join_lines(dnalm_test::nt_v2_vocabulary(2));
  const auto length = [&](const std::string& value) {
    const temporary_folder folder;
    folder.write("vocab.txt", vocabulary);
    folder.write("tokenizer_config.json", "{\"model_max_length\": " + value + "}");
    return dnalm::load_tokenizer(folder.path()).model_max_length();
  };
  REQUIRE(length("512") == 512);
  REQUIRE(length("512.0") == 512);
  REQUIRE(length("1000000000000000019884624838656") == 0);
  REQUIRE(length("1e30") == 0);
  REQUIRE(length("null") == 0);
  for (const std::string bad : {"0", "-1", "1.5", "\"512\"", "[]"}) {
    REQUIRE(error_id_of([&] { static_cast<void>(length(bad)); }) == "dnalm.config.303");
  }
}

TEST_CASE("vocabularies that cannot be right are refused", "[tokenize]") {
  const std::vector<std::string> good = dnalm_test::nt_v2_vocabulary(3);
  const auto changed = [&](auto change) {
    std::vector<std::string> tokens = good;
    change(tokens);
    return vocabulary_error(tokens);
  };
  REQUIRE(vocabulary_error(good).empty());
  REQUIRE(load_error("") == "dnalm.config.310");
  REQUIRE(load_error("\n") == "dnalm.config.310");
  REQUIRE(load_error(dnalm_test::join_lines(good) + "\n").empty());
  REQUIRE(load_error(dnalm_test::join_lines(good) + "\n\n") == "dnalm.config.310");
  REQUIRE(changed([](auto& t) { t[10] = ""; }) == "dnalm.config.310");
  REQUIRE(changed([](auto& t) { t[10] = t[11]; }) == "dnalm.config.310");
  REQUIRE(changed([](auto& t) { t.push_back("x y"); }) == "dnalm.config.310");
  REQUIRE(changed([](auto& t) { t.push_back("\xC3\xA4"); }) == "dnalm.config.310");
  REQUIRE(changed([](auto& t) { t.push_back(std::string("x\0y", 3)); }) == "dnalm.config.310");
  REQUIRE(changed([](auto& t) { t.erase(t.begin() + 20); }) == "dnalm.config.311");  // a k-mer
  REQUIRE(changed([](auto& t) { t.push_back("AC"); }) == "dnalm.config.311");
  REQUIRE(changed([](auto& t) { t.push_back("ACGT"); }) == "dnalm.config.311");
  REQUIRE(changed([](auto& t) { t.push_back("ACGTACGTACGTACGTACGTACGTACGTACGTACGTACGT"); }) ==
          "dnalm.config.311");
  REQUIRE(changed([](auto& t) { std::erase(t, "T"); }) == "dnalm.config.311");
  REQUIRE(changed([](auto& t) { t.push_back("ACN"); }) == "dnalm.unsupported.313");
  for (const char* name : {"<cls>", "<unk>", "<pad>", "<mask>"}) {
    REQUIRE(changed([&](auto& t) { std::erase(t, name); }) == "dnalm.config.312");
  }
  REQUIRE(changed([](auto& t) { std::erase(t, "<eos>"); }).empty());
  REQUIRE(changed([](auto& t) { std::erase(t, "N"); }).empty());
  REQUIRE(load_error("<unk>\n<pad>\n<mask>\n<cls>\n") == "dnalm.config.311");
  REQUIRE(load_error("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nAAA\n") == "dnalm.config.311");
  REQUIRE(load_error("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nA\nCG\n") == "dnalm.unsupported.302");
}

TEST_CASE("a configuration that contradicts the vocabulary is refused", "[tokenize]") {
  const std::string good = dnalm_test::join_lines(dnalm_test::nt_v2_vocabulary(2));
  REQUIRE(load_error(good, R"({"tokenizer_class": "EsmTokenizer"})").empty());
  REQUIRE(load_error(good, R"({"tokenizer_class": "BertTokenizer"})") == "dnalm.unsupported.302");
  REQUIRE(load_error(good, R"({"tokenizer_class": 3})") == "dnalm.config.303");
  REQUIRE(load_error(good, R"({"cls_token": 3})") == "dnalm.config.303");
  REQUIRE(load_error(good, R"({"cls_token": "<CLS>"})") == "dnalm.config.312");
  REQUIRE(load_error(good, R"({"eos_token": "</s>"})") == "dnalm.config.312");
  REQUIRE(load_error(good, R"({"mask_token": {"content": "<mask>", "lstrip": true}})") ==
          "dnalm.unsupported.304");
  REQUIRE(load_error(good, R"({"added_tokens_decoder": {"3": {"content": "<cls>"}}})").empty());
  REQUIRE(load_error(good, R"({"added_tokens_decoder": {"2": {"content": "<cls>"}}})") == "dnalm.config.312");
  REQUIRE(load_error(good, R"({"added_tokens_decoder": {"x": {"content": "<cls>"}}})") == "dnalm.config.303");
  REQUIRE(load_error(good, "[]") == "dnalm.config.303");
  REQUIRE_FALSE(load_error(good, "{").empty());
  const temporary_folder empty;
  REQUIRE(error_id_of([&] { static_cast<void>(dnalm::load_tokenizer(empty.path())); }) == "dnalm.io.301");
  REQUIRE(error_id_of([&] { static_cast<void>(dnalm::load_tokenizer(empty.path() / "x")); }) ==
          "dnalm.io.301");
}

TEST_CASE("one tokenizer serves many threads", "[tokenize]") {
  const dnalm::tokenizer tokenizer = load("nt_v2");
  std::vector<ids_type> results(8);
  std::vector<std::jthread> threads;
  for (ids_type& result : results) {
    threads.emplace_back([&result, tokenizer] { result = tokenizer.encode(examples[4].text).ids; });
  }
  threads.clear();
  for (const ids_type& result : results) REQUIRE(result == results[0]);
}

// SPDX-License-Identifier: Apache-2.0
// The automaton against merging by rank, which is the definition.
#include <dnalm/core/philox.hpp>
#include <dnalm/tokenize/bpe_automaton.hpp>
#include <dnalm/tokenize/bpe_definition.hpp>
#include <dnalm/tokenize/bpe_merges.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <support/catch.hpp>

namespace {

using dnalm::bpe_automaton;
using dnalm::bpe_definition;
using dnalm::bpe_merge_table;
using dnalm::bpe_symbol;

/// Tokens and merges, with merge_word and the automaton on top.
class both_ways {
 public:
  both_ways(std::vector<std::string> tokens, std::vector<bpe_definition::merge> merges)
      : tokens_(std::move(tokens)),
        table_(static_cast<dnalm::index_t>(merges.size())),
        automaton_(tokens_, merges) {
    for (std::size_t rank = 0; rank < merges.size(); ++rank) {
      REQUIRE(table_.add(merges[rank].left, merges[rank].right,
                         {static_cast<std::int32_t>(rank), merges[rank].result}));
    }
    for (std::size_t id = 0; id < tokens_.size(); ++id) {
      if (tokens_[id].size() == 1) letters_[tokens_[id][0]] = static_cast<std::int32_t>(id);
    }
  }
  [[nodiscard]] bool usable() const { return automaton_.usable(); }

  /// Whether both give the same tokens at the same places; letters that no merge names must not occur.
  bool agree(const std::string& word) {
    symbols_.clear();
    for (std::size_t i = 0; i < word.size(); ++i) {
      const auto at = static_cast<std::int32_t>(i);
      symbols_.push_back({letters_.at(word[i]), at - 1, at + 1, static_cast<std::uint32_t>(i)});
    }
    if (symbols_.empty()) return true;
    symbols_.back().next = -1;
    dnalm::merge_word(symbols_, table_, heap_);
    if (!automaton_.encode(word, chain_)) return false;
    std::size_t count = 0;
    for (std::int32_t i = 0; i >= 0; i = symbols_[static_cast<std::size_t>(i)].next, ++count) {
      const bpe_symbol& symbol = symbols_[static_cast<std::size_t>(i)];
      if (count == chain_.size() || chain_[count].id != symbol.id || chain_[count].begin != symbol.begin)
        return false;
    }
    return count == chain_.size();
  }
  [[nodiscard]] bool knows(char letter) const { return automaton_.is_letter(letter); }

 private:
  std::vector<std::string> tokens_;
  bpe_merge_table table_;
  bpe_automaton automaton_;
  std::map<char, std::int32_t> letters_;
  std::vector<bpe_symbol> symbols_;
  std::vector<std::uint64_t> heap_;
  std::vector<bpe_automaton::step> chain_;
};

std::string random_word(dnalm::philox& random, std::string_view letters, std::uint64_t length) {
  std::string word;
  for (std::uint64_t i = 0; i < length; ++i) word += letters[random.below(letters.size())];
  return word;
}

/// Random text, or repeats of a short unit with a few letters changed.
std::string test_word(dnalm::philox& random, std::string_view letters, std::uint64_t length) {
  if (random.below(2) == 0) return random_word(random, letters, length);
  const std::string unit = random_word(random, letters, 1 + random.below(5));
  std::string word;
  while (word.size() < length) word += random.below(12) == 0 ? random_word(random, letters, 1) : unit;
  return word.substr(0, length);
}

/// A vocabulary made as byte pair encoding makes it: the most frequent pair of a text becomes a token.
both_ways trained(dnalm::philox& random, std::string_view letters, std::size_t merges_wanted) {
  std::vector<std::string> tokens;
  for (const char letter : letters) tokens.emplace_back(1, letter);
  std::vector<std::int32_t> text;
  for (const char letter : test_word(random, letters, 600) + random_word(random, letters, 600)) {
    text.push_back(static_cast<std::int32_t>(letters.find(letter)));
  }
  std::vector<bpe_definition::merge> merges;
  while (merges.size() < merges_wanted) {
    std::map<std::pair<std::int32_t, std::int32_t>, int> counts;
    for (std::size_t i = 0; i + 1 < text.size(); ++i) ++counts[{text[i], text[i + 1]}];
    if (counts.empty()) break;
    const auto best = std::max_element(counts.begin(), counts.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    const auto [left, right] = best->first;
    const std::string joined =
        tokens[static_cast<std::size_t>(left)] + tokens[static_cast<std::size_t>(right)];
    const auto known = std::find(tokens.begin(), tokens.end(), joined);
    const auto result = static_cast<std::int32_t>(known - tokens.begin());
    if (known == tokens.end()) tokens.push_back(joined);
    merges.push_back({left, right, result});
    std::vector<std::int32_t> shorter;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const bool joins = i + 1 < text.size() && text[i] == left && text[i + 1] == right;
      shorter.push_back(joins ? result : text[i]);
      if (joins) ++i;
    }
    text = shorter;
  }
  return {tokens, merges};
}

/// Any merges of known tokens, in the order in which they were made up; `shuffle` gives them other ranks.
both_ways invented(dnalm::philox& random, std::string_view letters, std::size_t count, bool shuffle) {
  std::vector<std::string> tokens;
  for (const char letter : letters) tokens.emplace_back(1, letter);
  std::vector<bpe_definition::merge> merges;
  std::set<std::pair<std::int32_t, std::int32_t>> taken;
  for (int tries = 0; merges.size() < count && tries < 2000; ++tries) {
    const auto left = static_cast<std::int32_t>(random.below(tokens.size()));
    const auto right = static_cast<std::int32_t>(random.below(tokens.size()));
    const std::string joined =
        tokens[static_cast<std::size_t>(left)] + tokens[static_cast<std::size_t>(right)];
    if (joined.size() > 7 || !taken.insert({left, right}).second) continue;
    const auto known = std::find(tokens.begin(), tokens.end(), joined);
    const auto result = static_cast<std::int32_t>(known - tokens.begin());
    if (known == tokens.end()) tokens.push_back(joined);
    merges.push_back({left, right, result});
  }
  for (std::size_t i = merges.size(); shuffle && i > 1; --i)
    std::swap(merges[i - 1], merges[random.below(i)]);
  return {tokens, merges};
}

/// All words of up to `longest` letters, then random longer ones. Number of letters tried.
std::size_t try_words(both_ways& both, dnalm::philox& random, std::string_view letters, std::size_t longest,
                      int more) {
  std::size_t tried = 0;
  std::vector<std::string> words = {""};
  for (std::size_t length = 0; length < longest; ++length) {
    std::vector<std::string> longer;
    for (const std::string& word : words) {
      for (const char letter : letters) {
        if (both.knows(letter)) longer.push_back(word + letter);
      }
    }
    for (const std::string& word : longer) {
      INFO(word);
      if (!both.agree(word)) FAIL("the ways differ");
      tried += word.size();
    }
    words = longer;
  }
  for (int i = 0; i < more; ++i) {
    std::string word = test_word(random, letters, 1 + random.below(300));
    std::erase_if(word, [&](char letter) { return !both.knows(letter); });
    INFO(word);
    if (!both.agree(word)) FAIL("the ways differ");
    tried += word.size();
  }
  return tried;
}

bpe_definition dnabert2() {
  std::ifstream file(std::filesystem::path(DNALM_GOLDEN_DIR) / "third_party" / "dnabert2" / "tokenizer.json");
  return dnalm::read_bpe_definition(std::string(std::istreambuf_iterator<char>(file), {}), "tokenizer.json");
}

}  // namespace

TEST_CASE("trained vocabularies: the automaton gives what merging by rank gives", "[tokenize][automaton]") {
  dnalm::philox random(21);
  std::size_t tried = 0;
  for (int round = 0; round < 40; ++round) {
    const std::string_view letters = round % 2 == 0 ? "AB" : "ACG";
    both_ways both = trained(random, letters, 5 + random.below(60));
    REQUIRE(both.usable());
    tried += try_words(both, random, letters, letters.size() == 2 ? 11 : 7, 40);
  }
  REQUIRE(tried > 1000000);
}

TEST_CASE("invented merges: where the automaton is usable it is right", "[tokenize][automaton]") {
  dnalm::philox random(22);
  int usable = 0;
  int unusable = 0;
  for (int round = 0; round < 400; ++round) {
    const std::string_view letters = round % 2 == 0 ? "AB" : "ACG";
    both_ways both = invented(random, letters, 2 + random.below(14), round % 4 < 2);
    ++(both.usable() ? usable : unusable);
    if (both.usable()) try_words(both, random, letters, letters.size() == 2 ? 8 : 5, 20);
  }
  REQUIRE(usable > 50);
  REQUIRE(unusable > 50);
}

TEST_CASE("a token that is taken before it is made: the automaton declines", "[tokenize][automaton]") {
  // AB C (rank 0) waits for A B (rank 1)
  REQUIRE_FALSE(both_ways({"A", "B", "C", "AB", "ABC"}, {{3, 2, 4}, {0, 1, 3}}).usable());
  // ABC is made twice, the second time behind the merge that takes it
  REQUIRE_FALSE(both_ways({"A", "B", "C", "AB", "BC", "ABC", "ABCA"},
                          {{0, 1, 3}, {3, 2, 5}, {5, 0, 6}, {1, 2, 4}, {0, 4, 5}})
                    .usable());
  REQUIRE(both_ways({"A", "B", "C", "AB", "ABC"}, {{0, 1, 3}, {3, 2, 4}}).usable());
  REQUIRE_FALSE(both_ways({"A", "B"}, {}).usable());
}

TEST_CASE("a token that merging never leaves is not used", "[tokenize][automaton]") {
  // AAA is A AA, but AAA merges to AA A
  both_ways both({"A", "AA", "AAA"}, {{0, 0, 1}, {0, 1, 2}});
  REQUIRE(both.usable());
  for (std::size_t length = 1; length < 20; ++length) REQUIRE(both.agree(std::string(length, 'A')));
}

TEST_CASE("DNABERT-2: millions of letters, random and repeated", "[tokenize][automaton]") {
  const bpe_definition definition = dnabert2();
  both_ways both(definition.tokens, definition.merges);
  REQUIRE(both.usable());
  dnalm::philox random(23);
  std::size_t tried = 0;
  for (int round = 0; round < 4000; ++round) {
    const std::string word = test_word(random, "ACGT", 1 + random.below(1000));
    INFO(word);
    if (!both.agree(word)) FAIL("the ways differ");
    tried += word.size();
  }
  REQUIRE(tried > 1500000);
  REQUIRE(both.agree(random_word(random, "ACGT", 300000)));
}

TEST_CASE("a vocabulary that repeats one letter costs no more than its steps", "[tokenize][automaton]") {
  std::vector<std::string> tokens = {"A"};
  std::vector<bpe_definition::merge> merges;
  for (std::int32_t i = 0; i < 300; ++i) {  // AA, AAA, AAAA, ...
    tokens.push_back(tokens.back() + "A");
    merges.push_back({i, 0, i + 1});
  }
  both_ways both(tokens, merges);
  for (const std::size_t length : {1U, 2U, 3U, 299U, 1000U, 20001U})
    REQUIRE(both.agree(std::string(length, 'A')));
}

TEST_CASE("real sequence through the published GENA-LM vocabularies, where they are there",
          "[tokenize][automaton]") {
  const char* root = std::getenv("DNALM_SHARED_DATA");
  const auto data = root != nullptr && *root != '\0'
                        ? std::filesystem::path(root)
                        : std::filesystem::path(DNALM_SOURCE_DIR) / ".." / "shared" / "data";
  const auto vocabulary =
      data / "AIRI-Institute__GENA_LM" / "data" / "tokenizers" / "human" / "BPE_32k" / "tokenizer.json";
  const auto sequence = data / "derived" / "brca1_hg19_chr17_41176312_41370000.fa";
  if (!std::filesystem::exists(vocabulary) || !std::filesystem::exists(sequence)) {
    WARN("skipped: set DNALM_SHARED_DATA to a folder that holds " << vocabulary.filename() << " of GENA-LM");
    return;
  }
  std::ifstream file(vocabulary);
  const bpe_definition definition =
      dnalm::read_bpe_definition(std::string(std::istreambuf_iterator<char>(file), {}), "tokenizer.json");
  both_ways both(definition.tokens, definition.merges);
  REQUIRE(both.usable());
  std::ifstream bases(sequence);
  std::string line;
  std::string text;
  while (std::getline(bases, line)) {
    if (line.starts_with('>')) continue;
    for (const char letter : line) {
      const auto upper = static_cast<char>(letter >= 'a' ? letter - 'a' + 'A' : letter);
      if (std::string_view("ACGT").find(upper) != std::string_view::npos) text += upper;
    }
  }
  REQUIRE(text.size() > 190000);
  REQUIRE(both.agree(text));
}

// SPDX-License-Identifier: Apache-2.0
// A tokenizer.json written here: runs of N become "-", words are cut at it, letters are merged.
#include <iostream>

#include <dnalm/tokenize/tokenizer_json.hpp>

int main() {
  const auto tokenizer = dnalm::make_json_tokenizer(R"({
    "added_tokens": [],
    "normalizer": {"type": "Replace", "pattern": {"Regex": "N{3,}"}, "content": "-"},
    "pre_tokenizer": {"type": "Split", "pattern": {"String": "-"}, "behavior": "Isolated"},
    "post_processor": {"type": "BertProcessing", "cls": ["[CLS]", 1], "sep": ["[SEP]", 2]},
    "model": {"type": "BPE", "unk_token": "[UNK]", "merges": ["C A", "CA G"],
              "vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "-": 3, "A": 4, "C": 5, "G": 6, "CA": 7, "CAG": 8}}})",
                                                    {}, "tokenizer.json");
  std::cout << tokenizer->description() << "\n";
  const dnalm::token_sequence tokens = tokenizer->encode("CAGNNNNNCA");
  for (std::size_t i = 0; i < tokens.ids.size(); ++i) {
    std::cout << tokenizer->token(tokens.ids[i]) << " [" << tokens.begin[i] << ", " << tokens.end[i] << ")\n";
  }
}

// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Tokenizer files of the models of k-mers and single letters, as they are published.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "files.hpp"

namespace dnalm_test {

inline std::vector<std::string> dnabert_tokens(int k) {
  std::vector<std::string> tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (const std::string& kmer : all_kmers(k)) tokens.push_back(kmer);
  return tokens;
}

/// The three files of DNABERT's folders.
inline void write_dnabert(const temporary_folder& folder, int k) {
  folder.write("vocab.txt", join_lines(dnabert_tokens(k)));
  folder.write("tokenizer_config.json", R"({"do_lower_case": true, "max_len": 512})");
  folder.write("special_tokens_map.json",
               R"({"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]",)"
               R"( "mask_token": "[MASK]"})");
}

inline constexpr std::string_view splicebert_vocabulary =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nN\nA\nC\nG\nT\n";

inline std::string letter_vocabulary(std::vector<std::string> tokens, std::string_view letters,
                                     const std::vector<std::string>& last) {
  for (const char letter : letters) tokens.emplace_back(1, letter);
  tokens.insert(tokens.end(), last.begin(), last.end());
  return join_lines(tokens);
}

inline std::string esm2_vocabulary() {
  return letter_vocabulary({"<cls>", "<pad>", "<eos>", "<unk>"}, "LAGVSERTIDPKQNFYMHWCXBUZO.-",
                           {"<null_1>", "<mask>"});
}

inline std::string esm_rna_vocabulary() {
  return letter_vocabulary({"<cls>", "<pad>", "<eos>", "<unk>"}, "ACGURYKMSWBDHVN-", {"<mask>"});
}

inline std::string multimolecule_vocabulary() {
  return letter_vocabulary({"<pad>", "<cls>", "<eos>", "<unk>", "<mask>", "<null>"}, "ACGUNRYSWKMBDHVIX|.*-?",
                           {});
}

/// The tokenizer.json of GPN, without what says nothing.
inline constexpr std::string_view gpn_json = R"({"version": "1.0", "truncation": null, "padding": null,
  "added_tokens": [
    {"id": 0, "content": "[PAD]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
     "special": true},
    {"id": 1, "content": "[MASK]", "single_word": false, "lstrip": false, "rstrip": false,
     "normalized": false, "special": true},
    {"id": 2, "content": "[UNK]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
     "special": true}],
  "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null,
  "decoder": null,
  "model": {"type": "BPE", "dropout": null, "unk_token": "[UNK]", "continuing_subword_prefix": null,
    "end_of_word_suffix": null, "fuse_unk": false,
    "vocab": {"[PAD]": 0, "[MASK]": 1, "[UNK]": 2, "a": 3, "c": 4, "g": 5, "t": 6}, "merges": []}})";

}  // namespace dnalm_test

// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Tokenizer files for the tests.
#pragma once

#include <string>
#include <vector>

#include <support/temporary_folder.hpp>

namespace dnalm_test {

/// All k-mers in the order of the Nucleotide Transformer (A, T, C, G).
inline std::vector<std::string> all_kmers(int k) {
  std::vector<std::string> kmers = {""};
  for (int i = 0; i < k; ++i) {
    std::vector<std::string> longer;
    for (const std::string& kmer : kmers) {
      for (const char letter : {'A', 'T', 'C', 'G'}) longer.push_back(kmer + letter);
    }
    kmers = longer;
  }
  return kmers;
}

/// A vocabulary as NT v2 has it, with k-mers.
inline std::vector<std::string> nt_v2_vocabulary(int k) {
  std::vector<std::string> tokens = {"<unk>", "<pad>", "<mask>", "<cls>", "<eos>", "<bos>"};
  for (const std::string& kmer : all_kmers(k)) tokens.push_back(kmer);
  for (const char* letter : {"A", "T", "C", "G", "N"}) tokens.push_back(letter);
  return tokens;
}

inline std::string join_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

}  // namespace dnalm_test

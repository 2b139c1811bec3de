// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Tokenizer files for the tests: written into a folder that goes away.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace dnalm_test {

/// A folder of its own that is removed at the end.
class model_folder {
 public:
  model_folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "dnalm_test_XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = pattern;
  }
  model_folder(const model_folder&) = delete;
  model_folder& operator=(const model_folder&) = delete;
  ~model_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  const model_folder& write(const std::string& name, std::string_view content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return *this;
  }

 private:
  std::filesystem::path path_;
};

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

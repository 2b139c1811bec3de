// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of tokenize/tokenizer.hpp: which tokenizer a folder holds.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/io/mapped_file.hpp>
#include <dnalm/tokenize/bpe_tokenizer.hpp>
#include <dnalm/tokenize/kmer_tokenizer.hpp>
#include <dnalm/tokenize/tokenizer.hpp>
#include <dnalm/tokenize/tokenizer_config.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

[[nodiscard]] inline tokenizer load_kmer_tokenizer(const std::filesystem::path& file,
                                                   const tokenizer_config& config,
                                                   const tokenizer_options& options) {
  const std::string& name = config.tokenizer_class;
  if (!name.empty() && name != "EsmTokenizer") {
    throw error(error_kind::unsupported, 302, "this tokenizer class is not built in",
                {.where = file.string(), .expected = "EsmTokenizer for vocab.txt", .found = name});
  }
  std::vector<std::string> vocabulary = read_vocabulary(file);
  const auto has = [&](std::string_view token) {
    return std::find(vocabulary.begin(), vocabulary.end(), token) != vocabulary.end();
  };
  if (name.empty() && has("[CLS]") && !has("<cls>")) {
    throw error(error_kind::unsupported, 302, "this tokenizer class is not built in",
                {.where = file.string(),
                 .expected = "a vocabulary of EsmTokenizer (with <cls>)",
                 .found = "one of BERT (with [CLS])"});
  }
  return tokenizer(std::make_shared<kmer_tokenizer>(std::move(vocabulary), config, file.string()),
                   options.policy);
}

[[nodiscard]] inline tokenizer load_bpe_tokenizer(const std::filesystem::path& file,
                                                  const tokenizer_config& config,
                                                  const tokenizer_options& options) {
  const std::string& name = config.tokenizer_class;
  if (!name.empty() && name != "PreTrainedTokenizerFast" && name != "PreTrainedTokenizer" &&
      name != "TokenizersBackend") {
    throw error(
        error_kind::unsupported, 302, "this tokenizer class is not built in",
        {.where = file.string(), .expected = "PreTrainedTokenizerFast for tokenizer.json", .found = name});
  }
  const io::mapped_file mapped(file);
  const std::string_view text(reinterpret_cast<const char*>(mapped.bytes().data()), mapped.bytes().size());
  return tokenizer(
      std::make_shared<bpe_tokenizer>(read_bpe_definition(text, file.string()), config, file.string()),
      options.policy);
}

}  // namespace detail

DNALM_INLINE tokenizer load_tokenizer(const std::filesystem::path& folder_or_file,
                                      const tokenizer_options& options) {
  std::error_code ignored;
  const bool is_folder = std::filesystem::is_directory(folder_or_file, ignored);
  const std::filesystem::path folder = is_folder ? folder_or_file : folder_or_file.parent_path();
  if (!std::filesystem::exists(folder_or_file, ignored)) {
    throw error(error_kind::io, 301, "no tokenizer is there",
                {.where = folder_or_file.string(), .expected = "a folder, a vocab.txt or a tokenizer.json"});
  }
  const tokenizer_config config = read_tokenizer_config(folder);
  if (!is_folder) {
    return folder_or_file.extension() == ".json"
               ? detail::load_bpe_tokenizer(folder_or_file, config, options)
               : detail::load_kmer_tokenizer(folder_or_file, config, options);
  }
  const bool has_vocabulary = std::filesystem::exists(folder / "vocab.txt", ignored);
  const bool has_json = std::filesystem::exists(folder / "tokenizer.json", ignored);
  if (has_vocabulary && (config.tokenizer_class == "EsmTokenizer" || !has_json)) {
    return detail::load_kmer_tokenizer(folder / "vocab.txt", config, options);
  }
  if (has_json) return detail::load_bpe_tokenizer(folder / "tokenizer.json", config, options);
  throw error(error_kind::io, 301, "no tokenizer is there",
              {.where = folder.string(), .expected = "vocab.txt or tokenizer.json"});
}

DNALM_END_NAMESPACE

// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of tokenize/tokenizer.hpp: which tokenizer a folder holds.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/io/mapped_file.hpp>
#include <dnalm/tokenize/detail/letter_json.hpp>
#include <dnalm/tokenize/kmer_tokenizer.hpp>
#include <dnalm/tokenize/nucleotide_tokenizer.hpp>
#include <dnalm/tokenize/overlapping_kmer_tokenizer.hpp>
#include <dnalm/tokenize/tokenizer.hpp>
#include <dnalm/tokenize/tokenizer_config.hpp>
#include <dnalm/tokenize/tokenizer_json.hpp>
#include <dnalm/tokenize/vocabulary_file.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

using tokenizer_pointer = std::shared_ptr<const tokenizer_base>;

[[nodiscard]] inline bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

[[nodiscard]] inline bool is_multimolecule_class(const std::string& name) {
  return is_one_of(name, {"RnaTokenizer", "DnaTokenizer", "ProteinTokenizer"});
}

[[nodiscard]] inline bool needs_no_vocabulary(const tokenizer_config& config) {
  return is_one_of(config.tokenizer_class,
                   {"CharacterTokenizer", "HyenaDNATokenizer", "CaduceusTokenizer"}) ||
         (config.tokenizer_class.empty() && !config.characters.empty());
}

[[nodiscard]] inline tokenizer_pointer make_letters(nucleotide_rules rules, const std::string& where) {
  return std::make_shared<nucleotide_tokenizer>(std::move(rules), where);
}

/// Whether there are k-mers of two letters or more, and no single bases beside them.
[[nodiscard]] inline bool is_overlapping_vocabulary(const std::vector<std::string>& tokens) {
  const auto is_longer = [](const std::string& token) { return token.size() > 1 && is_kmer(token); };
  const auto is_base = [](const std::string& token) { return token.size() == 1 && is_kmer(token); };
  return std::any_of(tokens.begin(), tokens.end(), is_longer) &&
         std::none_of(tokens.begin(), tokens.end(), is_base);
}

/// BERT's vocabularies of letters and of k-mers; nothing for another one.
[[nodiscard]] inline tokenizer_pointer make_bert_tokenizer(const std::vector<std::string>& tokens,
                                                           const tokenizer_config& config,
                                                           const std::string& where) {
  if (is_letter_vocabulary(tokens)) return make_letters(bert_letter_rules(tokens, config, where), where);
  if (!is_overlapping_vocabulary(tokens)) return nullptr;
  return std::make_shared<overlapping_kmer_tokenizer>(tokens, config, where);
}

[[nodiscard]] inline tokenizer_pointer make_vocabulary_tokenizer(const std::filesystem::path& file,
                                                                 const tokenizer_config& config) {
  const std::string& name = config.tokenizer_class;
  const std::string where = file.string();
  if (!is_multimolecule_class(name) &&
      !is_one_of(name, {"", "EsmTokenizer", "BertTokenizer", "BertTokenizerFast", "DNATokenizer"})) {
    throw error(error_kind::unsupported, 302, "this tokenizer class is not built in",
                {.where = where,
                 .expected = "EsmTokenizer, BertTokenizer or a class of MultiMolecule for vocab.txt",
                 .found = name});
  }
  std::vector<std::string> tokens = read_vocabulary(file);
  const auto has = [&](std::string_view token) {
    return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
  };
  if (is_multimolecule_class(name)) {
    return make_letters(multimolecule_rules(std::move(tokens), config, where), where);
  }
  const bool is_bert = name.empty() ? has("[CLS]") && !has("<cls>") : name != "EsmTokenizer";
  if (!is_bert) {
    if (is_letter_vocabulary(tokens)) {
      return make_letters(esm_letter_rules(std::move(tokens), config, where), where);
    }
    return std::make_shared<kmer_tokenizer>(std::move(tokens), config, where);
  }
  tokenizer_pointer made = make_bert_tokenizer(tokens, config, where);
  if (made == nullptr) {
    throw error(error_kind::unsupported, 302, "this vocabulary of BERT is not built in",
                {.where = where,
                 .expected = "single letters, or k-mers without single letters (others need tokenizer.json)",
                 .found = "a token \"" + tokens.back().substr(0, 40) + "\""});
  }
  return made;
}

/// The tokenizers that are read faster, or otherwise, than the general reader would; nothing for others.
[[nodiscard]] inline tokenizer_pointer make_small_json_tokenizer(std::string_view text,
                                                                 const tokenizer_config& config,
                                                                 const std::string& where) {
  constexpr std::size_t largest = std::size_t{1} << 19;  // all 6-mers take a fifth of it
  if (text.size() > largest) return nullptr;
  const io::json document = io::parse_json(text, where);
  if (is_bert_json(document)) return make_bert_tokenizer(json_vocabulary(document), config, where);
  nucleotide_rules gpn = gpn_rules(text, config, where);
  return gpn.tokens.empty() ? nullptr : make_letters(std::move(gpn), where);
}

[[nodiscard]] inline tokenizer_pointer make_file_json_tokenizer(const std::filesystem::path& file,
                                                                const tokenizer_config& config) {
  const std::string& name = config.tokenizer_class;
  const std::string where = file.string();
  const io::mapped_file mapped(file);
  const std::string_view text(reinterpret_cast<const char*>(mapped.bytes().data()), mapped.bytes().size());
  if (tokenizer_pointer small = make_small_json_tokenizer(text, config, where)) return small;
  if (!is_one_of(name, {"", "PreTrainedTokenizerFast", "PreTrainedTokenizer", "TokenizersBackend"})) {
    throw error(error_kind::unsupported, 302, "this tokenizer class is not built in",
                {.where = where, .expected = "PreTrainedTokenizerFast for tokenizer.json", .found = name});
  }
  return make_json_tokenizer(text, config, where);
}

/// Name of the built-in alphabet that config.json asks for, "" where it asks for none.
[[nodiscard]] inline std::string builtin_name(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (!std::filesystem::exists(folder / "config.json", ignored)) return {};
  const io::json document =
      io::read_json_file(folder / "config.json", {.duplicates = io::duplicate_keys::last_wins});
  const io::json& type = json_member(document, "model_type");
  std::string name;
  if (json_is(type, "rnafm") || json_is(type, "rna-fm")) name = "rna-fm";
  if (json_is(type, "rinalmo")) name = "rinalmo";
  if (json_is(type, "hyenadna")) name = "hyenadna";
  const bool authors = document.is_object() && document.contains("n_layer") && type.is_null();
  if (authors && json_member(json_member(document, "layer"), "l_max").is_number()) name = "hyenadna-cls";
  const io::json& size = json_member(document, "vocab_size");
  if (name.empty() || !size.is_number_unsigned()) return name;
  return builtin_rules(name).tokens.size() == size.get<std::uint64_t>() ? name : "";
}

/// Whether a folder has an entry of that name. A link that leads nowhere counts: opening it says what is
/// wrong.
[[nodiscard]] inline bool has_entry(const std::filesystem::path& folder, const char* name) {
  std::error_code ignored;
  return std::filesystem::exists(std::filesystem::symlink_status(folder / name, ignored));
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
  const auto made = [&](detail::tokenizer_pointer base) {
    return tokenizer(std::move(base), options.policy);
  };
  if (!is_folder) {
    return folder_or_file.extension() == ".json"
               ? made(detail::make_file_json_tokenizer(folder_or_file, config))
               : made(detail::make_vocabulary_tokenizer(folder_or_file, config));
  }
  const std::string where = (folder / "tokenizer_config.json").string();
  if (detail::needs_no_vocabulary(config)) {
    return made(detail::make_letters(character_rules(config, where), where));
  }
  const bool has_vocabulary = detail::has_entry(folder, "vocab.txt");
  const bool has_json = detail::has_entry(folder, "tokenizer.json");
  const bool prefers_vocabulary =
      config.tokenizer_class == "EsmTokenizer" || detail::is_multimolecule_class(config.tokenizer_class);
  if (has_vocabulary && (prefers_vocabulary || !has_json)) {
    return made(detail::make_vocabulary_tokenizer(folder / "vocab.txt", config));
  }
  if (has_json) return made(detail::make_file_json_tokenizer(folder / "tokenizer.json", config));
  const std::string name = detail::builtin_name(folder);
  if (!name.empty()) return builtin_tokenizer(name, options);
  throw error(error_kind::io, 301, "no tokenizer is there",
              {.where = folder.string(), .expected = "vocab.txt or tokenizer.json"});
}

DNALM_INLINE bool has_tokenizer(const std::filesystem::path& folder) {
  return detail::has_entry(folder, "vocab.txt") || detail::has_entry(folder, "tokenizer.json") ||
         detail::needs_no_vocabulary(read_tokenizer_config(folder)) || !detail::builtin_name(folder).empty();
}

DNALM_INLINE tokenizer builtin_tokenizer(std::string_view name, const tokenizer_options& options) {
  return tokenizer(detail::make_letters(builtin_rules(name), "the built-in alphabet " + std::string(name)),
                   options.policy);
}

DNALM_END_NAMESPACE

// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The tokenizer of a model folder, checked against the model.
#pragma once

#include <filesystem>
#include <optional>

#include <dnalm/core/platform.hpp>
#include <dnalm/models/network_config.hpp>
#include <dnalm/sequence/alphabet.hpp>
#include <dnalm/tokenize/tokenizer.hpp>

DNALM_BEGIN_NAMESPACE

/// A tokenizer of single bases: A 0, C 1, G 2, T 3, N 4, not framed by anything.
[[nodiscard]] tokenizer base_tokenizer(unknown_policy policy = unknown_policy::error);

/// Loads the tokenizer; nothing when the folder has neither vocab.txt nor tokenizer.json. Of a layer_graph it
/// is always that of the letters A, C, G, T and N, and no file of the folder counts.
///
/// Its vocabulary must be that of the embedding (network_summary::fits); special tokens may lie beyond it, as
/// `<eos>` and `<bos>` in the published files of NT-v1 (they are refused when a sequence brings them).
/// \throws error [dnalm.config.414] vocabularies that differ; as load_tokenizer.
[[nodiscard]] std::optional<tokenizer> load_model_tokenizer(const std::filesystem::path& folder,
                                                            const network_config& config,
                                                            unknown_policy policy);

/// Longest input in tokens, CLS and the like included; 0: none.
///
/// Learned positions: rows of the table (counted from the pad token: max_position_embeddings - pad - 1), or
/// less when the tokenizer says so; BigBird: no more than its dense attention takes. Rotary positions: what
/// the tokenizer says (model_max_length), else max_position_embeddings, less 2 in the ESM family. ALiBi,
/// convolutions, scans: none.
[[nodiscard]] index_t token_limit(const encoder_config& config, const std::optional<tokenizer>& tokens);
[[nodiscard]] index_t token_limit(const convnet_config& config, const std::optional<tokenizer>& tokens);
[[nodiscard]] index_t token_limit(const hyena_config& config, const std::optional<tokenizer>& tokens);
[[nodiscard]] index_t token_limit(const layer_graph& graph, const std::optional<tokenizer>& tokens);
[[nodiscard]] index_t token_limit(const caduceus_config& config, const std::optional<tokenizer>& tokens);
[[nodiscard]] index_t token_limit(const network_config& config, const std::optional<tokenizer>& tokens);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/models/detail/model_tokenizer_impl.hpp>
#endif

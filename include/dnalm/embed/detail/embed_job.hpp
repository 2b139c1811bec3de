// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What one call of embed() is about: the checked request, the tokens of all sequences, their windows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/parallel.hpp>
#include <dnalm/core/sequence_error.hpp>
#include <dnalm/embed/detail/chunk_plan.hpp>
#include <dnalm/embed/detail/sequence_windows.hpp>
#include <dnalm/embed/embed_options.hpp>
#include <dnalm/embed/embedding_sink.hpp>
#include <dnalm/io/sequence_record.hpp>
#include <dnalm/models/model.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// A sequence as it runs.
struct tokenized_sequence {
  std::vector<std::int32_t> ids = {};      ///< framing tokens included
  index_t prefix = 0;                      ///< framing tokens at the start
  index_t suffix = 0;                      ///< and at the end
  std::vector<token_window> windows = {};  ///< on the tokens between; empty: it runs whole

  [[nodiscard]] index_t size() const { return static_cast<index_t>(ids.size()); }
  [[nodiscard]] index_t frame() const { return prefix + suffix; }
};

/// Everything about one call of embed() that its chunks share.
struct embed_job {
  const model& network;
  std::span<const io::sequence_record> sequences;
  embedding_shape shape = {};
  std::vector<tokenized_sequence> tokens = {};      ///< by sequence
  std::vector<std::ptrdiff_t> place_of_layer = {};  ///< in shape.layers, -1: not wanted
  const embedding_sink* on_device = nullptr;        ///< who takes vectors where they are; null: nobody
  index_t piece = 0;                                ///< that was asked for; 0: where a pass takes more than
  index_t pass_bytes = 0;                           ///< so many bytes
  index_t kept_bytes = 0;                           ///< that the network keeps of these sequences

  [[nodiscard]] const tokenized_sequence& at(index_t sequence) const {
    return tokens[static_cast<std::size_t>(sequence)];
  }
  /// How errors call a sequence.
  [[nodiscard]] std::string name_of(index_t sequence) const {
    return io::sequence_words(sequences[static_cast<std::size_t>(sequence)], sequence);
  }
};

inline void check_embed_request(const model& network, std::span<const io::sequence_record> sequences,
                                const embed_options& options, const embedding_shape& shape) {
  if (sequences.empty()) throw error(error_kind::input, 456, "there are no sequences to embed");
  const bool hidden = !shape.layers.empty() && !shape.poolings.empty();
  if (!hidden && !options.logits) {
    throw error(error_kind::usage, 454, "nothing to compute",
                {.expected = "at least one layer and one pooling, or logits"});
  }
  const auto& kinds = shape.poolings;
  for (auto kind = kinds.begin(); kind != kinds.end(); ++kind) {
    if (std::find(kinds.begin(), kind, *kind) == kind) continue;
    throw error(error_kind::usage, 450, "unknown or repeated pooling",
                {.found = std::string(to_string(*kind))});
  }
  const bool cls = std::find(kinds.begin(), kinds.end(), pooling::cls) != kinds.end();
  if (cls && !network.describe().has_cls()) {
    throw error(error_kind::unsupported, 453, "pooling cls needs a model whose tokenizer adds a CLS token",
                {.where = network.describe().folder.string(), .expected = "mean, mean_all, max or tokens"});
  }
}

/// As tokenize_windows.
[[nodiscard]] inline tokenized_sequence tokenize_for(const model& network, const std::string& sequence,
                                                     index_t window, index_t overlap,
                                                     const std::string& where) {
  windowed_tokens found = tokenize_windows(network, sequence, window, overlap, where);
  return {std::move(found.tokens.ids), found.prefix, found.suffix, std::move(found.windows)};
}

/// The rows that layers and logits will have together.
inline void count_rows(embed_job& job, bool resizes) {
  embedding_shape& shape = job.shape;
  shape.rows.assign(shape.layers.size(), resizes ? 0 : shape.tokens);
  shape.logit_rows = resizes ? 0 : shape.tokens;
  if (!resizes) return;
  const index_t output = job.network.logits_state();
  for (index_t s = 0; s < shape.sequences; ++s) {
    const index_t tokens = job.at(s).size();
    const auto rows_of = [&](index_t state) {
      return about_sequence(s, job.name_of(s), [&](const std::string& where) {
        return job.network.state_rows(state, tokens, where);
      });
    };
    for (std::size_t l = 0; l < shape.layers.size(); ++l) {
      shape.rows[l] = checked_add(shape.rows[l], rows_of(shape.layers[l]));
    }
    shape.logit_rows = checked_add(shape.logit_rows, rows_of(output));
  }
}

/// The lengths, in tokens, of the sequences and windows that run.
[[nodiscard]] inline std::vector<index_t> lengths_of(const embed_job& job) {
  std::set<index_t> lengths;
  for (const tokenized_sequence& tokens : job.tokens) {
    if (tokens.windows.empty()) lengths.insert(tokens.size());
    for (const token_window& window : tokens.windows) {
      lengths.insert(window.end - window.begin + tokens.frame());
    }
  }
  return {lengths.begin(), lengths.end()};
}

/// What is left of the budget for batches.
[[nodiscard]] inline index_t batch_memory(const embed_job& job, const embed_options& options) {
  return std::max<index_t>(std::max<index_t>(options.memory, 0) - job.kept_bytes, 0);
}

/// Whether vectors may stay where the network made them: the sink reads them there, and all are finite where
/// hidden states are. The mean of a sequence whose tokens are all special is NaN, which is told on the host.
[[nodiscard]] inline bool vectors_may_stay(const embed_job& job, const embedding_sink& sink) {
  const std::optional<int> device = job.network.prefers().device;
  if (!device || device != sink.device() || !job.network.describe().tokens) return false;
  const special_tokens& special = job.network.describe().tokens->special();
  return std::all_of(job.tokens.begin(), job.tokens.end(), [&](const tokenized_sequence& sequence) {
    return std::any_of(sequence.ids.begin(), sequence.ids.end(),
                       [&](std::int32_t id) { return !special.is_special(id); });
  });
}

[[nodiscard]] inline embed_job prepare_job(const model& network,
                                           std::span<const io::sequence_record> sequences,
                                           const embed_options& options, const embedding_sink& sink) {
  const model_description& about = network.describe();
  embed_job job{network, sequences};
  job.shape.sequences = static_cast<index_t>(sequences.size());
  job.shape.vocabulary = about.summary().logits_width();
  job.shape.layers = options.layers.resolve(about.layers());
  for (const index_t layer : job.shape.layers) job.shape.widths.push_back(network.state_width(layer));
  job.shape.width = job.shape.widths.empty() ? about.width() : job.shape.widths.front();
  job.shape.poolings = options.poolings;
  job.shape.logits = options.logits;
  check_embed_request(network, sequences, options, job.shape);
  network.check_piece(options.piece);
  job.piece = options.piece;
  const index_t window = resolve_window(options.window, about);
  job.place_of_layer.assign(static_cast<std::size_t>(about.layers()) + 1, -1);
  for (std::size_t i = 0; i < job.shape.layers.size(); ++i) {
    job.place_of_layer[static_cast<std::size_t>(job.shape.layers[i])] = static_cast<std::ptrdiff_t>(i);
  }
  job.tokens.resize(sequences.size());
  parallel_for(job.shape.sequences, options.threads, [&](index_t s, int) {
    const auto at = static_cast<std::size_t>(s);
    job.tokens[at] = about_sequence(s, job.name_of(s), [&](const std::string& where) {
      return tokenize_for(network, sequences[at].sequence, window, options.window.overlap, where);
    });
  });
  for (const auto& tokens : job.tokens) job.shape.tokens += tokens.size();
  count_rows(job, about.summary().resizes);
  job.kept_bytes = network.kept_bytes(lengths_of(job));
  if (vectors_may_stay(job, sink)) job.on_device = &sink;
  return job;
}

/// Bytes of results per token and per sequence of a block.
[[nodiscard]] inline index_t result_bytes(const embedding_shape& shape, index_t tokens, index_t sequences) {
  index_t numbers = shape.logits ? checked_mul(tokens, shape.vocabulary) : 0;
  for (const pooling kind : shape.poolings) {
    const index_t rows = kind == pooling::tokens ? tokens : sequences;
    for (const index_t width : shape.widths) numbers = checked_add(numbers, checked_mul(rows, width));
  }
  return checked_mul(numbers, 4);
}

/// The fewest tokens that a sequence brings into a batch; windows may bring one.
[[nodiscard]] inline index_t fewest_tokens(const std::vector<sequence_load>& loads) {
  index_t fewest = loads.empty() ? 1 : loads.front().tokens;
  for (const sequence_load& load : loads) fewest = load.windows > 0 ? 1 : std::min(fewest, load.tokens);
  return std::max<index_t>(fewest, 1);
}

/// Tokens of a chunk: at most as many as the network prefers (on the CPU 192, 0 to 2 % faster than 512);
/// fewer when the budget, less what the network keeps, is smaller: workers and finished blocks that wait
/// share it. It is the host's: what a pass takes of a GPU's memory is not in it.
[[nodiscard]] inline chunk_limits choose_limits(const embed_job& job, const std::vector<sequence_load>& loads,
                                                const embed_options& options, int threads) {
  const batch_preference wishes = job.network.prefers();
  chunk_limits limits{.tokens = wishes.tokens, .sequences = options.batch_sequences};
  const index_t share = batch_memory(job, options) / threads;
  const index_t fewest = fewest_tokens(loads);
  const auto bytes = [&](index_t tokens) {
    const index_t sequences = std::max<index_t>(tokens / fewest, 1);
    const index_t waiting = checked_mul(3, result_bytes(job.shape, tokens, sequences));
    if (wishes.pooled) return waiting;
    return checked_add(job.network.workspace_bytes(tokens, tokens, job.shape.logits), waiting);
  };
  while (limits.tokens > 1 && bytes(limits.tokens) > share) limits.tokens /= 2;
  return limits;
}

/// Positions of a piece for a batch of `tokens`, its longest sequence of `longest`.
[[nodiscard]] inline index_t piece_of(const embed_job& job, index_t tokens, index_t longest) {
  if (job.piece > 0) return job.piece;
  return job.network.piece_within(job.pass_bytes, tokens, longest, job.shape.logits);
}

/// What every sequence brings into the batches.
[[nodiscard]] inline std::vector<sequence_load> sequence_loads(const embed_job& job) {
  std::vector<sequence_load> loads;
  loads.reserve(job.tokens.size());
  for (const tokenized_sequence& tokens : job.tokens) {
    if (tokens.windows.empty()) {
      loads.push_back({job.network.inner_rows(tokens.size()), 0});
    } else {
      loads.push_back(
          {tokens.windows.front().end + tokens.frame(), static_cast<index_t>(tokens.windows.size())});
    }
  }
  return loads;
}

}  // namespace detail
DNALM_END_NAMESPACE

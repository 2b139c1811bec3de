// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of embed/embed.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/core/parallel.hpp>
#include <dnalm/embed/detail/chunk_plan.hpp>
#include <dnalm/embed/detail/ordered_pipeline.hpp>
#include <dnalm/embed/embed.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Everything about one call of embed() that its chunks share.
struct embed_job {
  const model& network;
  std::span<const io::sequence_record> sequences;
  embedding_shape shape = {};
  std::vector<std::vector<std::int32_t>> ids = {};  ///< by sequence
  std::vector<std::ptrdiff_t> place_of_layer = {};  ///< in shape.layers, -1: not wanted

  /// How errors call a sequence.
  [[nodiscard]] std::string name_of(index_t sequence) const {
    return "sequence '" + sequences[static_cast<std::size_t>(sequence)].name + "' (number " +
           std::to_string(sequence + 1) + ")";
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

[[nodiscard]] inline embed_job prepare_job(const model& network,
                                           std::span<const io::sequence_record> sequences,
                                           const embed_options& options) {
  const model_description& about = network.describe();
  embed_job job{network, sequences};
  job.shape.sequences = static_cast<index_t>(sequences.size());
  job.shape.width = about.width();
  job.shape.vocabulary = about.vocabulary();
  job.shape.layers = options.layers.resolve(about.layers());
  job.shape.poolings = options.poolings;
  job.shape.logits = options.logits;
  check_embed_request(network, sequences, options, job.shape);
  job.place_of_layer.assign(static_cast<std::size_t>(about.layers()) + 1, -1);
  for (std::size_t i = 0; i < job.shape.layers.size(); ++i) {
    job.place_of_layer[static_cast<std::size_t>(job.shape.layers[i])] = static_cast<std::ptrdiff_t>(i);
  }
  job.ids.resize(sequences.size());
  parallel_for(job.shape.sequences, options.threads, [&](index_t s, int) {
    const auto at = static_cast<std::size_t>(s);
    job.ids[at] = network.tokenize(sequences[at].sequence, job.name_of(s)).ids;
  });
  for (const auto& ids : job.ids) job.shape.tokens += static_cast<index_t>(ids.size());
  return job;
}

/// Bytes of results per token and per sequence of a block.
[[nodiscard]] inline index_t result_bytes(const embedding_shape& shape, index_t tokens, index_t sequences) {
  index_t numbers = shape.logits ? checked_mul(tokens, shape.vocabulary) : 0;
  for (const pooling kind : shape.poolings) {
    const index_t rows = kind == pooling::tokens ? tokens : sequences;
    const auto layers = static_cast<index_t>(shape.layers.size());
    numbers = checked_add(numbers, checked_mul(rows, checked_mul(layers, shape.width)));
  }
  return checked_mul(numbers, 4);
}

/// Tokens of a chunk: at most 512, which keeps a block's activations near the caches; fewer when the budget,
/// shared by the workers and the finished blocks that wait, is smaller.
[[nodiscard]] inline chunk_limits choose_limits(const embed_job& job, const embed_options& options,
                                                int threads) {
  chunk_limits limits;
  limits.sequences = options.batch_sequences;
  const index_t share = std::max<index_t>(options.memory, 0) / threads;
  const auto bytes = [&](index_t tokens) {
    const index_t waiting = checked_mul(3, result_bytes(job.shape, tokens, tokens));
    return checked_add(job.network.workspace_bytes(tokens, tokens, job.shape.logits), waiting);
  };
  while (limits.tokens > 1 && bytes(limits.tokens) > share) limits.tokens /= 2;
  return limits;
}

/// One chunk's forward pass and poolings.
class chunk_runner {
 public:
  chunk_runner(const embed_job& job, const sequence_chunk& chunk) : job_(job), chunk_(chunk) {
    for (index_t s = chunk.first; s < chunk.first + chunk.count; ++s) {
      const auto& ids = job.ids[static_cast<std::size_t>(s)];
      block_.offsets.append(static_cast<index_t>(ids.size()));
      block_.ids.insert(block_.ids.end(), ids.begin(), ids.end());
    }
    block_.sequences = chunk.count;
    block_.values.resize(job.shape.poolings.size() * job.shape.layers.size());
    mark_special_tokens();
  }

  [[nodiscard]] embedding_block run(forward_workspace& workspace) {
    const auto on_layer = [this](index_t layer, matrix_view<const float> hidden) {
      take_layer(layer, hidden);
    };
    const auto on_logits = [this](matrix_view<const float> logits) {
      check_finite(logits, "the logits");
      block_.logits = copy_of(logits);
    };
    const token_batch batch{block_.ids, block_.offsets};
    if (job_.shape.logits) {
      job_.network.forward(batch, on_layer, on_logits, workspace);
    } else {
      job_.network.forward(batch, on_layer, workspace);
    }
    return std::move(block_);
  }

 private:
  void mark_special_tokens() {
    special_.resize(block_.ids.size());
    const special_tokens& special = job_.network.describe().tokens->special();
    for (std::size_t i = 0; i < special_.size(); ++i) special_[i] = special.is_special(block_.ids[i]) ? 1 : 0;
  }
  [[nodiscard]] static matrix<float> copy_of(matrix_view<const float> x) {
    matrix<float> copy(x.rows, x.columns);
    for (index_t r = 0; r < x.rows; ++r) std::copy_n(x.row_data(r), x.columns, copy.data() + r * x.columns);
    return copy;
  }
  void take_layer(index_t layer, matrix_view<const float> hidden) {
    const std::ptrdiff_t place = job_.place_of_layer[static_cast<std::size_t>(layer)];
    if (place < 0 || job_.shape.poolings.empty()) return;
    check_finite(hidden, "hidden state " + std::to_string(layer));
    const vector_view<const unsigned char> special{special_.data(), static_cast<index_t>(special_.size())};
    for (std::size_t p = 0; p < job_.shape.poolings.size(); ++p) {
      matrix<float>& target = block_.values[job_.shape.place(p, static_cast<std::size_t>(place))];
      if (job_.shape.poolings[p] == pooling::tokens) {
        target = copy_of(hidden);
      } else {
        target = matrix<float>(chunk_.count, job_.shape.width);
        pool_sequences(job_.shape.poolings[p], hidden, block_.offsets, special, 0, target.view());
      }
    }
  }
  /// x - x is 0 for finite numbers and NaN for all others.
  void check_finite(matrix_view<const float> x, const std::string& what) const {
    for (index_t s = 0; s < chunk_.count; ++s) {
      for (index_t r = block_.offsets.begin(s); r < block_.offsets.begin(s + 1); ++r) {
        if (finite_row(x.row(r))) continue;
        throw error(error_kind::numeric, 455, "NaN or infinity in " + what,
                    {.where = job_.name_of(chunk_.first + s) + ", token " +
                              std::to_string(r - block_.offsets.begin(s))});
      }
    }
  }
  [[nodiscard]] static bool finite_row(vector_view<const float> row) {
    unsigned bad = 0;
    for (index_t c = 0; c < row.size; ++c) bad |= row[c] - row[c] == 0.0F ? 0U : 1U;
    return bad == 0;
  }

  const embed_job& job_;
  sequence_chunk chunk_;
  embedding_block block_;
  std::vector<unsigned char> special_;
};

}  // namespace detail

DNALM_INLINE void embed(const model& network, std::span<const io::sequence_record> sequences,
                        const embed_options& options, embedding_sink& sink) {
  const detail::embed_job job = detail::prepare_job(network, sequences, options);
  const int threads = thread_count(options.threads);
  std::vector<index_t> lengths;
  lengths.reserve(job.ids.size());
  for (const auto& ids : job.ids) lengths.push_back(static_cast<index_t>(ids.size()));
  const auto chunks = detail::plan_chunks(lengths, detail::choose_limits(job, options, threads));

  std::vector<forward_workspace> workspaces(static_cast<std::size_t>(threads));
  detail::ordered_pipeline<embedding_block> pipeline(static_cast<index_t>(chunks.size()), threads,
                                                     2 * threads);
  sink.begin(job.shape);
  pipeline.run(
      [&](index_t item, int worker) {
        detail::chunk_runner runner(job, chunks[static_cast<std::size_t>(item)]);
        return runner.run(workspaces[static_cast<std::size_t>(worker)]);
      },
      [&](index_t item, const embedding_block& block) {
        sink.consume(chunks[static_cast<std::size_t>(item)].first, block);
        if (options.watcher != nullptr) options.watcher->advance(block.sequences);
      });
}

DNALM_END_NAMESPACE

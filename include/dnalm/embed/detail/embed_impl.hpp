// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of embed.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/core/parallel.hpp>
#include <dnalm/embed/detail/ordered_work.hpp>
#include <dnalm/embed/embed.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Tokens of a batch beyond which larger batches stop to pay: weights are read often enough, activations
/// still fit the cache.
inline constexpr index_t batch_tokens = 2048;

/// Consecutive sequences that are run together.
struct embed_batch {
  index_t first = 0;
  index_t sequences = 0;
};

/// One call of embed(): tokenises, plans batches, runs them.
class embed_job {
 public:
  embed_job(const model& model, std::span<const io::sequence_record> sequences, const embed_options& options)
      : model_(model), sequences_(sequences), options_(options) {
    check();
    describe();
    tokenize();
    plan();
  }

  void run(embedding_sink& sink) const {
    sink.begin(shape_);
    std::vector<forward_workspace> workspaces(static_cast<std::size_t>(workers()));
    ordered_work<embedding_block>(
        static_cast<index_t>(batches_.size()), workers(),
        [&](index_t b, int worker) {
          return make_block(batches_[static_cast<std::size_t>(b)],
                            workspaces[static_cast<std::size_t>(worker)]);
        },
        [&](index_t b, embedding_block&& block) {
          sink.consume(batches_[static_cast<std::size_t>(b)].first, block);
          if (options_.watcher != nullptr) options_.watcher->advance(block.sequences);
        });
  }

 private:
  [[nodiscard]] int workers() const { return thread_count(options_.threads); }

  void check() const {
    if (sequences_.empty()) throw error(error_kind::input, 456, "there are no sequences to embed");
    const bool cls = std::find(options_.poolings.begin(), options_.poolings.end(), pooling::cls) !=
                     options_.poolings.end();
    if (cls && !model_.describe().has_cls()) {
      throw error(error_kind::unsupported, 453, "this model has no CLS token to pool",
                  {.where = model_.describe().name, .expected = "pooling mean, mean_all, max or tokens"});
    }
  }

  void describe() {
    shape_.sequences = static_cast<index_t>(sequences_.size());
    shape_.width = model_.describe().width();
    shape_.vocabulary = model_.describe().vocabulary();
    shape_.layers = options_.layers.resolve(model_.describe().layers());
    shape_.poolings = options_.poolings;
    shape_.logits = options_.logits;
    if (!shape_.logits && (shape_.layers.empty() || shape_.poolings.empty())) {
      throw error(error_kind::usage, 454, "nothing was asked for",
                  {.expected = "at least one layer and pooling, or logits"});
    }
  }

  void tokenize() {
    ids_.resize(sequences_.size());
    parallel_for(shape_.sequences, options_.threads, [&](index_t s, int) {
      const auto& record = sequences_[static_cast<std::size_t>(s)];
      ids_[static_cast<std::size_t>(s)] =
          model_.tokenize(record.sequence, "sequence '" + record.name + "'").ids;
    });
    for (const auto& ids : ids_) shape_.tokens = checked_add(shape_.tokens, static_cast<index_t>(ids.size()));
  }

  /// Bytes a batch needs: the workspace of its worker and its results, of which two may wait for delivery.
  [[nodiscard]] index_t bytes(index_t sequences, index_t tokens, index_t longest) const {
    index_t numbers = shape_.logits ? checked_mul(tokens, shape_.vocabulary) : 0;
    for (const pooling kind : shape_.poolings) {
      const index_t rows = kind == pooling::tokens ? tokens : sequences;
      const index_t layers = static_cast<index_t>(shape_.layers.size());
      numbers = checked_add(numbers, checked_mul(rows, checked_mul(shape_.width, layers)));
    }
    return checked_add(model_.workspace_bytes(tokens, longest, shape_.logits),
                       checked_mul(3 * static_cast<index_t>(sizeof(float)), numbers));
  }

  void plan() {
    const index_t budget = options_.memory / workers();
    embed_batch batch;
    index_t tokens = 0;
    index_t longest = 0;
    for (index_t s = 0; s < shape_.sequences; ++s) {
      const auto length = static_cast<index_t>(ids_[static_cast<std::size_t>(s)].size());
      const bool full = options_.batch_sequences > 0 && batch.sequences >= options_.batch_sequences;
      const bool large = options_.batch_sequences == 0 && tokens + length > batch_tokens;
      if (batch.sequences > 0 &&
          (full || large ||
           bytes(batch.sequences + 1, tokens + length, std::max(longest, length)) > budget)) {
        batches_.push_back(batch);
        batch = {s, 0};
        tokens = 0;
        longest = 0;
      }
      ++batch.sequences;
      tokens += length;
      longest = std::max(longest, length);
    }
    batches_.push_back(batch);
  }

  [[nodiscard]] embedding_block make_block(const embed_batch& batch, forward_workspace& workspace) const {
    embedding_block block;
    block.sequences = batch.sequences;
    for (index_t s = batch.first; s < batch.first + batch.sequences; ++s) {
      const auto& ids = ids_[static_cast<std::size_t>(s)];
      block.ids.insert(block.ids.end(), ids.begin(), ids.end());
      block.offsets.append(static_cast<index_t>(ids.size()));
    }
    block.values.resize(shape_.layers.size() * shape_.poolings.size());
    const std::vector<unsigned char> special = special_flags(block.ids);
    const auto take_layer = [&](index_t layer, matrix_view<const float> hidden) {
      const auto found = std::find(shape_.layers.begin(), shape_.layers.end(), layer);
      if (found != shape_.layers.end()) {
        pool(static_cast<std::size_t>(found - shape_.layers.begin()), hidden, special, block);
      }
    };
    if (shape_.logits) {
      model_.forward(
          token_batch{block.ids, block.offsets}, take_layer,
          [&](matrix_view<const float> logits) { block.logits = copy(logits); }, workspace);
    } else {
      model_.forward(block.ids, block.offsets, take_layer, workspace);
    }
    check_finite(batch.first, block);
    return block;
  }

  [[nodiscard]] std::vector<unsigned char> special_flags(const std::vector<std::int32_t>& ids) const {
    const special_tokens& special = model_.describe().tokens->special();
    std::vector<unsigned char> flags(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) flags[i] = special.is_special(ids[i]) ? 1 : 0;
    return flags;
  }

  void pool(std::size_t layer_at, matrix_view<const float> hidden, const std::vector<unsigned char>& special,
            embedding_block& block) const {
    for (std::size_t p = 0; p < shape_.poolings.size(); ++p) {
      matrix<float>& values = block.values[shape_.place(p, layer_at)];
      if (shape_.poolings[p] == pooling::tokens) {
        values = copy(hidden);
        continue;
      }
      values = matrix<float>(block.sequences, shape_.width);
      pool_sequences(shape_.poolings[p], hidden, block.offsets,
                     {special.data(), static_cast<index_t>(special.size())}, 0, values.view());
    }
  }

  [[nodiscard]] static matrix<float> copy(matrix_view<const float> from) {
    matrix<float> to(from.rows, from.columns);
    for (index_t r = 0; r < from.rows; ++r)
      std::copy_n(from.row_data(r), from.columns, to.view().row_data(r));
    return to;
  }

  void check_finite(index_t first_sequence, const embedding_block& block) const {
    for (std::size_t place = 0; place < block.values.size(); ++place) {
      const bool by_token = shape_.poolings[place / shape_.layers.size()] == pooling::tokens;
      check_finite(first_sequence, block.values[place], by_token ? &block.offsets : nullptr,
                   "layer " + std::to_string(shape_.layers[place % shape_.layers.size()]));
    }
    if (shape_.logits) check_finite(first_sequence, block.logits, &block.offsets, "the logits");
  }

  void check_finite(index_t first_sequence, const matrix<float>& values, const ragged_offsets* offsets,
                    const std::string& what) const {
    for (index_t i = 0; i < values.rows() * values.columns(); ++i) {
      if (std::isfinite(values.data()[i])) continue;
      index_t s = i / values.columns();
      if (offsets != nullptr) {
        const auto after = std::upper_bound(offsets->offsets.begin(), offsets->offsets.end(), s);
        s = static_cast<index_t>(after - offsets->offsets.begin()) - 1;
      }
      throw error(error_kind::numeric, 455, "an embedding is not a finite number",
                  {.where = "sequence '" + sequences_[static_cast<std::size_t>(first_sequence + s)].name +
                            "', " + what + ", channel " + std::to_string(i % values.columns()),
                   .found = std::to_string(values.data()[i])});
    }
  }

  const model& model_;
  std::span<const io::sequence_record> sequences_;
  const embed_options& options_;
  embedding_shape shape_;
  std::vector<std::vector<std::int32_t>> ids_;
  std::vector<embed_batch> batches_;
};

}  // namespace detail

DNALM_INLINE void embed(const model& model, std::span<const io::sequence_record> sequences,
                        const embed_options& options, embedding_sink& sink) {
  detail::embed_job(model, sequences, options).run(sink);
}

DNALM_END_NAMESPACE

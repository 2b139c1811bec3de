// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief One chunk's forward pass: poolings of whole sequences, or parts of a long one.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/core/sequence_error.hpp>
#include <dnalm/embed/detail/embed_job.hpp>
#include <dnalm/embed/detail/window_part.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// What a chunk gives: a block, or for each window its parts by layer, and those of the logits.
struct chunk_result {
  embedding_block block = {};
  std::vector<std::vector<window_part>> parts = {};  ///< by window, then place in shape.layers
  std::vector<window_part> logits = {};              ///< by window
};

/// One chunk's forward pass and poolings.
class chunk_runner {
 public:
  chunk_runner(const embed_job& job, const sequence_chunk& chunk) : job_(job), chunk_(chunk) {
    if (chunk.windows > 0) {
      collect_windows();
    } else {
      collect_sequences();
    }
    mark_special_tokens();
  }

  [[nodiscard]] chunk_result run(forward_workspace& workspace) {
    const auto on_layer = [this](index_t layer, matrix_view<const float> hidden) {
      take_layer(layer, hidden);
    };
    const auto on_logits = [this](matrix_view<const float> logits) { take_logits(logits); };
    const token_batch batch{block().ids, block().offsets};
    workspace.set_piece(piece_of(job_, batch.offsets.rows(), batch.longest()));
    if (pools_by_itself() && run_pooled(batch, workspace)) return std::move(result_);
    if (job_.shape.logits) {
      job_.network.forward(batch, on_layer, on_logits, workspace);
    } else {
      job_.network.forward(batch, on_layer, workspace);
    }
    return std::move(result_);
  }

 private:
  [[nodiscard]] embedding_block& block() { return result_.block; }

  /// Whether the network makes all that is wanted of a hidden state where it is.
  [[nodiscard]] bool pools_by_itself() const {
    const auto& kinds = job_.shape.poolings;
    return job_.network.prefers().pooled && !job_.shape.logits && chunk_.windows == 0 &&
           std::find(kinds.begin(), kinds.end(), pooling::tokens) == kinds.end();
  }
  /// False when a number is not finite: the pass on the host then says where.
  [[nodiscard]] bool run_pooled(const token_batch& batch, forward_workspace& workspace) {
    const pool_request request{job_.shape.layers, job_.shape.poolings, special_};
    const auto observer = [this](std::size_t layer, std::size_t kind, matrix_view<const float> vectors) {
      block().values[job_.shape.place(kind, layer)] = copy_of(vectors);
    };
    if (job_.on_device == nullptr) {
      return job_.network.forward_pooled(batch, request, observer, workspace);
    }
    const std::vector<index_t> seen = job_.on_device->seen(chunk_.first, chunk_.count);
    auto vectors = job_.network.pool_on_device(batch, request, seen, observer, workspace);
    if (vectors == nullptr) return false;
    block().on_device.push_back(std::move(vectors));
    return true;
  }

  void collect_sequences() {
    for (index_t s = chunk_.first; s < chunk_.first + chunk_.count; ++s) {
      const auto& ids = job_.at(s).ids;
      block().offsets.append(static_cast<index_t>(ids.size()));
      block().ids.insert(block().ids.end(), ids.begin(), ids.end());
    }
    block().sequences = chunk_.count;
    if (job_.network.describe().summary().resizes) collect_rows();
    block().values.resize(job_.shape.poolings.size() * job_.shape.layers.size());
  }
  /// Rows of a network whose layers have their own.
  void collect_rows() {
    block().rows.resize(job_.shape.layers.size());
    const index_t output = job_.network.logits_state();
    for (index_t s = chunk_.first; s < chunk_.first + chunk_.count; ++s) {
      const index_t tokens = job_.at(s).size();
      for (std::size_t l = 0; l < block().rows.size(); ++l) {
        block().rows[l].append(job_.network.state_rows(job_.shape.layers[l], tokens));
      }
      block().logit_rows.append(job_.network.state_rows(output, tokens));
    }
  }
  /// Where the rows of the layer at `place` lie.
  [[nodiscard]] const ragged_offsets& rows_of(std::size_t place) const {
    return result_.block.rows.empty() ? result_.block.offsets : result_.block.rows[place];
  }
  /// Every window between the framing tokens of its sequence.
  void collect_windows() {
    const tokenized_sequence& tokens = job_.at(chunk_.first);
    const auto take = [&](index_t first, index_t last) {
      block().ids.insert(block().ids.end(), tokens.ids.begin() + first, tokens.ids.begin() + last);
    };
    for (index_t w = 0; w < chunk_.windows; ++w) {
      const token_window& window = window_of(w);
      take(0, tokens.prefix);
      take(tokens.prefix + window.begin, tokens.prefix + window.end);
      take(tokens.size() - tokens.suffix, tokens.size());
      block().offsets.append(tokens.frame() + window.end - window.begin);
    }
    result_.parts.resize(static_cast<std::size_t>(chunk_.windows));
    for (auto& parts : result_.parts) parts.resize(job_.shape.layers.size());
    result_.logits.resize(static_cast<std::size_t>(job_.shape.logits ? chunk_.windows : 0));
  }
  [[nodiscard]] const token_window& window_of(index_t window) const {
    return job_.at(chunk_.first).windows[static_cast<std::size_t>(chunk_.first_window + window)];
  }
  void mark_special_tokens() {
    special_.resize(block().ids.size());
    const special_tokens& special = job_.network.describe().tokens->special();
    for (std::size_t i = 0; i < special_.size(); ++i) {
      special_[i] = special.is_special(block().ids[i]) ? 1 : 0;
    }
  }
  [[nodiscard]] static matrix<float> copy_of(matrix_view<const float> x) {
    matrix<float> copy(x.rows, x.columns);
    for (index_t r = 0; r < x.rows; ++r) std::copy_n(x.row_data(r), x.columns, copy.data() + r * x.columns);
    return copy;
  }

  void take_logits(matrix_view<const float> logits) {
    check_finite(logits, result_.block.rows_of_logits(), "the logits");
    if (chunk_.windows == 0) {
      block().logits = copy_of(logits);
      return;
    }
    for (index_t w = 0; w < chunk_.windows; ++w) {
      result_.logits[static_cast<std::size_t>(w)] = part_of(logits, w, {.rows = true});
    }
  }
  void take_layer(index_t layer, matrix_view<const float> hidden) {
    const std::ptrdiff_t place = job_.place_of_layer[static_cast<std::size_t>(layer)];
    if (place < 0 || job_.shape.poolings.empty()) return;
    const auto at = static_cast<std::size_t>(place);
    check_finite(hidden, rows_of(at), "hidden state " + std::to_string(layer));
    if (chunk_.windows == 0) {
      pool_layer(at, hidden);
      return;
    }
    const part_wishes wishes = part_wishes::of(job_.shape.poolings);
    for (index_t w = 0; w < chunk_.windows; ++w) {
      result_.parts[static_cast<std::size_t>(w)][at] = part_of(hidden, w, wishes);
    }
  }
  void pool_layer(std::size_t place, matrix_view<const float> hidden) {
    const std::vector<unsigned char> none(
        static_cast<std::size_t>(result_.block.rows.empty() ? 0 : hidden.rows));
    const std::vector<unsigned char>& flags = result_.block.rows.empty() ? special_ : none;
    const vector_view<const unsigned char> special{flags.data(), static_cast<index_t>(flags.size())};
    for (std::size_t p = 0; p < job_.shape.poolings.size(); ++p) {
      matrix<float>& target = block().values[job_.shape.place(p, place)];
      if (job_.shape.poolings[p] == pooling::tokens) {
        target = copy_of(hidden);
      } else {
        target = matrix<float>(chunk_.count, hidden.columns);
        pool_sequences(job_.shape.poolings[p], hidden, rows_of(place), special, 0, target.view());
      }
    }
  }
  [[nodiscard]] window_part part_of(matrix_view<const float> x, index_t window,
                                    const part_wishes& wishes) const {
    const tokenized_sequence& tokens = job_.at(chunk_.first);
    const index_t first = result_.block.offsets.begin(window);
    return make_window_part(x.row_block(first, result_.block.offsets.length(window)), special_.data() + first,
                            window_of(window), tokens.prefix, tokens.suffix, wishes);
  }

  /// x - x is 0 for finite numbers and NaN for all others.
  void check_finite(matrix_view<const float> x, const ragged_offsets& offsets,
                    const std::string& what) const {
    for (index_t s = 0; s < offsets.sequences(); ++s) {
      for (index_t r = offsets.begin(s); r < offsets.begin(s + 1); ++r) {
        if (finite_row(x.row(r))) continue;
        const bool cut = chunk_.windows > 0;
        const index_t sequence = cut ? chunk_.first : chunk_.first + s;
        throw sequence_error(
            error_kind::numeric, 455, "NaN or infinity in " + what, sequence,
            {.where = (cut ? "window " + std::to_string(chunk_.first_window + s + 1) + ", " : "") + "token " +
                      std::to_string(r - offsets.begin(s))},
            job_.name_of(sequence));
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
  chunk_result result_;
  std::vector<unsigned char> special_;
};

}  // namespace detail
DNALM_END_NAMESPACE

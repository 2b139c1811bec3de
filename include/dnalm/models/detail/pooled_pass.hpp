// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A pass on a device whose hidden states are pooled where they are.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/models/detail/device_workspace.hpp>
#include <dnalm/models/detail/lent_poolings.hpp>
#include <dnalm/models/model.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// One batch and what is wanted of it. device_workspace::pooled then has the rows [layer][kind][sequence],
/// behind them where numbers of a sequence are not finite, behind these [layer][kind][sequence that is seen].
/// Refers to all that it is given.
template <class B, class Network>
class pooled_pass {
 public:
  pooled_pass(const Network& runs, device_workspace<B, Network>& w, const token_batch& batch,
              const pool_request& request)
      : network_(runs),
        w_(w),
        batch_(batch),
        request_(request),
        width_(runs.config().summary().width),
        kinds_(static_cast<index_t>(request.kinds.size())),
        sequences_(batch.offsets.sequences()) {}

  /// As model_base::forward_pooled. The poolings are waited for by an event of this batch: another thread's
  /// may stand behind it in the stream.
  [[nodiscard]] bool shown_on_host(const pooled_observer& observer) {
    w_.with_graphs_memory([&] { put_pass(noted_end()); });
    const matrix_view<const float> all = waited_for(0, noted_end());
    if (!is_finite(all.row_block(pooled(), sequences_))) return false;
    show(all.row_block(0, pooled()), sequences_, observer);
    return true;
  }
  /// As model_base::pool_on_device. What is seen of the vectors, and where numbers are not finite, comes back
  /// in one copy.
  [[nodiscard]] std::shared_ptr<const device_poolings> left_on_device(std::span<const index_t> seen,
                                                                      const pooled_observer& observer) {
    const B& backend = network_.backend();
    const auto seen_sequences = static_cast<index_t>(seen.size());
    const index_t shown = checked_mul(matrices(), seen_sequences);
    typename B::lent kept;
    w_.with_graphs_memory([&] {
      put_pass(checked_add(noted_end(), shown));
      if (shown > 0) {
        backend.gather_rows(rows(0, pooled()), places_of(seen), rows(noted_end(), shown));
      }
      kept = backend.copy_of(rows(0, pooled()));
    });
    const matrix_view<const float> found = waited_for(pooled(), checked_add(sequences_, shown));
    if (!is_finite(found.row_block(0, sequences_))) return nullptr;
    show(found.row_block(sequences_, shown), seen_sequences, observer);
    return std::make_shared<const lent_poolings<typename B::lent>>(std::move(kept), kinds_, sequences_);
  }
  /// As shown_on_host, of states with rows and widths of their own, none of which has special tokens: of each
  /// layer its kinds, then where numbers are not finite.
  [[nodiscard]] bool states_on_host(const pooled_observer& observer) {
    std::vector<index_t> first{0};
    for (const index_t layer : request_.layers) {
      const index_t numbers = checked_mul(sequences_, network_.state_width(layer));
      first.push_back(checked_add(first.back(), checked_mul(kinds_ + 1, numbers)));
    }
    const index_t size = first.back();
    w_.with_graphs_memory([&] { pool_states(first); });
    network_.backend().download_later({w_.pooled.view().data, 1, size, size}, w_.found);
    w_.found.wait();
    const auto found = [&](std::size_t layer, index_t kind) {
      const index_t width = network_.state_width(request_.layers[layer]);
      const float* all = w_.found.template as<const float>() + first[layer];
      return as_matrix(all + kind * sequences_ * width, sequences_, width);
    };
    for (std::size_t l = 0; l < request_.layers.size(); ++l) {
      if (!is_finite(found(l, kinds_))) return false;
    }
    for (std::size_t l = 0; l < request_.layers.size(); ++l) {
      for (index_t k = 0; k < kinds_; ++k) observer(l, static_cast<std::size_t>(k), found(l, k));
    }
    return true;
  }

 private:
  static constexpr bool norm_pooling_network = requires(const Network& runs, index_t layer) {
    runs.pools_in_norm(layer);
  };

  /// Of layers and kinds.
  [[nodiscard]] index_t matrices() const {
    return checked_mul(static_cast<index_t>(request_.layers.size()), kinds_);
  }
  [[nodiscard]] index_t pooled() const { return checked_mul(matrices(), sequences_); }
  [[nodiscard]] index_t noted_end() const { return checked_add(pooled(), sequences_); }
  /// Rows of device_workspace::pooled.
  [[nodiscard]] output_matrix<B> rows(index_t first, index_t count) {
    return {w_.pooled.view().data + first * width_, count, width_, width_};
  }
  /// Of the sequences that are seen.
  [[nodiscard]] std::vector<index_t> places_of(std::span<const index_t> those) const {
    std::vector<index_t> places;
    for (index_t m = 0; m < matrices(); ++m) {
      for (const index_t s : those) places.push_back(m * sequences_ + s);
    }
    return places;
  }
  /// Rows of device_workspace::pooled on the host, when the device has made them.
  [[nodiscard]] matrix_view<const float> waited_for(index_t first, index_t count) {
    network_.backend().download_later(rows(first, count), w_.found);
    w_.found.wait();
    return as_matrix(w_.found.template as<const float>(), count, width_);
  }
  /// `all`: [layer][kind][sequence that is seen].
  void show(matrix_view<const float> all, index_t seen, const pooled_observer& observer) const {
    for (index_t m = 0; m < matrices(); ++m) {
      observer(static_cast<std::size_t>(m / kinds_), static_cast<std::size_t>(m % kinds_),
               all.row_block(m * seen, seen));
    }
  }
  /// Of zeros and NaN.
  [[nodiscard]] static bool is_finite(matrix_view<const float> x) {
    for (index_t r = 0; r < x.rows; ++r) {
      for (index_t c = 0; c < x.columns; ++c) {
        if (x(r, c) != 0.0F) return false;
      }
    }
    return true;
  }

  /// The pass and its poolings into the stream, with memory for so many rows of poolings.
  void put_pass(index_t count) {
    const index_t size = checked_mul(count, width_);
    if (w_.pooled.size() < size) w_.pooled = network_.backend().allocate(size);
    auto begun = network_.begin(batch_, false, w_.network);
    if (begun.x.rows > 0) run_pooled(begun);
  }
  /// Blocks and poolings of a pass that has begun: as they are the first time, recorded the second time that
  /// they come with these arguments, as one piece from then on.
  void run_pooled(auto& begun) {
    const auto run = [&] { pool_layers(begun); };
    if (!Network::can_be_recorded || !network_.backend().uses_graphs() || !w_.records) return run();
    auto& known = w_.graphs.find(key());
    if (known.seen && !known.graph) known.graph = recorded(run);
    known.seen = true;
    if (known.graph) {
      network_.backend().replay(known.graph);
    } else {
      run();
    }
  }
  /// None when it cannot be recorded: for want of memory, of which a graph needs some of its own, or for the
  /// first time. \throws error what went wrong, the second time.
  template <class Run>
  [[nodiscard]] typename B::graph recorded(const Run& run) {
    try {
      return network_.backend().capture(run);
    } catch (const error& e) {
      if (e.kind() == error_kind::memory) {
        w_.records = false;
      } else if (std::exchange(w_.record_failed, true)) {
        throw;
      }
    }
    return {};
  }
  [[nodiscard]] pooled_key key() {
    return {.offsets = batch_.offsets.offsets,
            .layers = {request_.layers.begin(), request_.layers.end()},
            .kinds = {request_.kinds.begin(), request_.kinds.end()},
            .special = {request_.special.begin(), request_.special.end()},
            .memory = w_.network.memory.view().data,
            .pooled = w_.pooled.view().data};
  }
  /// All that comes into the stream after the embedding.
  void pool_layers(auto& begun) {
    const B& backend = network_.backend();
    backend.clear(rows(0, noted_end()));
    const auto place = [&](index_t matrix) { return rows(matrix * sequences_, sequences_); };
    const auto on_layer = [&](index_t layer, input_matrix<B> x) {
      const auto found = std::find(request_.layers.begin(), request_.layers.end(), layer);
      if (found == request_.layers.end()) return;
      const index_t first = (found - request_.layers.begin()) * kinds_;
      norm_poolings_of<B> with_norm{.special = request_.special};
      const bool waits = pools_in_norm(layer);
      for (index_t k = 0; k < kinds_; ++k) {
        const pooling kind = request_.kinds[static_cast<std::size_t>(k)];
        output_matrix<B>* const later = waits ? mean_of(with_norm, kind) : nullptr;
        if (later != nullptr && later->data == nullptr) {
          *later = place(first + k);
        } else {
          backend.pool_rows(kind, x, batch_.offsets, request_.special, place(first + k));
        }
      }
      if (waits) {
        with_norm.noted = place(matrices());
        if constexpr (norm_pooling_network) begun.block.input_poolings = with_norm;
      } else {
        backend.note_non_finite(x, batch_.offsets, place(matrices()));
      }
    };
    network_.run(begun, on_layer, nullptr, w_.network);
  }
  /// Whether the block after `layer` pools its input in its norm.
  [[nodiscard]] bool pools_in_norm([[maybe_unused]] index_t layer) const {
    if constexpr (norm_pooling_network) return network_.pools_in_norm(layer);
    return false;
  }
  /// Where a norm that pools puts the vectors of a kind; null: it does not make them.
  [[nodiscard]] static output_matrix<B>* mean_of(norm_poolings_of<B>& poolings, pooling kind) {
    if (kind == pooling::mean) return &poolings.mean;
    return kind == pooling::mean_all ? &poolings.mean_all : nullptr;
  }
  /// A pass, the poolings of layer l behind `first[l]`.
  void pool_states(const std::vector<index_t>& first) {
    const B& backend = network_.backend();
    if (w_.pooled.size() < first.back()) w_.pooled = backend.allocate(first.back());
    backend.clear({w_.pooled.view().data, 1, first.back(), first.back()});
    const auto on_state = [&](index_t which, input_matrix<B> x) {
      const auto asked = std::find(request_.layers.begin(), request_.layers.end(), which);
      if (asked == request_.layers.end()) return;
      ragged_offsets state_rows;
      for (index_t s = 0; s < sequences_; ++s) {
        state_rows.append(network_.state_rows(which, batch_.offsets.length(s), "a sequence of the batch"));
      }
      float* to = w_.pooled.view().data + first[static_cast<std::size_t>(asked - request_.layers.begin())];
      const auto next = [&]() -> output_matrix<B> {
        return {std::exchange(to, to + sequences_ * x.columns), sequences_, x.columns, x.columns};
      };
      for (const pooling kind : request_.kinds) backend.pool_rows(kind, x, state_rows, {}, next());
      backend.note_non_finite(x, state_rows, next());
    };
    network_.forward(batch_, on_state, nullptr, w_.network);
  }

  const Network& network_;
  device_workspace<B, Network>& w_;
  const token_batch& batch_;
  const pool_request& request_;
  index_t width_;
  index_t kinds_;
  index_t sequences_;
};

}  // namespace detail
DNALM_END_NAMESPACE

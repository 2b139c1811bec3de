// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Hyena's operator of order 2: projections, a short convolution, two gates around a long one.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include <dnalm/backend/long_convolution.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/nn/block_workspace.hpp>
#include <dnalm/nn/detail/channel_filters.hpp>
#include <dnalm/nn/detail/row_pieces.hpp>
#include <dnalm/nn/filter_cache.hpp>
#include <dnalm/nn/implicit_filter.hpp>
#include <dnalm/nn/linear_layer.hpp>

DNALM_BEGIN_NAMESPACE

/// The filters of the sequences of a batch.
template <long_convolution_kernels B>
struct sequence_filters {
  std::map<index_t, std::shared_ptr<const typename B::filter>> by_taps = {};
  std::vector<const typename B::filter*> of_sequence = {};

  void clear() {
    of_sequence.clear();
    by_taps.clear();
  }
};

/// Views for one pass over R rows; all layers share them. In pieces, P = piece + K - 1 rows stand in the
/// place of R but for `gated`.
template <long_convolution_kernels B>
struct hyena_workspace {
  block_workspace<B> block = {};           ///< narrow (R, D), wide (R, max(3 D, F)), scratch, offsets
  output_matrix<B> convolved = {};         ///< (R, 3 D)
  sequence_filters<B>* filters = nullptr;  ///< of the layer that runs
  thread_team* team = nullptr;             ///< that makes filters
  index_t piece = 0;                       ///< rows of a piece; 0: all rows run together
  output_matrix<B> gated = {};             ///< (R, D), in pieces only: x1 v, then the filter's h * (x1 v)
};

/// What the adjoint of one operator needs of its forward pass.
template <long_convolution_kernels B>
struct hyena_mixer_record {
  output_matrix<B> convolved = {};  ///< (R, 3 D): [x0 | x1 | v] after the short convolution
  output_matrix<B> filtered = {};   ///< (R, D): the long convolution of x1 v
};

/// y = residual + W_out (x0 (h * (x1 v))) + b_out, [x0 | x1 | v] = short(W_in x + b_in); h * is the causal
/// convolution with the layer's filter, and its d (bias in the files) times the same.
template <hyena_backend B>
struct hyena_mixer {
  linear_layer<B> in;               ///< (3 D, D)
  linear_layer<B> out;              ///< (D, D)
  typename B::tensor short_weight;  ///< (K, 3 D)
  typename B::vector short_bias;    ///< (3 D)
  typename B::vector skip;          ///< d (D)
  implicit_filter filter = {};
  std::unique_ptr<filter_cache<B>> cache = {};

  /// Finds or makes the filter of every sequence; run first, in both passes.
  void find_filters(const B& backend, const hyena_workspace<B>& w) const {
    const ragged_offsets& offsets = *w.block.offsets;
    w.filters->clear();
    for (index_t s = 0; s < offsets.sequences(); ++s) {
      const index_t taps = backend.filter_taps(std::max<index_t>(offsets.length(s), 1));
      auto& one = w.filters->by_taps[taps];
      if (one == nullptr) one = cache->find_or_make(backend, filter, taps, w.team);
      w.filters->of_sequence.push_back(one.get());
    }
  }

  /// The same of filters that the cache keeps; where one is too large for it, none: then filters are made
  /// for some channels at a time, as `filtered` needs them. Not for adjoints.
  void find_kept_filters(const B& backend, const hyena_workspace<B>& w) const {
    if (all_kept(backend, *w.block.offsets)) return find_filters(backend, w);
    w.filters->clear();
  }

  /// Bytes of the filters that the cache keeps of sequences of these lengths, when all have run.
  [[nodiscard]] index_t kept_bytes(const B& backend, std::span<const index_t> lengths) const {
    std::set<index_t> taps;
    for (const index_t length : lengths) taps.insert(backend.filter_taps(std::max<index_t>(length, 1)));
    index_t numbers = 0;
    for (const index_t one : taps) {
      const index_t own = numbers_of_filter(backend, one);
      if (cache->keeps(own)) numbers = checked_add(numbers, own);
    }
    return std::min(checked_mul(numbers, static_cast<index_t>(sizeof(scalar_of<B>))), cache->most_bytes());
  }

  /// Numbers of scratch that forward needs.
  [[nodiscard]] index_t scratch(const B& backend, index_t longest) const {
    return std::max(
        {in.scratch(backend), out.scratch(backend), backend.long_convolution_scratch(longest, width())});
  }
  /// x is w.block.narrow or elsewhere, not in the rest of w; `y` may be `residual`.
  void forward(const B& backend, input_matrix<B> x, input_matrix<B> residual, const hyena_workspace<B>& w,
               output_matrix<B> y) const {
    mix(backend, x, w);
    finish(backend, residual, part(w.convolved, 0), part(w.convolved, 2), w, y);
  }
  /// y = short(W_in x + b_in). Takes w.block.wide.
  void project(const B& backend, input_matrix<B> x, const hyena_workspace<B>& w, output_matrix<B> y) const {
    const output_matrix<B> projected = w.block.wide.column_block(0, 3 * width());
    in.forward(backend, x, w.block.scratch, projected);
    backend.short_convolution(projected, short_weight.view(), short_bias.view(), *w.block.offsets, y);
  }
  /// Its first part: leaves x0 and h * (x1 v) in w.convolved, for `finish`.
  void mix(const B& backend, input_matrix<B> x, const hyena_workspace<B>& w) const {
    project(backend, x, w, w.convolved);
    convolve(backend, w.convolved, w, part(w.convolved, 2));
  }
  /// Parts [first, first + count) of [x0 | x1 | v], in their columns of w.convolved: those of a piece, x its
  /// rows and the `before` rows before them; what is handed out begins with the piece.
  [[nodiscard]] output_matrix<B> project_piece(const B& backend, input_matrix<B> x, index_t before,
                                               index_t first, index_t count,
                                               const hyena_workspace<B>& w) const {
    const index_t column = first * width();
    const index_t columns = count * width();
    const output_matrix<B> projected = w.block.wide.row_block(0, x.rows).column_block(0, 3 * width());
    const output_matrix<B> all = w.convolved.row_block(0, x.rows);
    in.forward_outputs(backend, x, column, columns, w.block.scratch, projected);
    backend.short_convolution(projected.column_block(column, columns),
                              short_weight.view().column_block(column, columns),
                              short_bias.view().part(column, columns), detail::one_sequence(x.rows),
                              all.column_block(column, columns));
    return all.row_block(before, x.rows - before);
  }
  /// y = h * y in place, with its d.
  void filtered(const B& backend, const hyena_workspace<B>& w, output_matrix<B> y) const {
    const ragged_offsets& offsets = *w.block.offsets;
    if constexpr (B::space == memory_space::host) {
      if (w.filters->of_sequence.empty()) {
        return detail::convolve_by_channels(backend, filter, skip.view(), offsets, w.team, w.block.scratch,
                                            y);
      }
    }
    backend.long_convolution(y, w.filters->of_sequence, skip.view(), offsets, w.block.scratch, y);
  }
  /// The second part: y = residual + W_out (x0 v) + b_out for some rows, v what the long convolution left,
  /// which becomes x0 v; y may be `residual`.
  void finish(const B& backend, input_matrix<B> residual, input_matrix<B> x0, output_matrix<B> v,
              const hyena_workspace<B>& w, output_matrix<B> y) const {
    backend.multiply(v, x0, v);
    out.forward(backend, v, w.block.scratch, y, activation::none, residual);
  }
  /// The same, with what vjp reads.
  void make_record(const B& backend, input_matrix<B> x, input_matrix<B> residual, const hyena_workspace<B>& w,
                   const hyena_mixer_record<B>& record, output_matrix<B> y) const {
    project(backend, x, w, record.convolved);
    convolve(backend, record.convolved, w, record.filtered);
    const output_matrix<B> gated = part(w.convolved, 2);
    backend.multiply(record.filtered, part(record.convolved, 0), gated);
    out.forward(backend, gated, w.block.scratch, y, activation::none, residual);
  }

  /// Numbers of scratch that vjp needs.
  [[nodiscard]] index_t vjp_scratch(const B& backend, index_t longest) const {
    return std::max({in.vjp_scratch(backend), out.vjp_scratch(backend),
                     backend.long_convolution_scratch(longest, width())});
  }
  /// dx = [dx0 | dx1 | dv] back through short convolution and W_in, with g = dy W_out: dx0 = filtered g, u =
  /// h *^T (x0 g), dv = x1 u, dx1 = v u. Takes w.block.wide and w.convolved; the record stays. dx may be dy.
  void vjp(const B& backend, const hyena_mixer_record<B>& record, input_matrix<B> dy,
           const hyena_workspace<B>& w, output_matrix<B> dx) const {
    const output_matrix<B> parts = w.block.wide.column_block(0, 3 * width());
    const output_matrix<B> g = part(w.convolved, 0);
    const output_matrix<B>& all = record.convolved;
    out.vjp(backend, dy, w.block.scratch, g);
    backend.multiply_vjp(record.filtered, part(all, 0), g, g, part(parts, 0));
    backend.long_convolution_vjp(g, w.filters->of_sequence, skip.view(), *w.block.offsets, w.block.scratch,
                                 g);
    backend.multiply_vjp(part(all, 2), part(all, 1), g, part(parts, 2), part(parts, 1));
    backend.short_convolution_vjp(parts, short_weight.view(), *w.block.offsets, w.convolved);
    in.vjp(backend, w.convolved, w.block.scratch, dx);
  }

  [[nodiscard]] index_t width() const { return skip.size(); }
  /// Rows before a row that the short convolution reads.
  [[nodiscard]] index_t reach() const { return short_weight.view().rows - 1; }
  /// x0, x1 or v of [x0 | x1 | v].
  [[nodiscard]] static output_matrix<B> part(output_matrix<B> all, index_t which) {
    const index_t columns = all.columns / 3;
    return all.column_block(which * columns, columns);
  }

 private:
  /// y = h * (x1 v); y may be v.
  void convolve(const B& backend, output_matrix<B> all, const hyena_workspace<B>& w,
                output_matrix<B> y) const {
    backend.multiply(part(all, 2), part(all, 1), y);
    filtered(backend, w, y);
  }
  /// Whether the cache keeps the filter of every sequence; a device's are always made whole.
  [[nodiscard]] bool all_kept(const B& backend, const ragged_offsets& offsets) const {
    if constexpr (B::space == memory_space::host) {
      for (index_t s = 0; s < offsets.sequences(); ++s) {
        const index_t taps = backend.filter_taps(std::max<index_t>(offsets.length(s), 1));
        if (!cache->keeps(numbers_of_filter(backend, taps))) return false;
      }
    }
    return true;
  }
  [[nodiscard]] index_t numbers_of_filter(const B& backend, index_t taps) const {
    if constexpr (requires { backend.filter_numbers(taps, taps); }) {
      return backend.filter_numbers(taps, width());
    } else {
      return checked_mul(taps, width());
    }
  }
};

DNALM_END_NAMESPACE

// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A block of HyenaDNA: the operator and a feed-forward network, each behind a LayerNorm.
#pragma once

#include <algorithm>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/nn/feed_forward_layer.hpp>
#include <dnalm/nn/hyena_mixer.hpp>
#include <dnalm/nn/norm_layer.hpp>

DNALM_BEGIN_NAMESPACE

/// What the adjoint of one block needs of its forward pass, beside the block's input.
template <hyena_backend B>
struct hyena_record {
  hyena_mixer_record<B> mixer = {};
  output_matrix<B> middle = {};  ///< (R, D): the stream between operator and feed-forward network
  output_matrix<B> inner = {};   ///< (R, F): the first feed-forward product, with its bias
};

/// x += mixer(LN1(x)); x += feed_forward(LN2(x)).
template <hyena_backend B>
struct hyena_block {
  norm_layer<B> mixer_norm;
  hyena_mixer<B> mixer;
  norm_layer<B> feed_forward_norm;
  feed_forward_layer<B> feed_forward;

  /// Numbers of scratch that forward needs.
  [[nodiscard]] index_t scratch(const B& backend, index_t longest) const {
    return std::max(mixer.scratch(backend, longest), feed_forward.scratch(backend));
  }
  /// x (R, D) in place; the filters of the mixer were found. What follows the long convolution runs on some
  /// rows at a time, so that they stay in the cache.
  void forward(const B& backend, const hyena_workspace<B>& w, output_matrix<B> x) const {
    mixer_norm.forward(backend, x, w.block.narrow);
    mixer.mix(backend, w.block.narrow, w);
    finish(backend, w, x);
  }
  /// The same with w.piece rows at a time, and the same bits: what the filters read, x1 v, is made of all
  /// pieces first; behind the long convolution x0 is made anew, from the last piece to the first, so that the
  /// rows before a piece still are those of the block's input.
  void forward_in_pieces(const B& backend, const hyena_workspace<B>& w, output_matrix<B> x) const {
    const std::vector<detail::row_piece> pieces = detail::cut_rows(*w.block.offsets, w.piece, mixer.reach());
    for (const detail::row_piece& piece : pieces) {
      const output_matrix<B> all = project_piece(backend, w, x, piece, 1, 2);
      backend.multiply(mixer.part(all, 2), mixer.part(all, 1), w.gated.row_block(piece.first, piece.rows));
    }
    mixer.filtered(backend, w, w.gated);
    for (auto piece = pieces.rbegin(); piece != pieces.rend(); ++piece) {
      const output_matrix<B> all = project_piece(backend, w, x, *piece, 0, 1);
      finish(backend, w, mixer.part(all, 0), w.gated.row_block(piece->first, piece->rows),
             x.row_block(piece->first, piece->rows));
    }
  }
  /// What follows mixer.mix: w.convolved as it leaves it.
  void finish(const B& backend, const hyena_workspace<B>& w, output_matrix<B> x) const {
    finish(backend, w, mixer.part(w.convolved, 0), mixer.part(w.convolved, 2), x);
  }

  /// What vjp reads.
  void make_record(const B& backend, const hyena_workspace<B>& w, input_matrix<B> x,
                   const hyena_record<B>& record) const {
    record_mixer(backend, w, x, record);
    feed_forward.project(backend, w.block.narrow, w.block, record.inner);
  }
  /// The same, and y (R, D), the block's output with the bits of forward.
  void forward_recorded(const B& backend, const hyena_workspace<B>& w, input_matrix<B> x,
                        const hyena_record<B>& record, output_matrix<B> y) const {
    record_mixer(backend, w, x, record);
    feed_forward.project_and_activate(backend, w.block.narrow, w.block, record.inner);
    feed_forward.finish(backend, record.middle, w.block, y);
  }

  /// Numbers of scratch that make_record, forward_recorded and vjp need.
  [[nodiscard]] index_t vjp_scratch(const B& backend, index_t longest) const {
    return std::max(
        {scratch(backend, longest), mixer.vjp_scratch(backend, longest), feed_forward.vjp_scratch(backend)});
  }
  /// d becomes the gradient by x; record.inner may be written over.
  void vjp(const B& backend, input_matrix<B> x, const hyena_record<B>& record, const hyena_workspace<B>& w,
           output_matrix<B> d) const {
    const output_matrix<B> narrow = w.block.narrow;
    feed_forward.vjp(backend, record.inner, d, {}, w.block, narrow);
    feed_forward_norm.vjp(backend, record.middle, narrow, narrow);
    backend.add(narrow, d);
    mixer.vjp(backend, record.mixer, d, w, narrow);
    mixer_norm.vjp(backend, x, narrow, narrow);
    backend.add(narrow, d);
  }

 private:
  /// Rows of a step behind the convolution: all of short batches, and where the numbers are not a host's;
  /// else some that stay in the cache, shared by the members of a team.
  [[nodiscard]] static index_t rows_at_once(const B& backend, index_t rows) {
    constexpr index_t few = 1024;
    constexpr index_t cached = 192;
    if (B::space != memory_space::host || rows <= few) return rows;
    if constexpr (requires { backend.members(); }) return cached * backend.members();
    return cached;
  }
  /// Parts [first, first + count) of [x0 | x1 | v] of a piece.
  [[nodiscard]] output_matrix<B> project_piece(const B& backend, const hyena_workspace<B>& w,
                                               input_matrix<B> x, const detail::row_piece& piece,
                                               index_t first, index_t count) const {
    const index_t rows = piece.before + piece.rows;
    const output_matrix<B> narrow = w.block.narrow.row_block(0, rows);
    mixer_norm.forward(backend, x.row_block(piece.first - piece.before, rows), narrow);
    return mixer.project_piece(backend, narrow, piece.before, first, count, w);
  }
  /// What follows the long convolution: x0 and v for the rows of x; v is written over.
  void finish(const B& backend, const hyena_workspace<B>& w, input_matrix<B> x0, output_matrix<B> v,
              output_matrix<B> x) const {
    const index_t most = rows_at_once(backend, x.rows);
    for (index_t first = 0; first < x.rows; first += most) {
      const index_t rows = std::min(most, x.rows - first);
      finish_rows(backend, w, x0.row_block(first, rows), v.row_block(first, rows), x.row_block(first, rows));
    }
  }
  void finish_rows(const B& backend, const hyena_workspace<B>& w, input_matrix<B> x0, output_matrix<B> v,
                   output_matrix<B> x) const {
    block_workspace<B> block = w.block;
    block.narrow = w.block.narrow.row_block(0, x.rows);
    block.wide = w.block.wide.row_block(0, x.rows);
    mixer.finish(backend, x, x0, v, w, x);
    feed_forward_norm.forward(backend, x, block.narrow);
    feed_forward.forward(backend, block.narrow, x, block, x);
  }
  /// record.mixer and record.middle; LN2 of it in w.block.narrow.
  void record_mixer(const B& backend, const hyena_workspace<B>& w, input_matrix<B> x,
                    const hyena_record<B>& record) const {
    mixer_norm.forward(backend, x, w.block.narrow);
    mixer.make_record(backend, w.block.narrow, x, w, record.mixer, record.middle);
    feed_forward_norm.forward(backend, record.middle, w.block.narrow);
  }
};

DNALM_END_NAMESPACE

// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A block of Caduceus over a long sequence, some rows at a time.
#pragma once

#include <algorithm>
#include <vector>

#include <dnalm/backend/row_placement.hpp>
#include <dnalm/backend/selective_scan.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/nn/detail/row_pieces.hpp>
#include <dnalm/nn/mamba_block.hpp>

DNALM_BEGIN_NAMESPACE

/// What pieces need beside a mamba_workspace, whose rows are here those of a piece and K - 1 more.
template <mamba_backend B>
struct mamba_piece_workspace {
  mamba_workspace<B> block = {};
  index_t piece = 0;           ///< rows of a piece; 0: all rows run together
  output_matrix<B> held = {};  ///< (longest sequence, E): what the scan from the end gave
  output_matrix<B> tail = {};  ///< (K - 1, E): rows of x that the next piece's short convolution reads
  output_vector<B> state = {};
};

namespace detail {

/// x += mixer(RMS(x)) for the rows of one sequence of one strand, with the bits of mamba_block::forward.
///
/// The scan that comes from the end runs first, over the pieces from the last to the first, and its rows are
/// held. Then the other goes ahead; a piece's rows are written over when both have passed. Between pieces go
/// a scan's state and the rows of x that the short convolution of the next reads. Norm and the x of [x | z]
/// are computed twice.
template <mamba_backend B>
requires carried_scan_kernels<B>
class mamba_pieces {
 public:
  mamba_pieces(const mamba_block<B>& block, const B& backend, const mamba_piece_workspace<B>& w)
      : block_(block), backend_(backend), w_(w) {}

  /// `x`: rows of strand `strand`.
  void run(index_t strand, output_matrix<B> x) {
    const bool ahead_goes_ahead = block_.mixer.order_of(false, strand) == scan_order::forward;
    const mamba_direction<B>& from_start = ahead_goes_ahead ? block_.mixer.ahead : block_.mixer.back;
    const mamba_direction<B>& from_end = ahead_goes_ahead ? block_.mixer.back : block_.mixer.ahead;
    const std::vector<row_piece> pieces = cut_rows(one_sequence(x.rows), w_.piece, 0);
    begin_direction();
    for (auto piece = pieces.rbegin(); piece != pieces.rend(); ++piece) {
      scan_back(from_end, x.row_block(piece->first, piece->rows),
                w_.held.row_block(piece->first, piece->rows));
    }
    begin_direction();
    for (const row_piece& piece : pieces) {
      scan_ahead(from_start, w_.held.row_block(piece.first, piece.rows),
                 x.row_block(piece.first, piece.rows));
    }
  }

 private:
  void begin_direction() {
    tail_rows_ = 0;
    std::fill_n(w_.state.data, w_.state.size, scalar_of<B>(0));
  }
  [[nodiscard]] index_t channels() const { return block_.mixer.channels(); }

  /// [x | z] of the norm of some rows, all of it or x alone.
  void project_in(input_matrix<B> x, index_t outputs, output_matrix<B> wide) const {
    const output_matrix<B> narrow = w_.block.narrow.row_block(0, x.rows);
    block_.norm.forward(backend_, x, narrow);
    block_.mixer.in.forward_outputs(backend_, narrow, 0, outputs, w_.block.scratch,
                                    wide.column_block(0, 2 * channels()));
  }
  /// The tail beside the rows of a piece, and from all of them the next tail: the first or the last rows.
  void exchange_tail(output_matrix<B> place, output_matrix<B> all, bool last, index_t taps) {
    copy_matrix<scalar_of<B>>(w_.tail.row_block(0, tail_rows_), place);
    tail_rows_ = std::min(all.rows, taps - 1);
    copy_matrix<scalar_of<B>>(all.row_block(last ? all.rows - tail_rows_ : 0, tail_rows_),
                              w_.tail.row_block(0, tail_rows_));
  }
  /// y = the scan of a direction, `convolved` its short convolution of the rows of y.
  void scan(const mamba_direction<B>& d, scan_order order, output_matrix<B> convolved,
            output_matrix<B> y) const {
    mamba_workspace<B> own = w_.block;
    own.convolved = convolved;
    own.delta = w_.block.delta.row_block(0, y.rows);
    own.parts = w_.block.parts.row_block(0, y.rows);
    block_.mixer.project(backend_, d, convolved, own);
    backend_.selective_scan_from(block_.mixer.scan_of(d, own, order), w_.state, own.scratch, y);
  }

  void scan_back(const mamba_direction<B>& d, input_matrix<B> x, output_matrix<B> y) {
    const index_t rows = x.rows;
    const index_t all = rows + tail_rows_;
    const output_matrix<B> in = w_.block.wide.row_block(0, all).column_block(0, channels());
    const output_matrix<B> convolved = w_.block.convolved.row_block(0, all);
    project_in(x, channels(), w_.block.wide.row_block(0, rows));
    exchange_tail(in.row_block(rows, tail_rows_), in, false, d.taps.view().rows);
    backend_.short_convolution_back(in, d.taps.view(), d.bias.view(), one_sequence(all), convolved);
    scan(d, scan_order::backward, convolved.row_block(0, rows), y);
  }

  void scan_ahead(const mamba_direction<B>& d, input_matrix<B> held, output_matrix<B> x) {
    const index_t e = channels();
    const index_t before = tail_rows_;
    const index_t all = before + x.rows;
    const output_matrix<B> in = w_.block.wide.row_block(0, all).column_block(0, e);
    const output_matrix<B> convolved = w_.block.convolved.row_block(0, all);
    const output_matrix<B> wide = w_.block.wide.row_block(before, x.rows);
    const output_matrix<B> own = convolved.row_block(before, x.rows);
    const output_matrix<B> sum = wide.column_block(2 * e, e);
    project_in(x, 2 * e, wide);
    exchange_tail(in.row_block(0, before), in, true, d.taps.view().rows);
    backend_.short_convolution(in, d.taps.view(), d.bias.view(), one_sequence(all), convolved);
    scan(d, scan_order::forward, own, sum);
    backend_.add(held, sum);
    backend_.gated(wide.column_block(e, 2 * e), activation::silu, own);
    block_.mixer.out.forward(backend_, own, w_.block.scratch, x, activation::none, x);
  }

  const mamba_block<B>& block_;
  const B& backend_;
  const mamba_piece_workspace<B>& w_;
  index_t tail_rows_ = 0;
};

/// mamba_block::forward in place on all sequences of all strands, w.piece rows at a time.
template <mamba_backend B>
void forward_in_pieces(const mamba_block<B>& block, const B& backend, const mamba_piece_workspace<B>& w,
                       output_matrix<B> x) {
  const ragged_offsets& offsets = *w.block.offsets;
  mamba_pieces<B> pieces(block, backend, w);
  for (index_t strand = 0; strand < block.mixer.strands; ++strand) {
    const output_matrix<B> rows = x.row_block(strand * offsets.rows(), offsets.rows());
    for (index_t s = 0; s < offsets.sequences(); ++s) {
      pieces.run(strand, rows.row_block(offsets.begin(s), offsets.length(s)));
    }
  }
}

}  // namespace detail
DNALM_END_NAMESPACE

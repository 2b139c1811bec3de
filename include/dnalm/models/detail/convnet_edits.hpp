// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief GPN's ConvNet on many sequences that differ from one in a single letter: of every state only the
/// rows that the letter reaches and that somebody reads.
///
/// Behind block l an edit at p changes rows within the sum of the dilations times half the taps of p; the
/// rows asked for read, of that state, those within the same sum over the blocks above. A block computes the
/// rows of both ranges. What these read is copied beside each other from the unedited pass and from the
/// edited rows, with zeros where the sequence ends, so each row is the same sum of the same numbers as in a
/// pass of the edited sequence.
#pragma once

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include <dnalm/backend/row_placement.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/models/detail/edited_rows.hpp>
#include <dnalm/models/detail/row_ranges.hpp>
#include <dnalm/nn/convnet_block.hpp>
#include <dnalm/tensor/ragged.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Passes of edited sequences through `blocks`. Refers to what it is made of.
template <convolution_backend B>
class convnet_edits {
 public:
  /// `rows` of the last state are asked for, none: all. `scratch` is that of the blocks.
  convnet_edits(const B& backend, std::span<const convnet_block<B>> blocks, index_t width, index_t length,
                std::span<const index_t> rows, output_vector<B> scratch);

  /// Takes state `layer` of the unedited sequence; all of them before `run`.
  void keep_reference(std::size_t layer, input_matrix<B> x) {
    copy_matrix<scalar_of<B>>(x, keep(reference_[layer], length_));
  }
  /// Rows that an edit hands out.
  [[nodiscard]] index_t rows_of_each() const { return rows_of_each_; }
  /// How many edits of `places` take so many bytes at most, at least one; `more` numbers are kept elsewhere
  /// for each row that is handed out. `run` takes edits apart as fits.
  [[nodiscard]] index_t edits_in(index_t bytes, std::span<const index_t> places, index_t more);
  /// Passes in which row places[e] of state 0 is row e of `rows`. The rows asked for, (edits x rows_of_each,
  /// D), valid until the next call.
  [[nodiscard]] input_matrix<B> run(std::span<const index_t> places, input_matrix<B> rows);

 private:
  /// Rows of a state.
  struct edited_state {
    std::vector<row_range> reached = {};  // by the edit; rows that nobody reads too
    edited_rows<B> made = {};

    /// Adds an edit.
    void append(const row_range& reach, const row_range& range) {
      reached.push_back(reach);
      made.append(range);
    }
    void clear() {
      reached.clear();
      made.clear();
    }
  };

  [[nodiscard]] convolution_taps seen(std::size_t layer) const {
    return seen_taps(blocks_[layer].convolution.weight, blocks_[layer].convolution.taps);
  }
  /// The rows behind block `layer` that its kernel makes with those of a range.
  [[nodiscard]] row_range made_with(std::size_t layer, const row_range& range) const {
    const convolution_layer<B>& convolution = blocks_[layer].convolution;
    return whole_groups(range, rows_made_together(convolution.weight, convolution.taps), length_);
  }
  /// Rows behind block `layer` that differ where `range` of its input does.
  [[nodiscard]] row_range reached(std::size_t layer, const row_range& range) const {
    row_range found = rows_that_read(range, seen(layer), length_);
    found.include(range);
    return made_with(layer, found);
  }
  void find_read();
  void run_block(std::size_t layer);
  void run_group(std::size_t layer, std::size_t first, std::size_t end);
  /// Rows `wanted` of an edit of `state_`, that of number `layer`. Returns the place behind them.
  scalar_of<B>* copy_rows(std::size_t layer, std::size_t edit, const row_range& wanted, scalar_of<B>* out) {
    return state_.made.copy(edit, wanted, reference_[layer].view().data, length_, width_, out);
  }
  [[nodiscard]] output_matrix<B> keep(typename B::vector& memory, index_t rows) const {
    return kept_matrix(backend_, memory, rows, width_);
  }

  const B& backend_;
  std::span<const convnet_block<B>> blocks_;
  index_t width_;
  index_t length_;
  std::vector<row_range> wanted_;  // of the last state
  index_t rows_of_each_ = 0;
  index_t group_rows_ = 0;  // that a group of edits reads at most, if it is more than one
  output_vector<B> scratch_;
  std::vector<row_range> read_;                // by state: what the rows asked for depend on
  std::vector<typename B::vector> reference_;  // by state
  edited_state state_ = {};
  edited_state next_ = {};
  typename B::vector gathered_ = {};
  typename B::vector narrow_ = {};
  typename B::vector result_ = {};
};

template <convolution_backend B>
convnet_edits<B>::convnet_edits(const B& backend, std::span<const convnet_block<B>> blocks, index_t width,
                                index_t length, std::span<const index_t> rows, output_vector<B> scratch)
    : backend_(backend),
      blocks_(blocks),
      width_(width),
      length_(length),
      wanted_(ranges_of(rows, length)),
      scratch_(scratch),
      read_(blocks.size() + 1),
      reference_(blocks.size() + 1) {
  for (const row_range& range : wanted_) rows_of_each_ += range.size();
  find_read();
}

/// From the last state down: what lies between rows asked for counts as asked for.
template <convolution_backend B>
void convnet_edits<B>::find_read() {
  row_range range{wanted_.front().begin, wanted_.back().end};
  for (std::size_t layer = blocks_.size(); layer-- > 0;) {
    range = made_with(layer, range);
    read_[layer + 1] = range;
    range.include(part_inside(rows_read_by(range, seen(layer)), length_));
  }
  read_[0] = range;
}

/// Of each edit two states, its letter and what it hands out; and what the largest group reads and makes.
template <convolution_backend B>
index_t convnet_edits<B>::edits_in(index_t bytes, std::span<const index_t> places, index_t more) {
  constexpr index_t most_group_rows = 3072;  // 1.02 times as fast as 1024 at 512 bases
  index_t kept = 1;
  index_t reads = 1;
  for (const index_t place : places) {
    row_range range{place, place + 1};
    for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
      range = reached(layer, range);
      const row_range made = common_rows(range, read_[layer + 1]);
      kept = std::max(kept, made.size());
      reads = std::max(reads, rows_read_by(made, seen(layer)).size());
    }
  }
  const index_t numbers = bytes / static_cast<index_t>(sizeof(scalar_of<B>));
  group_rows_ = std::max(reads, std::min(numbers / checked_mul(8, width_), most_group_rows));
  const index_t of_group = checked_mul(2, checked_mul(group_rows_, width_));
  const index_t rows = checked_add(checked_mul(2, kept) + 1, rows_of_each_);
  const index_t of_edit = checked_add(checked_mul(rows, width_), checked_mul(rows_of_each_, more));
  return std::max<index_t>((numbers - of_group) / of_edit, 1);
}

template <convolution_backend B>
input_matrix<B> convnet_edits<B>::run(std::span<const index_t> places, input_matrix<B> rows) {
  state_.clear();
  for (const index_t place : places) {
    state_.append({place, place + 1}, common_rows({place, place + 1}, read_[0]));
  }
  const output_matrix<B> first = state_.made.matrix(backend_, width_);
  for (std::size_t e = 0; e < places.size(); ++e) {
    if (state_.made.ranges[e].size() == 0) continue;
    copy_matrix<scalar_of<B>>(rows.row_block(static_cast<index_t>(e), 1),
                              first.row_block(state_.made.starts[e], 1));
  }
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) run_block(layer);
  const auto edits = static_cast<index_t>(places.size());
  const output_matrix<B> result = keep(result_, checked_mul(edits, rows_of_each_));
  auto* out = result.data;
  for (std::size_t e = 0; e < places.size(); ++e) {
    for (const row_range& range : wanted_) out = copy_rows(blocks_.size(), e, range, out);
  }
  return result;
}

/// From `state_`, which is that before a block, to the one behind it.
template <convolution_backend B>
void convnet_edits<B>::run_block(std::size_t layer) {
  next_.clear();
  for (const row_range& before : state_.reached) {
    const row_range reach = reached(layer, before);
    next_.append(reach, common_rows(reach, read_[layer + 1]));
  }
  static_cast<void>(next_.made.matrix(backend_, width_));
  const convolution_taps taps = seen(layer);
  const auto reads = [&](std::size_t e) { return rows_read_by(next_.made.ranges[e], taps).size(); };
  for (std::size_t first = 0; first < next_.made.ranges.size();) {
    index_t rows = reads(first);
    std::size_t end = first + 1;
    while (end < next_.made.ranges.size() && rows + reads(end) <= group_rows_) rows += reads(end++);
    run_group(layer, first, end);
    first = end;
  }
  std::swap(state_, next_);
}

/// A block on the edits from `first` on, each a short sequence.
template <convolution_backend B>
void convnet_edits<B>::run_group(std::size_t layer, std::size_t first, std::size_t end) {
  const convolution_taps taps = seen(layer);
  ragged_offsets from;
  ragged_offsets to;
  for (std::size_t e = first; e < end; ++e) {
    if (next_.made.ranges[e].size() == 0) continue;
    from.append(rows_read_by(next_.made.ranges[e], taps).size());
    to.append(next_.made.ranges[e].size());
  }
  if (to.rows() == 0) return;
  const output_matrix<B> read = keep(gathered_, from.rows());
  const output_matrix<B> x =
      next_.made.matrix(backend_, width_).row_block(next_.made.starts[first], to.rows());
  auto* gathered = read.data;
  auto* own = x.data;
  for (std::size_t e = first; e < end; ++e) {
    gathered = copy_rows(layer, e, rows_read_by(next_.made.ranges[e], taps), gathered);
    own = copy_rows(layer, e, next_.made.ranges[e], own);
  }
  const convnet_views<B> views{keep(narrow_, to.rows()), {}, scratch_, &to};
  blocks_[layer].forward_rows(backend_, views, read, from, x);
}

}  // namespace detail
DNALM_END_NAMESPACE

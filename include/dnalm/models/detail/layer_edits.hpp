// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A network of layers on many sequences that differ from one in a single letter: of every value only
/// the rows that the letter reaches are computed.
///
/// A step is local when each row of its output reads a few neighbouring rows of its inputs (convolutions,
/// pooling, what works row by row). Of its output the rows that read an edited row are computed, as a short
/// sequence of its own: what they read is copied beside each other from the unedited pass and from the edited
/// rows, rows of zeros where the sequence ends. From the first step that is not local on (flattening, means
/// over the sequence), values are whole. Each row is the same sum of the same numbers as in a pass of the
/// edited sequence.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/models/detail/edited_rows.hpp>
#include <dnalm/models/detail/layer_forward.hpp>
#include <dnalm/models/detail/row_ranges.hpp>
#include <dnalm/models/detail/row_trims.hpp>
#include <dnalm/models/layer_graph.hpp>
#include <dnalm/models/token_batch.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Which rows of its first input a step reads for row i, as the taps of a convolution; none: not local.
/// `rows` are those of all values, `single` says which have one row a sequence.
template <class B>
[[nodiscard]] std::optional<convolution_taps> local_taps(const layer_step<B>& step,
                                                         const graph_shapes& shapes,
                                                         const std::vector<index_t>& rows) {
  const bool repeats = step.kind != layer_kind::convolution && step.kind != layer_kind::place &&
                       step.kind != layer_kind::join_positions;  // one row for all rows of another value
  for (const index_t value : step.inputs) {
    if (repeats && shapes.single(value)) return {};
  }
  const auto at = [&](index_t value) { return rows[static_cast<std::size_t>(value)]; };
  const index_t from = at(step.inputs[0]);
  const index_t to = at(step.output);
  switch (step.kind) {
    case layer_kind::convolution: return seen_taps(step.weights.front(), step.taps);
    case layer_kind::depthwise: return step.taps;
    case layer_kind::max_pool:
    case layer_kind::average_pool: {
      const row_window& window = step.node->window;
      const bool whole = window.missing_before(from) == 0 && (to - 1) * window.stride + window.size <= from;
      if (!whole) return {};
      return convolution_taps{window.size, 1, 0, window.stride};
    }
    case layer_kind::place:
    case layer_kind::centre_to:
    case layer_kind::middle: return convolution_taps{1, 1, placement_of(step).rows_before(from, to), 1};
    case layer_kind::dense:
    case layer_kind::batch_norm:
    case layer_kind::function:
    case layer_kind::threshold:
    case layer_kind::softmax:
    case layer_kind::scale:
    case layer_kind::layer_norm:
    case layer_kind::add:
    case layer_kind::multiply:
    case layer_kind::join_channels:
    case layer_kind::join_positions: return convolution_taps{};
    default: return {};
  }
}

/// Passes of edited sequences. Refers to what it is made of.
template <class B, class Workspace>
class layer_edits {
 public:
  /// `trims` are those of all values.
  layer_edits(const B& backend, const graph_shapes& shapes, std::span<const layer_step<B>> steps,
              std::span<const row_trim> trims, index_t result, index_t tokens, Workspace& w)
      : backend_(backend), shapes_(shapes), steps_(steps), result_(result), w_(w) {
    shapes.rows(tokens, rows_, "sequence");
    for (std::size_t value = 0; value < trims.size(); ++value) rows_[value] = trims[value].of(rows_[value]);
    reference_.resize(trims.size());
    edited_.resize(reference_.size());
    plan();
  }

  /// The rows of the unedited first value, to be filled, and the pass behind them.
  [[nodiscard]] output_matrix<B> reference_input() {
    return keep(reference_[0], rows_[0], shapes_.channels(0));
  }
  void run_reference();
  /// How many edits of `places` take so many bytes at most, at least one.
  [[nodiscard]] index_t edits_in(index_t bytes, std::span<const index_t> places) const {
    return std::max<index_t>(bytes / bytes_of_edit(places), 1);
  }
  /// Passes in which row `places[e]` of the first value is row e of `rows`. The result (edits x its rows,
  /// channels), valid until the next call.
  [[nodiscard]] input_matrix<B> run(std::span<const index_t> places, input_matrix<B> rows);

 private:
  /// What an edit takes: rows of every value, and of what the steps gather, each slot of them by itself.
  struct edit_numbers {
    std::vector<index_t> values = {};
    std::vector<index_t> gathered = {};

    void need(std::vector<index_t>& of, std::size_t at, index_t numbers) {
      if (of.size() <= at) of.resize(at + 1, 0);
      of[at] = std::max(of[at], numbers);
    }
  };

  void plan();
  [[nodiscard]] index_t bytes_of_edit(std::span<const index_t> places) const;
  void count_edit(index_t place, std::vector<row_range>& ranges, edit_numbers& most) const;
  void run_local(const layer_step<B>& step, const convolution_taps& taps);
  void run_joined(const layer_step<B>& step);
  void run_whole(const layer_step<B>& step);
  void find_ranges(const layer_step<B>& step, const convolution_taps& taps);
  template <class RangeOf>
  [[nodiscard]] row_range reached(const layer_step<B>& step, const convolution_taps& taps,
                                  const RangeOf& range_of) const;
  [[nodiscard]] input_matrix<B> gathered(index_t value, const std::vector<row_range>& ranges,
                                         std::size_t slot);
  [[nodiscard]] output_matrix<B> keep(typename B::vector& memory, index_t rows, index_t columns) const {
    return kept_matrix(backend_, memory, rows, columns);
  }
  [[nodiscard]] edited_rows<B>& edited(index_t value) { return edited_[static_cast<std::size_t>(value)]; }
  [[nodiscard]] index_t rows_of(index_t value) const { return rows_[static_cast<std::size_t>(value)]; }
  [[nodiscard]] output_matrix<B> rows_of_edited(index_t value) {
    return edited(value).matrix(backend_, shapes_.channels(value));
  }
  void set_ranges(index_t value, const std::vector<row_range>& ranges) {
    edited(value).clear();
    for (const row_range& range : ranges) edited(value).append(range);
  }
  [[nodiscard]] std::vector<row_range> whole(index_t value) const {
    return std::vector<row_range>(static_cast<std::size_t>(edits_), row_range{0, rows_of(value)});
  }
  [[nodiscard]] static ragged_offsets offsets_of(const std::vector<row_range>& ranges) {
    ragged_offsets offsets;
    for (const row_range& range : ranges) offsets.append(range.size());
    return offsets;
  }

  const B& backend_;
  const graph_shapes& shapes_;
  std::span<const layer_step<B>> steps_;
  index_t result_;
  Workspace& w_;
  std::vector<index_t> rows_;                  // of every value
  std::vector<typename B::vector> reference_;  // of the unedited sequence
  std::vector<edited_rows<B>> edited_;
  std::vector<std::optional<convolution_taps>> taps_;  // by step; none: whole
  std::vector<char> whole_;                            // by value: made by a step that is not local
  std::vector<typename B::vector> gathered_{3};
  index_t edits_ = 0;
};

/// Which steps are local: all that they read is.
template <class B, class Workspace>
void layer_edits<B, Workspace>::plan() {
  whole_.assign(rows_.size(), 0);
  for (const layer_step<B>& step : steps_) {
    std::optional<convolution_taps> taps = local_taps<B>(step, shapes_, rows_);
    const auto look_at = [&](index_t value) {
      if (whole_[static_cast<std::size_t>(value)] != 0) taps.reset();
    };
    for (const index_t value : step.inputs) look_at(value);
    if (step.residual >= 0) look_at(step.residual);
    whole_[static_cast<std::size_t>(step.output)] = taps ? 0 : 1;
    taps_.push_back(taps);
  }
}

/// Rows of a local step that an edit reaches; `range_of(value)` are those of its inputs.
template <class B, class Workspace>
template <class RangeOf>
row_range layer_edits<B, Workspace>::reached(const layer_step<B>& step, const convolution_taps& taps,
                                             const RangeOf& range_of) const {
  row_range found;
  index_t first = 0;  // rows of the parts before, of what lies below each other
  for (const index_t value : step.inputs) {
    const bool joined = step.kind == layer_kind::join_positions;
    found.include(joined ? moved(range_of(value), first)
                         : rows_that_read(range_of(value), taps, rows_of(step.output)));
    first += rows_of(value);
  }
  if (step.residual >= 0) {
    found.include(part_inside(moved(range_of(step.residual), step.residual_before), rows_of(step.output)));
  }
  if (step.kind != layer_kind::convolution) return found;
  return whole_groups(found, rows_made_together(step.weights.front(), taps), rows_of(step.output));
}

/// most = the larger of it and what an edit of row `place` takes.
template <class B, class Workspace>
void layer_edits<B, Workspace>::count_edit(index_t place, std::vector<row_range>& ranges,
                                           edit_numbers& most) const {
  const auto range_of = [&](index_t value) -> row_range& { return ranges[static_cast<std::size_t>(value)]; };
  const auto numbers = [&](index_t value, index_t rows) {
    return checked_mul(rows, shapes_.channels(value));
  };
  const auto keeps = [&](index_t value) {
    most.need(most.values, static_cast<std::size_t>(value), numbers(value, range_of(value).size()));
  };
  range_of(0) = {place, place + 1};
  keeps(0);
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const layer_step<B>& step = steps_[i];
    const index_t rows = rows_of(step.output);
    range_of(step.output) = taps_[i] ? reached(step, *taps_[i], range_of) : row_range{0, rows};
    keeps(step.output);
    const auto gathers = [&](std::size_t slot, index_t value, index_t local) {
      const bool lies_there = !taps_[i] && whole_[static_cast<std::size_t>(value)] != 0;
      const index_t read = taps_[i] ? local : lies_there ? 0 : rows_of(value);
      most.need(most.gathered, slot, numbers(value, read));
    };
    const row_range made = range_of(step.output);
    const index_t read = taps_[i] ? rows_read_by(made, *taps_[i]).size() : 0;
    for (std::size_t k = 0; k < step.inputs.size(); ++k) gathers(k, step.inputs[k], read);
    if (step.residual >= 0) gathers(step.inputs.size(), step.residual, made.size());
    if (step.output == result_) break;
  }
  most.need(most.gathered, 0, numbers(result_, rows_of(result_)));
}

/// Rows of all values and slots, a row of the input, and where the rows of every value begin and end.
template <class B, class Workspace>
index_t layer_edits<B, Workspace>::bytes_of_edit(std::span<const index_t> places) const {
  edit_numbers most;
  std::vector<row_range> ranges(rows_.size());
  for (const index_t place : places) count_edit(place, ranges, most);
  index_t numbers = shapes_.channels(0);
  for (const auto* all : {&most.values, &most.gathered}) {
    for (const index_t more : *all) numbers = checked_add(numbers, more);
  }
  const auto places_of_rows = static_cast<index_t>(rows_.size() * (sizeof(row_range) + 2 * sizeof(index_t)));
  return checked_add(checked_mul(numbers, static_cast<index_t>(sizeof(scalar_of<B>))), places_of_rows);
}

template <class B, class Workspace>
void layer_edits<B, Workspace>::run_reference() {
  w_.rows.resize(rows_.size());
  for (std::size_t value = 0; value < rows_.size(); ++value) {
    w_.rows[value].clear();
    w_.rows[value].append(rows_[value]);
  }
  const auto value = [&](index_t v) {
    return keep(reference_[static_cast<std::size_t>(v)], rows_of(v), shapes_.channels(v));
  };
  for (const layer_step<B>& step : steps_) {
    run_step(backend_, step, step.apply, step.residual, value, w_, value(step.output));
    if (step.output == result_) break;
  }
}

template <class B, class Workspace>
input_matrix<B> layer_edits<B, Workspace>::run(std::span<const index_t> places, input_matrix<B> rows) {
  edits_ = static_cast<index_t>(places.size());
  std::vector<row_range> ranges;
  for (const index_t place : places) ranges.push_back({place, place + 1});
  set_ranges(0, ranges);
  backend_.copy_matrix(rows, rows_of_edited(0));
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    if (taps_[i] && steps_[i].kind == layer_kind::join_positions) {
      run_joined(steps_[i]);
    } else if (taps_[i]) {
      run_local(steps_[i], *taps_[i]);
    } else {
      run_whole(steps_[i]);
    }
    if (steps_[i].output == result_) break;
  }
  return gathered(result_, whole(result_), 0);
}

/// Rows `ranges` of a value: edited ones where there are such, zeros outside of the sequence.
template <class B, class Workspace>
input_matrix<B> layer_edits<B, Workspace>::gathered(index_t value, const std::vector<row_range>& ranges,
                                                    std::size_t slot) {
  index_t rows = 0;
  for (const row_range& range : ranges) rows += range.size();
  const index_t columns = shapes_.channels(value);
  if (gathered_.size() <= slot) gathered_.resize(slot + 1);
  const output_matrix<B> y = keep(gathered_[slot], rows, columns);
  const auto* reference = reference_[static_cast<std::size_t>(value)].view().data;
  auto* out = y.data;
  for (std::size_t e = 0; e < ranges.size(); ++e) {
    out = edited(value).copy(e, ranges[e], reference, rows_of(value), columns, out);
  }
  return y;
}

template <class B, class Workspace>
void layer_edits<B, Workspace>::find_ranges(const layer_step<B>& step, const convolution_taps& taps) {
  std::vector<row_range> ranges(static_cast<std::size_t>(edits_));
  for (std::size_t e = 0; e < ranges.size(); ++e) {
    ranges[e] = reached(step, taps, [&](index_t value) { return edited(value).ranges[e]; });
  }
  set_ranges(step.output, ranges);
}

/// The rows that an edit reaches, as short sequences: what they read lies there whole.
template <class B, class Workspace>
void layer_edits<B, Workspace>::run_local(const layer_step<B>& step, const convolution_taps& taps) {
  find_ranges(step, taps);
  const std::vector<row_range>& ranges = edited(step.output).ranges;
  std::vector<row_range> read;
  for (const row_range& range : ranges) read.push_back(rows_read_by(range, taps));
  std::vector<input_matrix<B>> inputs;
  for (std::size_t k = 0; k < step.inputs.size(); ++k) inputs.push_back(gathered(step.inputs[k], read, k));
  if (step.residual >= 0) {
    std::vector<row_range> added = ranges;
    for (row_range& range : added) range = moved(range, -step.residual_before);
    inputs.push_back(gathered(step.residual, added, step.inputs.size()));
  }
  const output_matrix<B> y = rows_of_edited(step.output);
  if (y.rows == 0) return;
  ragged_offsets& from = w_.rows[static_cast<std::size_t>(step.inputs[0])];
  ragged_offsets& to = w_.rows[static_cast<std::size_t>(step.output)];
  from = offsets_of(read);
  to = offsets_of(ranges);
  // What is added may be the value that the product reads, of which other rows were gathered.
  const index_t added = step.residual < 0 ? -1 : static_cast<index_t>(rows_.size());
  const auto value = [&](index_t v) {
    if (v == added) return inputs.back();
    return inputs[static_cast<std::size_t>(std::find(step.inputs.begin(), step.inputs.end(), v) -
                                           step.inputs.begin())];
  };
  const convolution_taps within{step.taps.taps, taps.dilation, 0, taps.stride};
  const row_window window{
      .size = taps.taps, .stride = taps.stride, .counts_missing = step.node->window.counts_missing};
  switch (step.kind) {
    case layer_kind::convolution: return run_product(backend_, step, within, step.apply, added, value, w_, y);
    case layer_kind::depthwise:
      return backend_.depthwise_convolution(inputs[0], from, step.table.view(), step.bias.view(), within, to,
                                            y);
    case layer_kind::max_pool: return backend_.max_pool_rows(inputs[0], from, window, to, y);
    case layer_kind::average_pool: return backend_.average_pool_rows(inputs[0], from, window, to, y);
    case layer_kind::place:
    case layer_kind::centre_to:
    case layer_kind::middle: return backend_.copy_matrix(inputs[0], y);
    default: return run_step(backend_, step, step.apply, added, value, w_, y);
  }
}

/// What lies below each other: the rows that an edit reaches in one part or, with those between them, in two.
template <class B, class Workspace>
void layer_edits<B, Workspace>::run_joined(const layer_step<B>& step) {
  const std::size_t parts = step.inputs.size();
  std::vector<index_t> first(parts, 0);  // rows before each part
  for (std::size_t k = 1; k < parts; ++k) first[k] = first[k - 1] + rows_of(step.inputs[k - 1]);
  find_ranges(step, {});
  std::vector<input_matrix<B>> rows;
  std::vector<std::vector<row_range>> read(parts);
  for (std::size_t k = 0; k < parts; ++k) {
    for (const row_range& range : edited(step.output).ranges) {
      read[k].push_back(part_inside(moved(range, -first[k]), rows_of(step.inputs[k])));
    }
    rows.push_back(gathered(step.inputs[k], read[k], k));
  }
  const output_matrix<B> y = rows_of_edited(step.output);
  std::vector<index_t> next(parts, 0);
  index_t row = 0;
  for (std::size_t e = 0; e < static_cast<std::size_t>(edits_); ++e) {
    for (std::size_t k = 0; k < parts; ++k) {
      const index_t count = read[k][e].size();
      if (count == 0) continue;
      backend_.copy_matrix(rows[k].row_block(next[k], count), y.row_block(row, count));
      next[k] += count;
      row += count;
    }
  }
}

/// The step on whole values, one sequence behind the other.
template <class B, class Workspace>
void layer_edits<B, Workspace>::run_whole(const layer_step<B>& step) {
  std::vector<std::pair<index_t, input_matrix<B>>> inputs;
  std::vector<index_t> read = step.inputs;
  if (step.residual >= 0) read.push_back(step.residual);
  for (const index_t value : read) {
    const bool is_whole = edited(value).rows == edits_ * rows_of(value);
    inputs.emplace_back(value, is_whole ? input_matrix<B>(rows_of_edited(value))
                                        : gathered(value, whole(value), inputs.size()));
    w_.rows[static_cast<std::size_t>(value)] = offsets_of(whole(value));
  }
  w_.rows[0] = offsets_of(whole(0));  // the number of sequences
  set_ranges(step.output, whole(step.output));
  w_.rows[static_cast<std::size_t>(step.output)] = offsets_of(whole(step.output));
  const auto value = [&](index_t v) {
    return std::find_if(inputs.begin(), inputs.end(), [&](const auto& input) { return input.first == v; })
        ->second;
  };
  run_step(backend_, step, step.apply, step.residual, value, w_, rows_of_edited(step.output));
}

}  // namespace detail
DNALM_END_NAMESPACE

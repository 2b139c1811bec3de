// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Second moments of many streams of rows (cells) on a GPU: what ridge probes are fitted from.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/detail/device_memory.hpp>
#include <dnalm/cuda/detail/leaf_rounds.hpp>
#include <dnalm/cuda/detail/scratch_pool.hpp>
#include <dnalm/cuda/device_buffer.hpp>
#include <dnalm/cuda/gather.hpp>
#include <dnalm/cuda/moments.hpp>
#include <dnalm/cuda/runtime.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// Memory and a stream of one GPU that several cuda_cell_moments share. Safe to share between threads.
class cuda_moments_room {
 public:
  /// `memory_limit` in bytes; 0: as much as the GPU has. \throws as cuda_find_device.
  explicit cuda_moments_room(int device = 0, index_t memory_limit = 0)
      : device_(cuda_find_device(device)),
        memory_(std::make_shared<detail::device_memory>(device_.number, memory_limit)),
        pool_(memory_) {}
  cuda_moments_room(const cuda_moments_room&) = delete;
  cuda_moments_room& operator=(const cuda_moments_room&) = delete;

  [[nodiscard]] int device() const { return device_.number; }
  /// The stream of all its work, that of its memory; the GPU becomes that of the calling thread.
  [[nodiscard]] cuda_stream stream() const {
    cuda_select_device(device_.number);
    return memory_->stream();
  }
  [[nodiscard]] const std::shared_ptr<detail::device_memory>& memory() const { return memory_; }
  [[nodiscard]] detail::scratch_pool& pool() { return pool_; }

 private:
  cuda_device device_;
  std::shared_ptr<detail::device_memory> memory_;
  detail::scratch_pool pool_;
};

/// The moments of one cell, on the host.
struct cell_moments {
  index_t rows = 0;
  double weight = 0;             ///< sum of weights
  std::vector<double> mean;      ///< (D + T)
  std::vector<double> products;  ///< (D + T, D): of the rows below D the lower triangle counts
  std::vector<double> squares;   ///< (T)
};

/// A row of a block that goes to a cell.
struct cell_row {
  index_t row = 0;
  index_t cell = 0;
  double weight = 1;
};

/// Accumulates centred second moments of rows (x, y) in double, apart for every cell.
///
/// Rows of a cell are gathered, in the order of arrival, into leaves of 256; a full leaf goes into the cell
/// by cuda_add_leaf. So the bits depend on the order of a cell's rows alone: not on the blocks they come in,
/// on other cells, or on where they come from. A leaf of 256 rows: per pair of columns 512 operations in
/// double and 16 bytes of totals read and written, 32 per byte, where an A100 needs 6 and an H100 10 to be
/// kept busy by its memory; leaves of 64, as on the CPU, would leave nothing to spare, longer ones hold
/// memory for nothing. Memory: cells x (256 (4 D + 8 T + 8) + 8 (D + 2) (D + T)) bytes.
class cuda_cell_moments {
 public:
  static constexpr index_t leaf_rows = 256;

  /// `targets[c]`: T of cell c, at least 0. \throws error [dnalm.usage.653] without features or cells; as
  /// device_buffer.
  cuda_cell_moments(std::shared_ptr<cuda_moments_room> room, index_t features,
                    const std::vector<index_t>& targets);

  /// Adds rows to cells: row rows[i].row of x with the labels y[i] goes to rows[i].cell, in this order. The
  /// columns of y beyond a cell's T are not read. A row may go to several cells or none. Waits for the GPU
  /// to have taken what it needs of host memory. Not to be called from two threads at once.
  /// \throws error [dnalm.usage.653] for a row or cell that is not there, other sizes, or a weight that is
  /// not positive and finite; nothing is added then.
  void add(matrix_view<const float> x, std::span<const cell_row> rows, matrix_view<const double> y);
  /// As above from rows on the GPU; what made them must be done, or come before in the room's stream. `owner`
  /// is kept until the GPU has read them, which may be until the next rows come.
  void add(device_matrix<const float> x, std::span<const cell_row> rows, matrix_view<const double> y,
           std::shared_ptr<const void> owner = nullptr);

  [[nodiscard]] index_t features() const { return features_; }
  [[nodiscard]] index_t cells() const { return static_cast<index_t>(cells_.size()); }
  [[nodiscard]] index_t targets(index_t number) const { return at(number).targets; }
  /// Rows of a cell so far.
  [[nodiscard]] index_t rows(index_t number) const { return at(number).rows + at(number).waiting; }
  /// The moments of a cell, rows of an unfinished leaf included; the cell stays as it is. May be called from
  /// several threads. \throws error [dnalm.numeric.654] when a row held a NaN or an infinity.
  [[nodiscard]] cell_moments read(index_t number) const;

  /// Bytes on the GPU of one such object, scratch apart.
  [[nodiscard]] static index_t bytes(index_t features, std::span<const index_t> targets);

 private:
  struct cell {
    index_t targets = 0;
    index_t rows = 0;            // in the moments
    double weight = 0;           // of these
    index_t waiting = 0;         // in the unfinished leaf
    double waiting_weight = 0;   // of these
    device_buffer<double> sums;  // mean (D + T), squares (T), products (D + T, D)
  };

  [[nodiscard]] const cell& at(index_t number) const { return cells_[static_cast<std::size_t>(number)]; }
  [[nodiscard]] index_t label_columns() const { return waiting_labels_.columns(); }
  void check(index_t x_rows, index_t columns, std::span<const cell_row> rows,
             matrix_view<const double> y) const;
  [[nodiscard]] std::vector<double> labels_of(const detail::leaf_rounds& plan, std::span<const cell_row> rows,
                                              matrix_view<const double> y) const;
  void take(device_matrix<const float> x, std::span<const cell_row> rows, matrix_view<const double> y,
            std::shared_ptr<const void> owner);
  void make_room(std::span<const index_t> numbers, std::vector<index_t> waiting);
  void count_round(std::span<const index_t> order, std::span<const cell_row> rows);
  template <class Number>
  [[nodiscard]] device_moments<Number> parts_of(Number* sums, index_t targets) const;
  void add_waiting(index_t number, double* after) const;

  std::shared_ptr<cuda_moments_room> room_;
  index_t features_;
  std::shared_ptr<const void> read_now_;  // goes after the memory below, which waits for the stream
  std::vector<cell> cells_;
  device_tensor<float> waiting_x_;        // (cells leaf_rows, D)
  device_tensor<double> waiting_labels_;  // (cells leaf_rows, 1 + most T): the weight, then y
};

namespace detail {

/// \throws error [dnalm.usage.653]
inline void require_cell_rows(bool good, const char* expected, const std::string& found) {
  if (good) return;
  throw error(error_kind::usage, 653, "rows for moments on a GPU that do not fit",
              {.expected = expected, .found = found});
}

/// Numbers of the moments of D features and T targets: mean (D + T), squares (T), products (D + T, D).
[[nodiscard]] inline index_t moment_numbers(index_t features, index_t targets) {
  const index_t width = checked_add(features, targets);
  return checked_add(checked_mul(width, checked_add(features, 1)), targets);
}

[[nodiscard]] inline index_t most_of(std::span<const index_t> targets) {
  return targets.empty() ? 0 : *std::max_element(targets.begin(), targets.end());
}

/// A contiguous array's bytes as one row.
template <class T>
[[nodiscard]] cuda_byte_rows whole_array(std::size_t size) {
  return {.bytes = static_cast<index_t>(size * sizeof(T))};
}

}  // namespace detail

inline cuda_cell_moments::cuda_cell_moments(std::shared_ptr<cuda_moments_room> room, index_t features,
                                            const std::vector<index_t>& targets)
    : room_(std::move(room)), features_(features) {
  detail::require_cell_rows(
      features >= 1 && !targets.empty() && *std::min_element(targets.begin(), targets.end()) >= 0,
      "at least one feature and one cell", std::to_string(features) + " features");
  const index_t rows = checked_mul(static_cast<index_t>(targets.size()), leaf_rows);
  waiting_x_ = {room_->memory(), rows, features};
  waiting_labels_ = {room_->memory(), rows, checked_add(1, detail::most_of(targets))};
  for (const index_t count : targets) {
    cells_.emplace_back();
    cells_.back().targets = count;
  }
}

inline index_t cuda_cell_moments::bytes(index_t features, std::span<const index_t> targets) {
  const index_t row = checked_add(checked_mul(4, features), checked_mul(8, 1 + detail::most_of(targets)));
  index_t all = checked_mul(checked_mul(static_cast<index_t>(targets.size()), leaf_rows), row);
  for (const index_t count : targets) {
    all = checked_add(all, checked_mul(8, detail::moment_numbers(features, count)));
  }
  return all;
}

inline void cuda_cell_moments::check(index_t x_rows, index_t columns, std::span<const cell_row> rows,
                                     matrix_view<const double> y) const {
  detail::require_cell_rows(columns == features_ && y.rows == static_cast<index_t>(rows.size()),
                            "rows of the moments' features, and one of y for each that goes to a cell",
                            std::to_string(columns) + " columns, " + std::to_string(y.rows) + " rows of y");
  for (const cell_row& r : rows) {
    const bool there = r.row >= 0 && r.row < x_rows && r.cell >= 0 && r.cell < cells();
    detail::require_cell_rows(there, "a row and a cell that exist",
                              "row " + std::to_string(r.row) + ", cell " + std::to_string(r.cell));
    detail::require_cell_rows(targets(r.cell) <= y.columns, "a column of y for each of the cell's targets",
                              std::to_string(y.columns) + " columns of y");
    detail::require_cell_rows(r.weight > 0 && std::isfinite(r.weight), "a positive weight",
                              std::to_string(r.weight));
  }
}

inline void cuda_cell_moments::add(matrix_view<const float> x, std::span<const cell_row> rows,
                                   matrix_view<const double> y) {
  check(x.rows, x.columns, rows, y);
  if (rows.empty()) return;
  auto held = room_->pool().template lend_rows<float>(x.rows, x.columns);
  const device_matrix<float> copy{held.as<float>(), x.rows, x.columns, x.columns};
  constexpr auto size = static_cast<index_t>(sizeof(float));
  cuda_upload(room_->stream(), x.data, copy.data,
              {x.rows, x.columns * size, x.stride * size, x.columns * size});
  take(copy, rows, y, nullptr);
}

inline void cuda_cell_moments::add(device_matrix<const float> x, std::span<const cell_row> rows,
                                   matrix_view<const double> y, std::shared_ptr<const void> owner) {
  check(x.rows, x.columns, rows, y);
  if (!rows.empty()) take(x, rows, y, std::move(owner));
}

/// Weight and labels of the rows in the order of the rounds.
inline std::vector<double> cuda_cell_moments::labels_of(const detail::leaf_rounds& plan,
                                                        std::span<const cell_row> rows,
                                                        matrix_view<const double> y) const {
  std::vector<double> labels(rows.size() * static_cast<std::size_t>(label_columns()), 0.0);
  auto* to = labels.data();
  for (const index_t i : plan.order) {
    const cell_row& row = rows[static_cast<std::size_t>(i)];
    to[0] = row.weight;
    std::copy_n(y.row_data(i), targets(row.cell), to + 1);
    to += label_columns();
  }
  return labels;
}

inline void cuda_cell_moments::take(device_matrix<const float> x, std::span<const cell_row> rows,
                                    matrix_view<const double> y, std::shared_ptr<const void> owner) {
  std::vector<index_t> waiting;
  std::vector<index_t> numbers;
  for (const cell& c : cells_) waiting.push_back(c.waiting);
  for (const cell_row& row : rows) numbers.push_back(row.cell);
  const detail::leaf_rounds plan = detail::plan_leaves(numbers, waiting, leaf_rows);
  std::vector<index_t> places;  // rows of x, then of the waiting rows
  for (const index_t i : plan.order) places.push_back(rows[static_cast<std::size_t>(i)].row);
  places.insert(places.end(), plan.places.begin(), plan.places.end());
  const std::vector<double> labels = labels_of(plan, rows, y);

  const cuda_stream stream = room_->stream();
  const auto count = static_cast<index_t>(rows.size());
  auto held_places = room_->pool().template lend_rows<index_t>(2, count);
  auto held_labels = room_->pool().template lend_rows<double>(count, label_columns());
  make_room(numbers, waiting);
  cuda_upload(stream, places.data(), held_places.as<index_t>(), detail::whole_array<index_t>(places.size()));
  cuda_upload(stream, labels.data(), held_labels.as<double>(), detail::whole_array<double>(labels.size()));
  cuda_synchronize(stream);
  read_now_ = std::move(owner);  // what was read before has been read
  const device_vector<const index_t> from{held_places.as<index_t>(), count};
  const device_vector<const index_t> to{from.data + count, count};
  const device_matrix<const double> y_rows{held_labels.as<double>(), count, label_columns(), label_columns()};
  for (std::size_t r = 0; r + 1 < plan.begins.size(); ++r) {
    const index_t begin = plan.begins[r];
    const index_t size = plan.begins[r + 1] - begin;
    cuda_move_rows<float>(stream, x, from.part(begin, size), to.part(begin, size), waiting_x_.view());
    cuda_move_rows<double>(stream, y_rows.row_block(begin, size), {}, to.part(begin, size),
                           waiting_labels_.view());
    count_round(
        std::span(plan.order).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(size)), rows);
  }
}

/// All memory that leaves of these cells' next rows will need: nothing has changed when there is none.
inline void cuda_cell_moments::make_room(std::span<const index_t> numbers, std::vector<index_t> waiting) {
  index_t widest = 0;
  for (const index_t number : numbers) {
    if (++waiting[static_cast<std::size_t>(number)] != leaf_rows) continue;
    cell& c = cells_[static_cast<std::size_t>(number)];
    if (c.sums.size() == 0) c.sums = {room_->memory(), detail::moment_numbers(features_, c.targets)};
    widest = std::max(widest, features_ + c.targets);
  }
  if (widest > 0) static_cast<void>(room_->pool().template lend_rows<double>(2, widest));
}

/// Rows that have been moved wait; leaves that they fill are added.
inline void cuda_cell_moments::count_round(std::span<const index_t> order, std::span<const cell_row> rows) {
  for (const index_t i : order) {
    const cell_row& row = rows[static_cast<std::size_t>(i)];
    cell& c = cells_[static_cast<std::size_t>(row.cell)];
    ++c.waiting;
    c.waiting_weight += row.weight;
    if (c.waiting < leaf_rows) continue;
    add_waiting(row.cell, c.sums.data());
    c.rows += c.waiting;
    c.weight += c.waiting_weight;
    c.waiting = 0;
    c.waiting_weight = 0;
  }
}

template <class Number>
device_moments<Number> cuda_cell_moments::parts_of(Number* sums, index_t count) const {
  const index_t width = features_ + count;
  return {{sums, width}, {sums + width + count, width, features_, features_}, {sums + width, count}};
}

/// after = the cell's moments and its unfinished leaf.
inline void cuda_cell_moments::add_waiting(index_t number, double* after) const {
  const cell& c = at(number);
  const index_t first = number * leaf_rows;
  const index_t width = features_ + c.targets;
  auto scratch = room_->pool().template lend_rows<double>(2, width);
  const device_leaf leaf{waiting_x_.view().row_block(first, c.waiting),
                         waiting_labels_.view().row_block(first, c.waiting).column_block(0, 1 + c.targets)};
  cuda_add_leaf(room_->stream(), leaf, share_of_leaf(c.weight, c.waiting_weight),
                parts_of<const double>(c.sums.data(), c.targets), {scratch.as<double>(), 2, width, width},
                parts_of<double>(after, c.targets));
}

inline cell_moments cuda_cell_moments::read(index_t number) const {
  detail::require_cell_rows(number >= 0 && number < cells(), "a cell that exists", std::to_string(number));
  const cell& c = at(number);
  const auto size = [](index_t n) { return static_cast<std::size_t>(n); };
  const index_t all = detail::moment_numbers(features_, c.targets);
  std::vector<double> sums(size(all), 0.0);
  if (rows(number) > 0) {
    const cuda_stream stream = room_->stream();
    auto held = room_->pool().lend(c.waiting > 0 ? all * static_cast<index_t>(sizeof(double)) : 0);
    if (c.waiting > 0) add_waiting(number, held.as<double>());
    cuda_download(stream, c.waiting > 0 ? held.as<double>() : c.sums.data(), sums.data(),
                  detail::whole_array<double>(sums.size()));
    cuda_synchronize(stream);
  }
  const index_t width = features_ + c.targets;
  const auto part = [&](index_t first, index_t count) {
    return std::vector<double>(sums.begin() + first, sums.begin() + first + count);
  };
  cell_moments result{rows(number), c.weight + c.waiting_weight, part(0, width),
                      part(width + c.targets, width * features_), part(width, c.targets)};
  for (index_t i = 0; i < width; ++i) {
    if (std::isfinite(result.mean[size(i)])) continue;
    throw error(
        error_kind::numeric, 654, "a row whose moments were gathered on a GPU was not finite",
        {.where = i < features_ ? "column " + std::to_string(i) : "label " + std::to_string(i - features_)});
  }
  return result;
}

DNALM_END_NAMESPACE

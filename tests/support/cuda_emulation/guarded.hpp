// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Matrices for the tests of row kernels, and what all of these kernels have to keep.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

#include <dnalm/core/philox.hpp>
#include <dnalm/cuda/bfloat16.hpp>
#include <dnalm/cuda/views.hpp>
#include <dnalm/tensor/buffer.hpp>
#include <support/catch.hpp>
#include <support/cuda_emulation/grid.hpp>

namespace dnalm_test::gpu {

/// Standard normal numbers times `scale`, rounded to bfloat16: every storage type holds them.
[[nodiscard]] inline dnalm::matrix<double> random_matrix(index_t rows, index_t columns, std::uint64_t seed,
                                                         double scale = 1.0) {
  dnalm::philox random(seed, dnalm::hash_name("cuda"));
  dnalm::matrix<double> values(rows, columns);
  for (index_t i = 0; i < rows * columns; ++i) {
    values.data()[i] = static_cast<double>(
        dnalm::to_float(dnalm::to_stored<dnalm::bfloat16>(static_cast<float>(scale * random.normal()))));
  }
  return values;
}

[[nodiscard]] inline dnalm::matrix<double> copy_of(const dnalm::matrix<double>& x) {
  dnalm::matrix<double> copy(x.rows(), x.columns());
  std::copy_n(x.data(), x.rows() * x.columns(), copy.data());
  return copy;
}

/// A matrix inside larger memory, whose rows begin `shift` numbers beside an address aligned to 16 when the
/// width is a multiple of 8. Around it and, at first, in it stands a NaN that no arithmetic makes: who reads
/// the frame gets NaN, who writes it is found by frame_is_whole().
template <class T>
class guarded {
 public:
  guarded(index_t rows, index_t columns, index_t shift = 0)
      : rows_(rows),
        columns_(columns),
        stride_(columns + 24),
        first_(stride_ + 16 + shift),
        memory_((rows + 2) * stride_ + 32, dnalm::uninitialized) {
    std::fill_n(memory_.data(), memory_.size(), mark());
  }
  /// With the numbers of a matrix.
  guarded(dnalm::matrix_view<const double> values, index_t shift = 0)
      : guarded(values.rows, values.columns, shift) {
    for (index_t r = 0; r < rows_; ++r) {
      for (index_t c = 0; c < columns_; ++c) {
        view()(r, c) = dnalm::to_stored<T>(static_cast<float>(values(r, c)));
      }
    }
  }

  [[nodiscard]] dnalm::device_matrix<T> view() { return {memory_.data() + first_, rows_, columns_, stride_}; }
  [[nodiscard]] dnalm::device_vector<T> row(index_t r) { return view().row(r); }
  [[nodiscard]] index_t rows() const { return rows_; }
  [[nodiscard]] index_t columns() const { return columns_; }
  [[nodiscard]] double operator()(index_t r, index_t c) const {
    return static_cast<double>(dnalm::to_float(memory_[first_ + r * stride_ + c]));
  }
  [[nodiscard]] bool frame_is_whole() const {
    for (index_t i = 0; i < memory_.size(); ++i) {
      const index_t r = (i - first_ + stride_) / stride_ - 1;
      const index_t c = i - first_ - r * stride_;
      const bool inside = i >= first_ && r < rows_ && c < columns_;
      if (!inside && !same_bits(memory_[i], mark())) return false;
    }
    return true;
  }
  /// Row r has the bits of row s of another matrix.
  [[nodiscard]] bool same_row(index_t r, const guarded& other, index_t s) const {
    for (index_t c = 0; c < columns_; ++c) {
      if (!same_bits(memory_[first_ + r * stride_ + c],
                     other.memory_[other.first_ + s * other.stride_ + c])) {
        return false;
      }
    }
    return true;
  }

 private:
  static T mark() {
    constexpr std::uint32_t pattern = 0x7FE57FE5U;
    T value;
    std::memcpy(&value, &pattern, sizeof(T));
    return value;
  }
  static bool same_bits(const T& a, const T& b) { return std::memcmp(&a, &b, sizeof(T)) == 0; }

  index_t rows_;
  index_t columns_;
  index_t stride_;
  index_t first_;
  dnalm::buffer<T> memory_;
};

/// Largest |found - expected| / max(1, |expected|); infinite where one of them is no number.
template <class T>
[[nodiscard]] double largest_gap(const dnalm::matrix<double>& expected, const guarded<T>& found) {
  double worst = 0.0;
  for (index_t r = 0; r < found.rows(); ++r) {
    for (index_t c = 0; c < found.columns(); ++c) {
      const double gap = std::abs(found(r, c) - expected(r, c)) / std::max(1.0, std::abs(expected(r, c)));
      worst = std::isnan(gap) ? std::numeric_limits<double>::infinity() : std::max(worst, gap);
    }
  }
  return worst;
}

/// `float_bound` and, for a result stored as bfloat16 (8 bits), half a unit of its last place.
template <class T>
[[nodiscard]] constexpr double bound_of(double float_bound) {
  return float_bound + (sizeof(T) == 2 ? 0x1p-8 : 0.0);
}

/// Rows [first, first + count) of a matrix.
[[nodiscard]] inline dnalm::matrix_view<const double> rows_of(const dnalm::matrix<double>& x, index_t first,
                                                              index_t count) {
  return x.view().row_block(first, count);
}

/// run(first, count, shift) makes the results of some rows. All rows at once and each row alone, at other
/// addresses and with blocks and threads in another order, have the same bits; and no frame is touched.
template <class Run>
void check_rows_alone(index_t rows, const Run& run) {
  const auto together = run(index_t{0}, rows, index_t{0});
  CHECK(together.frame_is_whole());
  for (index_t r = 0; r < rows; ++r) {
    for (const index_t shift : {1, 4}) {
      emulation().seed = static_cast<std::uint64_t>(100 * r + shift);
      const auto alone = run(r, index_t{1}, shift);
      CHECK(alone.frame_is_whole());
      CHECK(alone.same_row(0, together, r));
    }
  }
  emulation().seed = 0;
}

/// Widths that meet every case: single numbers, parts of 16 bytes, several of them in a thread, whole blocks.
inline const std::vector<index_t> row_widths{1, 7, 31, 32, 33, 64, 264, 1025, 2060};

}  // namespace dnalm_test::gpu

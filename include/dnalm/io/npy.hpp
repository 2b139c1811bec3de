// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief NumPy arrays in files: reads npy 1.0, 2.0, 3.0 (either order and endianness), writes 1.0.
///
/// Source: NumPy enhancement proposal 1, "A simple file format for NumPy arrays".
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tensor/dtype.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// The dtype of a C++ number type.
template <class T>
[[nodiscard]] constexpr dtype dtype_of() {
  static_assert(std::is_arithmetic_v<T>);
  if constexpr (std::is_same_v<T, bool>) return dtype::boolean;
  if constexpr (std::is_floating_point_v<T>) return sizeof(T) == 8 ? dtype::f64 : dtype::f32;
  if constexpr (std::is_signed_v<T>) {
    return sizeof(T) == 8   ? dtype::i64
           : sizeof(T) == 4 ? dtype::i32
           : sizeof(T) == 2 ? dtype::i16
                            : dtype::i8;
  }
  return sizeof(T) == 8 ? dtype::u64 : sizeof(T) == 4 ? dtype::u32 : sizeof(T) == 2 ? dtype::u16 : dtype::u8;
}

/// An array read from npy: numbers (row-major, little-endian bytes) or texts.
struct npy_array {
  dtype type = dtype::f32;
  std::vector<index_t> shape = {};
  std::vector<std::byte> data = {};       ///< size() * size_of(type) bytes; empty when the array is of text
  std::vector<std::string> strings = {};  ///< one per element when the array is of text (UTF-8)
  bool is_text = false;

  /// Number of elements.
  [[nodiscard]] index_t size() const { return checked_size(shape); }
  /// All numbers as T, row-major.
  ///
  /// \throws error [dnalm.format.250] when the array is of text, or T is an integer and a number is
  /// fractional or out of its range.
  template <class T>
  [[nodiscard]] std::vector<T> values() const;
  /// All texts. \throws error [dnalm.format.250] when the array is of numbers.
  [[nodiscard]] const std::vector<std::string>& texts() const;
};

namespace detail {

/// One element as integer T; false when it is fractional or out of range.
template <class T>
[[nodiscard]] bool read_exact(dtype type, const std::byte* from, T& value) {
  if (type == dtype::f64 || type == dtype::f32 || type == dtype::f16) {
    const auto number = read_element<double>(type, from);
    // T's range as [low, high) in powers of two, which are exact in double.
    const double high = std::ldexp(1.0, std::numeric_limits<T>::digits);
    const double low = std::is_signed_v<T> ? -high : 0.0;
    if (!(number >= low && number < high) || number != std::trunc(number)) return false;
    value = static_cast<T>(number);
    return true;
  }
  if (type == dtype::u64) {
    const auto number = dnalm::detail::load_unaligned<std::uint64_t>(from);
    value = static_cast<T>(number);
    return std::in_range<T>(number);
  }
  const auto number = read_element<std::int64_t>(type, from);
  value = static_cast<T>(number);
  return std::in_range<T>(number);
}

[[noreturn]] void throw_no_value(const npy_array& array, index_t index);

}  // namespace detail

template <class T>
std::vector<T> npy_array::values() const {
  static_assert(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>);
  if (is_text) detail::throw_no_value(*this, -1);
  std::vector<T> numbers(static_cast<std::size_t>(size()));
  const auto width = static_cast<std::size_t>(size_of(type));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const std::byte* from = data.data() + i * width;
    if constexpr (std::is_floating_point_v<T>) {
      numbers[i] = read_element<T>(type, from);
    } else if (!detail::read_exact(type, from, numbers[i])) {
      detail::throw_no_value(*this, static_cast<index_t>(i));
    }
  }
  return numbers;
}

/// Reads one array from the bytes of an npy file; `where` names it in errors.
/// \throws error [dnalm.format.245] not npy, [dnalm.format.246] header, [dnalm.unsupported.247] element type
/// (objects, structures, complex numbers, dates), [dnalm.format.248] data shorter or longer than the shape
/// says, [dnalm.format.249] shape overflow, [dnalm.format.253] invalid text.
[[nodiscard]] npy_array parse_npy(std::span<const std::byte> bytes, const std::string& where);
/// Reads a file. \throws as parse_npy and mapped_file.
[[nodiscard]] npy_array read_npy(const std::filesystem::path& path);

/// The header of an npy 1.0 file (row-major, little-endian), a multiple of 64 bytes long.
/// \throws error [dnalm.unsupported.247] for BF16 and 8-bit floats, which NumPy has not.
[[nodiscard]] std::string npy_header(dtype type, const std::vector<index_t>& shape);
/// The same for texts of at most `letters` code points.
[[nodiscard]] std::string npy_text_header(index_t letters, const std::vector<index_t>& shape);
/// A one-dimensional array of texts as a whole npy file. \throws error [dnalm.format.253] when one is not
/// UTF-8.
[[nodiscard]] std::vector<std::byte> npy_from_strings(std::span<const std::string> texts);

/// Writes one array, atomically. \throws error [dnalm.usage.251] when bytes and shape disagree; as
/// atomic_file.
void write_npy(const std::filesystem::path& path, dtype type, const std::vector<index_t>& shape,
               std::span<const std::byte> bytes);
template <class T>
void write_npy(const std::filesystem::path& path, std::span<const T> values,
               const std::vector<index_t>& shape) {
  write_npy(path, dtype_of<std::remove_cv_t<T>>(), shape, std::as_bytes(values));
}

}  // namespace io
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/io/detail/npy_impl.hpp>
#endif

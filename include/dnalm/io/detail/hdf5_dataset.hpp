// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Datasets of an HDF5 file: type, shape, where the bytes lie; reading those that are packed.
#pragma once

#if defined(DNALM_WITH_HDF5)

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/detail/hdf5_file.hpp>
#include <dnalm/io/detail/hdf5_handle.hpp>
#include <dnalm/tensor/dtype.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// What the library says about a dataset. `offset` is -1 when the bytes do not lie in one piece.
struct hdf5_dataset {
  dtype type = dtype::f32;
  bool big_endian = false;
  std::vector<index_t> shape = {};
  index_t offset = -1;
  index_t stored_bytes = 0;
};

/// Half precision, which the library has no name for: sign, 5 bits of exponent, 10 of mantissa.
[[nodiscard]] inline hdf5_handle hdf5_half(bool big_endian) {
  hdf5_handle type(H5Tcopy(big_endian ? H5T_IEEE_F32BE : H5T_IEEE_F32LE), H5Tclose, "a type", "");
  (void)H5Tset_fields(type.get(), 15, 10, 5, 0, 10);
  (void)H5Tset_size(type.get(), 2);
  (void)H5Tset_ebias(type.get(), 15);
  return type;
}

/// The library's type of a dtype; it copies, so that the caller may close it.
[[nodiscard]] inline hdf5_handle hdf5_type(dtype type, bool big_endian) {
  const auto named = [&](hid_t little, hid_t big) {
    return hdf5_handle(H5Tcopy(big_endian ? big : little), H5Tclose, "a type", "");
  };
  switch (type) {
    case dtype::f64: return named(H5T_IEEE_F64LE, H5T_IEEE_F64BE);
    case dtype::f32: return named(H5T_IEEE_F32LE, H5T_IEEE_F32BE);
    case dtype::f16: return hdf5_half(big_endian);
    case dtype::i64: return named(H5T_STD_I64LE, H5T_STD_I64BE);
    case dtype::i32: return named(H5T_STD_I32LE, H5T_STD_I32BE);
    case dtype::i16: return named(H5T_STD_I16LE, H5T_STD_I16BE);
    case dtype::i8: return named(H5T_STD_I8LE, H5T_STD_I8BE);
    case dtype::u64: return named(H5T_STD_U64LE, H5T_STD_U64BE);
    case dtype::u32: return named(H5T_STD_U32LE, H5T_STD_U32BE);
    case dtype::u16: return named(H5T_STD_U16LE, H5T_STD_U16BE);
    default: return named(H5T_STD_U8LE, H5T_STD_U8BE);
  }
}

/// Whether a type is the enumeration that h5py writes for bool: one byte, FALSE = 0, TRUE = 1.
[[nodiscard]] inline bool is_hdf5_boolean(hid_t type) {
  if (H5Tget_class(type) != H5T_ENUM || H5Tget_size(type) != 1 || H5Tget_nmembers(type) != 2) return false;
  std::int8_t value = 1;
  const bool no = H5Tenum_valueof(type, "FALSE", &value) >= 0 && value == 0;
  return no && H5Tenum_valueof(type, "TRUE", &value) >= 0 && value == 1;
}

/// Sets type and byte order. \throws error [dnalm.unsupported.296].
inline void read_hdf5_type(hid_t type, hdf5_dataset& found, const std::string& where) {
  for (const bool big : {false, true}) {
    for (const dtype candidate : {dtype::f32, dtype::f64, dtype::f16, dtype::i64, dtype::i32, dtype::i16,
                                  dtype::i8, dtype::u64, dtype::u32, dtype::u16, dtype::u8}) {
      if (H5Tequal(type, hdf5_type(candidate, big).get()) <= 0) continue;
      found.type = candidate;
      found.big_endian = big && size_of(candidate) > 1;
      return;
    }
  }
  if (is_hdf5_boolean(type)) {
    found.type = dtype::boolean;
    return;
  }
  throw error(error_kind::unsupported, 296, "an element type of an HDF5 file is not read",
              {.where = where,
               .expected = "IEEE floats of 16, 32 or 64 bits, integers of 8 to 64 bits, or bool",
               .found = "class " + std::to_string(static_cast<int>(H5Tget_class(type))) + ", " +
                        std::to_string(H5Tget_size(type)) + " bytes"});
}

/// \throws error [dnalm.unsupported.294] for storage outside the file and filters that are not built in.
inline void check_hdf5_storage(hid_t creation, const std::string& where) {
  const auto refuse = [&](const std::string& expected, const std::string& found) {
    throw error(error_kind::unsupported, 294, "an HDF5 file uses what is not followed",
                {.where = where, .expected = expected, .found = found});
  };
  const H5D_layout_t layout = H5Pget_layout(creation);
  const bool inside = layout == H5D_CONTIGUOUS || layout == H5D_COMPACT || layout == H5D_CHUNKED;
  if (!inside || H5Pget_external_count(creation) != 0) {
    refuse("data inside the file", "a virtual dataset or one in other files");
  }
  const int filters = hdf5_check(H5Pget_nfilters(creation), "its filters", where);
  for (int i = 0; i < filters; ++i) {
    unsigned flags = 0;
    std::size_t values = 0;
    const auto filter =
        H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &values, nullptr, 0, nullptr, nullptr);
    if (filter == H5Z_FILTER_DEFLATE || filter == H5Z_FILTER_SHUFFLE || filter == H5Z_FILTER_FLETCHER32) {
      continue;
    }
    refuse("the filters deflate, shuffle, fletcher32", "filter " + std::to_string(filter));
  }
}

[[nodiscard]] inline std::vector<index_t> read_hdf5_shape(hid_t dataset, const std::string& where) {
  const hdf5_handle space(H5Dget_space(dataset), H5Sclose, "its shape", where);
  const auto kind = H5Sget_simple_extent_type(space.get());
  if (kind != H5S_SCALAR && kind != H5S_SIMPLE) throw_hdf5("a dataset without values", where);
  std::array<hsize_t, H5S_MAX_RANK> extents{};
  const int axes =
      hdf5_check(H5Sget_simple_extent_dims(space.get(), extents.data(), nullptr), "its shape", where);
  std::vector<index_t> shape;
  for (int axis = 0; axis < axes; ++axis) {
    const hsize_t extent = extents[static_cast<std::size_t>(axis)];
    if (extent > static_cast<hsize_t>(std::numeric_limits<index_t>::max())) throw_hdf5("its shape", where);
    shape.push_back(static_cast<index_t>(extent));
  }
  return shape;
}

/// Looks at a dataset without reading its data.
[[nodiscard]] inline hdf5_dataset describe_hdf5(hid_t dataset, const std::string& where) {
  const hdf5_handle creation(H5Dget_create_plist(dataset), H5Pclose, "its storage", where);
  check_hdf5_storage(creation.get(), where);  // first: the shape of a virtual dataset opens other files
  hdf5_dataset found;
  const hdf5_handle type(H5Dget_type(dataset), H5Tclose, "its type", where);
  read_hdf5_type(type.get(), found, where);
  found.shape = read_hdf5_shape(dataset, where);
  found.stored_bytes =
      static_cast<index_t>(std::min<hsize_t>(H5Dget_storage_size(dataset), hsize_t{1} << 62));
  if (H5Pget_layout(creation.get()) == H5D_CONTIGUOUS) {
    const haddr_t offset = H5Dget_offset(dataset);
    if (offset != HADDR_UNDEF)
      found.offset = static_cast<index_t>(std::min<haddr_t>(offset, haddr_t{1} << 62));
  }
  return found;
}

/// How many rows of the first axis are read at a time: about 8 MiB, whole chunks where they are not huge.
[[nodiscard]] inline hsize_t hdf5_piece_rows(hid_t dataset, index_t row_bytes, const std::string& where) {
  const hdf5_handle creation(H5Dget_create_plist(dataset), H5Pclose, "its storage", where);
  const auto rows =
      static_cast<hsize_t>(std::max<index_t>(1, (index_t{8} << 20) / std::max<index_t>(row_bytes, 1)));
  std::array<hsize_t, H5S_MAX_RANK> chunk{};
  if (H5Pget_layout(creation.get()) != H5D_CHUNKED ||
      H5Pget_chunk(creation.get(), H5S_MAX_RANK, chunk.data()) < 1) {
    return rows;
  }
  const hsize_t whole = (rows + chunk[0] - 1) / std::max<hsize_t>(chunk[0], 1) * chunk[0];
  const auto most = static_cast<hsize_t>((index_t{256} << 20) / std::max<index_t>(row_bytes, 1));
  return whole >= 1 && whole <= most ? whole : rows;
}

/// Reads all elements row-major and little-endian, and gives them to `receive` in pieces.
template <class Receive>
void read_hdf5(hid_t dataset, const hdf5_dataset& described, const std::string& where, Receive&& receive) {
  const auto memory = described.type == dtype::boolean
                          ? hdf5_handle(H5Dget_type(dataset), H5Tclose, "its type", where)
                          : hdf5_type(described.type, false);
  const index_t width = size_of(described.type);
  const index_t bytes = checked_mul(checked_size(described.shape), width);
  if (bytes == 0) return;
  std::vector<std::byte> piece;
  if (described.shape.empty()) {
    piece.resize(static_cast<std::size_t>(bytes));
    hdf5_check(H5Dread(dataset, memory.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, piece.data()), "its data",
               where);
    receive(std::span<const std::byte>(piece));
    return;
  }
  const auto extent = static_cast<hsize_t>(described.shape[0]);
  const index_t row = bytes / described.shape[0];
  const hsize_t step = hdf5_piece_rows(dataset, row, where);
  const hdf5_handle space(H5Dget_space(dataset), H5Sclose, "its shape", where);
  std::vector<hsize_t> count(described.shape.begin(), described.shape.end());
  std::vector<hsize_t> start(count.size(), 0);
  for (; start[0] < extent; start[0] += step) {
    count[0] = std::min(step, extent - start[0]);
    hdf5_check(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr),
               "its shape", where);
    const hdf5_handle target(H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr),
                             H5Sclose, "its shape", where);
    piece.resize(static_cast<std::size_t>(count[0]) * static_cast<std::size_t>(row));
    hdf5_check(H5Dread(dataset, memory.get(), target.get(), space.get(), H5P_DEFAULT, piece.data()),
               "its data", where);
    receive(std::span<const std::byte>(piece));
  }
}

}  // namespace detail

}  // namespace io
DNALM_END_NAMESPACE

#endif

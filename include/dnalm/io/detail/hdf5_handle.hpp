// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Objects of the HDF5 library that close themselves, and its errors as dnalm's.
#pragma once

#if defined(DNALM_WITH_HDF5)

#include <hdf5.h>

#include <string>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// \throws error [dnalm.format.292].
[[noreturn]] inline void throw_hdf5(const std::string& what, const std::string& where) {
  throw error(error_kind::format, 292, "the HDF5 library cannot read a file: " + what,
              {.where = where, .expected = "an HDF5 file that is whole"});
}

/// A result of the library; negative ones are errors.
template <class Result>
Result hdf5_check(Result result, const char* what, const std::string& where) {
  if (result < 0) throw_hdf5(what, where);
  return result;
}

/// An identifier of the library.
class hdf5_handle {
 public:
  using closer = herr_t (*)(hid_t);

  hdf5_handle(hid_t id, closer close, const char* what, const std::string& where)
      : id_(hdf5_check(id, what, where)), close_(close) {}
  hdf5_handle(hdf5_handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  hdf5_handle& operator=(hdf5_handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  hdf5_handle(const hdf5_handle&) = delete;
  hdf5_handle& operator=(const hdf5_handle&) = delete;
  ~hdf5_handle() {
    if (id_ >= 0) (void)close_(id_);
  }

  [[nodiscard]] hid_t get() const { return id_; }

 private:
  hid_t id_;
  closer close_;
};

}  // namespace detail

}  // namespace io
DNALM_END_NAMESPACE

#endif

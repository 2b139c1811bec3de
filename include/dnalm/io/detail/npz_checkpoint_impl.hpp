// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of npz_checkpoint.hpp.
#pragma once

#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/io/detail/npy_header.hpp>
#include <dnalm/io/detail/tensor_list.hpp>
#include <dnalm/io/npy.hpp>
#include <dnalm/io/npz_checkpoint.hpp>
#include <dnalm/io/zip_reader.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// One array of the archive.
struct npz_tensor {
  const zip_entry* entry = nullptr;
  stored_tensor view = {};               // bytes are set when it is loaded
  index_t header = 0;                    // bytes before the elements
  bool packed = false;                   // compressed or big-endian
  std::vector<std::byte> unpacked = {};  // row-major, while needed
  bool checked = false;
  std::mutex guard = {};
};

/// As many bytes of a member as its npy header has, at least ten where there are any.
[[nodiscard]] inline std::vector<std::byte> npy_front(const zip_reader& archive, const zip_entry& entry) {
  std::vector<std::byte> front = archive.read_front(entry, 1024);
  if (front.size() < 12) return front;
  const auto at = [&](std::size_t i) { return std::to_integer<std::size_t>(front[i]); };
  const std::size_t length =
      at(6) == 1 ? 10 + (at(8) | at(9) << 8) : 12 + (at(8) | at(9) << 8 | at(10) << 16 | at(11) << 24);
  if (length <= front.size() || length > (std::size_t{1} << 20) + 12) return front;
  return archive.read_front(entry, length);
}

/// Reads an array's header into `tensor`; false for an array of texts.
[[nodiscard]] inline bool read_npz_header(const zip_reader& archive, npz_tensor& tensor,
                                          const std::string& where) {
  const auto front = npy_front(archive, *tensor.entry);
  std::string_view header;
  tensor.header = static_cast<index_t>(split_npy(front, where, header));
  const auto description = npy_header_parser(header, where).parse();
  const auto type = parse_npy_type(description.type, where);
  if (type.text) return false;
  const index_t content = npy_content_bytes(description, type.width, where);
  check_npy_content(content, tensor.entry->size - tensor.header, description, where);
  tensor.packed =
      tensor.entry->method == zip_method::deflated || (type.big_endian && size_of(type.number) > 1);
  tensor.view.info.type = type.number;
  tensor.view.info.shape = description.shape;
  tensor.view.strides = description.fortran_order && !tensor.packed ? fortran_strides(description.shape)
                                                                    : contiguous_strides(description.shape);
  return true;
}

}  // namespace detail

struct npz_checkpoint::contents {
  contents(const std::filesystem::path& path, file_access access) : archive(path, {}, access) {}

  void add(const zip_entry& entry);
  void load(detail::npz_tensor& tensor) const;
  [[nodiscard]] detail::npz_tensor& find(std::string_view name) {
    return tensors[named.number_of(name, archive.name())];
  }
  [[nodiscard]] std::string where(const std::string& name) const {
    return archive.name().string() + ", array '" + name + "'";
  }

  zip_reader archive;
  std::deque<detail::npz_tensor> tensors;
  std::vector<std::string> others;
  detail::tensor_list named;
};

DNALM_INLINE void npz_checkpoint::contents::add(const zip_entry& entry) {
  if (!entry.name.ends_with(".npy")) {
    others.push_back(entry.name);
    return;
  }
  const std::string name = entry.name.substr(0, entry.name.size() - 4);
  detail::npz_tensor& tensor = tensors.emplace_back();
  tensor.entry = &entry;
  if (!detail::read_npz_header(archive, tensor, where(name))) {
    tensors.pop_back();
    others.push_back(entry.name);
    return;
  }
  tensor.view.info.name = name;
  named.add(tensor.view.info);
}

DNALM_INLINE void npz_checkpoint::contents::load(detail::npz_tensor& tensor) const {
  const std::lock_guard<std::mutex> alone(tensor.guard);
  const auto elements = static_cast<std::size_t>(tensor.header);
  if (!tensor.packed) {
    archive.load(*tensor.entry);
    if (!tensor.checked) archive.verify(*tensor.entry);
    tensor.checked = true;
    const auto bytes = archive.raw(*tensor.entry).subspan(elements);
    if (tensor.view.bytes.data() != bytes.data()) tensor.view.bytes = bytes;
    return;
  }
  if (!tensor.unpacked.empty() || tensor.view.info.size() == 0) return;
  npy_array array = parse_npy(archive.read(*tensor.entry), where(tensor.view.info.name));
  if (array.shape != tensor.view.info.shape || array.type != tensor.view.info.type) {
    throw error(error_kind::format, 246, "the header of an npy array has changed while it was read",
                {.where = where(tensor.view.info.name)});
  }
  tensor.unpacked = std::move(array.data);
  tensor.view.bytes = tensor.unpacked;
}

DNALM_INLINE npz_checkpoint::npz_checkpoint(const std::filesystem::path& path, file_access access)
    : contents_(std::make_unique<contents>(path, access)) {
  for (const zip_entry& entry : contents_->archive.entries()) contents_->add(entry);
  if (!contents_->named.empty()) return;
  throw error(error_kind::format, 298, "the file holds no tensors",
              {.where = path.string(), .expected = "arrays of numbers, as numpy.savez writes them"});
}

DNALM_INLINE npz_checkpoint::npz_checkpoint(npz_checkpoint&&) noexcept = default;
DNALM_INLINE npz_checkpoint& npz_checkpoint::operator=(npz_checkpoint&&) noexcept = default;
DNALM_INLINE npz_checkpoint::~npz_checkpoint() = default;

DNALM_INLINE const std::vector<tensor_info>& npz_checkpoint::tensors() const {
  return contents_->named.infos();
}

DNALM_INLINE bool npz_checkpoint::contains(std::string_view name) const {
  return contents_->named.contains(name);
}

DNALM_INLINE const stored_tensor& npz_checkpoint::tensor(std::string_view name) const {
  detail::npz_tensor& found = contents_->find(name);
  contents_->load(found);
  return found.view;
}

DNALM_INLINE void npz_checkpoint::forget(std::string_view name) const {
  detail::npz_tensor& tensor = contents_->find(name);
  const std::lock_guard<std::mutex> alone(tensor.guard);
  if (tensor.packed) tensor.view.bytes = {};
  tensor.unpacked = {};
  contents_->archive.forget(*tensor.entry);
}

DNALM_INLINE bool npz_checkpoint::packed(std::string_view name) const {
  return contents_->find(name).packed;
}

DNALM_INLINE const std::vector<std::string>& npz_checkpoint::left_out() const {
  return contents_->others;
}

}  // namespace io
DNALM_END_NAMESPACE

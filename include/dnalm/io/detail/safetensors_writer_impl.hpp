// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of safetensors_writer.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include <dnalm/core/error.hpp>
#include <dnalm/io/detail/messages.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/io/safetensors_writer.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// Numbers of the tensors by element size (largest first), then name.
[[nodiscard]] inline std::vector<std::size_t> safetensors_order(const std::vector<tensor_info>& tensors) {
  std::vector<std::size_t> order(tensors.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const index_t left = size_of(tensors[a].type);
    const index_t right = size_of(tensors[b].type);
    return left != right ? left > right : tensors[a].name < tensors[b].name;
  });
  return order;
}

/// The JSON header for tensors in this order, padded so that data begin at a multiple of 64 bytes.
[[nodiscard]] inline std::string safetensors_header_text(const std::vector<tensor_info>& tensors,
                                                         const std::vector<std::size_t>& order,
                                                         const std::map<std::string, std::string>& metadata,
                                                         const std::string& file) {
  json header = json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  index_t position = 0;
  for (const std::size_t i : order) {
    const tensor_info& tensor = tensors[i];
    if (tensor.name == "__metadata__" || header.contains(tensor.name)) {
      throw error(error_kind::usage, 260, "a tensor cannot be written",
                  {.where = file + ", tensor '" + excerpt(tensor.name, 200) + "'",
                   .found = "a name that is used twice or reserved"});
    }
    const index_t end = checked_add(position, checked_mul(tensor.size(), size_of(tensor.type)));
    header[tensor.name] = {
        {"dtype", to_string(tensor.type)}, {"shape", tensor.shape}, {"data_offsets", {position, end}}};
    position = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const json::exception&) {
    throw error(error_kind::usage, 260, "a tensor cannot be written",
                {.where = file, .expected = "names and metadata in UTF-8"});
  }
  while ((text.size() + 8) % 64 != 0) text += ' ';
  if (text.size() <= 100'000'000) return text;
  throw error(error_kind::format, 261, "safetensors header is too long",
              {.where = file, .expected = "at most 100000000 bytes", .found = std::to_string(text.size())});
}

}  // namespace detail

DNALM_INLINE safetensors_writer::safetensors_writer(const std::filesystem::path& path,
                                                    const std::vector<tensor_info>& tensors,
                                                    const std::map<std::string, std::string>& metadata)
    : order_(detail::safetensors_order(tensors)), file_(path) {
  const std::string header = detail::safetensors_header_text(tensors, order_, metadata, path.string());
  for (const std::size_t i : order_) {
    sizes_.push_back(tensors[i].size() * size_of(tensors[i].type));
    names_.push_back(tensors[i].name);
  }
  std::array<std::byte, 8> length{};
  for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<std::byte>(header.size() >> (8 * i));
  file_.write(length);
  file_.write(header);
}

DNALM_INLINE void safetensors_writer::fail(const std::string& expected, const std::string& found) const {
  throw error(error_kind::usage, 263, "a safetensors file is written out of order",
              {.where = file_.path().string(), .expected = expected, .found = found});
}

DNALM_INLINE void safetensors_writer::write(std::span<const std::byte> bytes) {
  if (next_ == sizes_.size()) fail("no more tensors", std::to_string(bytes.size()) + " bytes");
  if (static_cast<index_t>(bytes.size()) != sizes_[next_]) {
    fail(
        "tensor '" + detail::excerpt(names_[next_], 200) + "' of " + std::to_string(sizes_[next_]) + " bytes",
        std::to_string(bytes.size()) + " bytes");
  }
  file_.write(bytes);
  ++next_;
}

DNALM_INLINE void safetensors_writer::finish() {
  if (next_ != sizes_.size()) {
    fail(std::to_string(sizes_.size()) + " tensors", std::to_string(next_) + " written");
  }
  file_.commit();
}

}  // namespace io
DNALM_END_NAMESPACE

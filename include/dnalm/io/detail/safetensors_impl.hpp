// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of safetensors.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/io/detail/messages.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/io/safetensors.hpp>
#include <dnalm/io/safetensors_writer.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

constexpr index_t safetensors_header_limit = 100'000'000;

[[nodiscard]] inline std::optional<dtype> dtype_named(std::string_view name) {
  for (const dtype type :
       {dtype::f64, dtype::f32, dtype::f16, dtype::bf16, dtype::i64, dtype::i32, dtype::i16, dtype::i8,
        dtype::u64, dtype::u32, dtype::u16, dtype::u8, dtype::boolean, dtype::f8_e4m3, dtype::f8_e5m2}) {
    if (to_string(type) == name) return type;
  }
  return std::nullopt;
}

/// One tensor of the header: offsets are relative to the data.
struct safetensors_entry {
  tensor_info info;
  index_t begin = 0;
  index_t end = 0;
};

/// Reads one file's header; `where` is the file's name.
class safetensors_header {
 public:
  explicit safetensors_header(const mapped_file& file) : file_(file), where_(file.name().string()) {}

  /// Fills `entries` and `metadata`, all checked.
  void read() {
    const json header = parse_json(text(), where_ + ", header", {.depth = 8});
    if (!header.is_object()) fail_header("the header", "a JSON object", header.type_name());
    for (const auto& [name, value] : header.items()) {
      if (name == "__metadata__") {
        read_metadata(value);
      } else {
        entries.push_back(read_entry(name, value));
      }
    }
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
      return std::tie(a.begin, a.end, a.info.name) < std::tie(b.begin, b.end, b.info.name);
    });
    check_layout();
  }

  std::vector<safetensors_entry> entries;
  std::map<std::string, std::string> metadata;
  std::span<const std::byte> data;

 private:
  /// The header's bytes; sets `data` to what follows.
  [[nodiscard]] std::string_view text() {
    if (file_.size() < 8) {
      throw error(error_kind::format, 255, "safetensors file is cut inside its header length",
                  {.where = where_, .expected = "at least 8 bytes", .found = std::to_string(file_.size())});
    }
    const auto first = file_.bytes(0, 8);
    std::uint64_t length = 0;
    for (std::size_t i = 8; i-- > 0;) length = length << 8 | std::to_integer<std::uint64_t>(first[i]);
    if (length > file_.size() - 8) {
      throw error(error_kind::format, 255, "safetensors header is longer than its file",
                  {.where = where_,
                   .expected = "at most " + std::to_string(file_.size() - 8) + " bytes",
                   .found = std::to_string(length)});
    }
    if (length > static_cast<std::uint64_t>(safetensors_header_limit)) {
      throw error(error_kind::format, 261, "safetensors header is too long",
                  {.where = where_,
                   .expected = "at most " + std::to_string(safetensors_header_limit) + " bytes",
                   .found = std::to_string(length)});
    }
    const auto size = static_cast<std::size_t>(length);
    data = file_.place(8 + size, file_.size() - 8 - size);
    return {reinterpret_cast<const char*>(file_.bytes(8, size).data()), size};
  }

  void read_metadata(const json& value) {
    if (!value.is_object()) fail_header("__metadata__", "an object of strings", value.type_name());
    for (const auto& [key, entry] : value.items()) {
      if (!entry.is_string())
        fail_header("__metadata__ '" + excerpt(key) + "'", "a string", entry.type_name());
      metadata.emplace(key, entry.get<std::string>());
    }
  }

  [[nodiscard]] safetensors_entry read_entry(const std::string& name, const json& value) const {
    const std::string what = "tensor '" + excerpt(name, 200) + "'";
    if (!value.is_object() || value.size() != 3 || !value.contains("dtype") || !value.contains("shape") ||
        !value.contains("data_offsets")) {
      fail_header(what, "an object of dtype, shape, data_offsets", excerpt(value.dump()));
    }
    safetensors_entry entry;
    entry.info.name = name;
    entry.info.type = read_dtype(what, value["dtype"]);
    entry.info.shape = read_numbers(what + ", shape", value["shape"]);
    const auto offsets = read_numbers(what + ", data_offsets", value["data_offsets"]);
    if (offsets.size() != 2) fail_header(what + ", data_offsets", "two numbers", excerpt(value.dump()));
    entry.begin = offsets[0];
    entry.end = offsets[1];
    check_size(what, entry);
    return entry;
  }

  [[nodiscard]] dtype read_dtype(const std::string& what, const json& value) const {
    if (!value.is_string()) fail_header(what + ", dtype", "a string", value.type_name());
    const auto& name = value.get_ref<const std::string&>();
    const auto type = dtype_named(name);
    if (!type) {
      throw error(error_kind::unsupported, 257, "element type of a safetensors file is not known",
                  {.where = where_ + ", " + what,
                   .expected = "F64, F32, F16, BF16, I64 ... U8, BOOL",
                   .found = "'" + excerpt(name) + "'"});
    }
    return *type;
  }

  [[nodiscard]] std::vector<index_t> read_numbers(const std::string& what, const json& value) const {
    if (!value.is_array()) fail_header(what, "a list of numbers", value.type_name());
    std::vector<index_t> numbers;
    numbers.reserve(value.size());
    for (const json& number : value) {
      if (!number.is_number_unsigned() || number.get<std::uint64_t>() > std::uint64_t{INT64_MAX}) {
        fail_header(what, "integers from 0 to 2^63 - 1", excerpt(number.dump()));
      }
      numbers.push_back(static_cast<index_t>(number.get<std::uint64_t>()));
    }
    return numbers;
  }

  /// end - begin = product of shape x size of an element, inside the data.
  void check_size(const std::string& what, const safetensors_entry& entry) const {
    const auto available = static_cast<index_t>(data.size());
    if (entry.begin > entry.end || entry.end > available) {
      throw error(error_kind::format, 258, "offsets of a tensor leave the file",
                  {.where = where_ + ", " + what,
                   .expected = "begin <= end <= " + std::to_string(available),
                   .found = std::to_string(entry.begin) + ", " + std::to_string(entry.end)});
    }
    index_t bytes = size_of(entry.info.type);
    bool overflow = false;
    for (const index_t extent : entry.info.shape) overflow |= __builtin_mul_overflow(bytes, extent, &bytes);
    if (overflow || bytes != entry.end - entry.begin) {
      throw error(error_kind::format, 259, "shape and bytes of a tensor disagree",
                  {.where = where_ + ", " + what,
                   .expected = overflow ? "a size below 2^63" : std::to_string(bytes) + " bytes",
                   .found = "shape " + excerpt(shape_text(entry.info.shape)) + ", " +
                            std::string(to_string(entry.info.type)) + ", " +
                            std::to_string(entry.end - entry.begin) + " bytes"});
    }
  }

  /// Tensors lie one after the other and fill the data: no overlap, no hole, no trailing bytes.
  void check_layout() const {
    index_t position = 0;
    for (const auto& entry : entries) {
      if (entry.begin != position) {
        throw error(error_kind::format, 258,
                    entry.begin < position ? "tensors overlap in a safetensors file"
                                           : "safetensors file has a hole between tensors",
                    {.where = where_ + ", tensor '" + excerpt(entry.info.name, 200) + "'",
                     .expected = "begin at " + std::to_string(position),
                     .found = std::to_string(entry.begin)});
      }
      position = entry.end;
    }
    if (position != static_cast<index_t>(data.size())) {
      throw error(error_kind::format, 258, "safetensors file has bytes after its last tensor",
                  {.where = where_,
                   .expected = std::to_string(position) + " bytes of data",
                   .found = std::to_string(data.size())});
    }
  }

  [[noreturn]] void fail_header(const std::string& what, const std::string& expected,
                                const std::string& found) const {
    throw error(error_kind::format, 256, "safetensors header is malformed",
                {.where = where_ + ", " + what, .expected = expected, .found = found});
  }

  const mapped_file& file_;
  std::string where_;
};

}  // namespace detail

DNALM_INLINE safetensors_file::safetensors_file(const std::filesystem::path& path, file_access access)
    : file_(path, access) {
  detail::safetensors_header header(file_);
  header.read();
  metadata_ = std::move(header.metadata);
  infos_.reserve(header.entries.size());
  stored_.reserve(header.entries.size());
  for (auto& entry : header.entries) {
    index_.emplace(entry.info.name, infos_.size());
    infos_.push_back(entry.info);
    stored_.push_back({.info = entry.info,
                       .strides = contiguous_strides(entry.info.shape),
                       .bytes = header.data.subspan(static_cast<std::size_t>(entry.begin),
                                                    static_cast<std::size_t>(entry.end - entry.begin))});
  }
}

DNALM_INLINE const stored_tensor& safetensors_file::tensor(std::string_view name) const {
  const auto found = index_.find(name);
  if (found == index_.end()) detail::throw_no_tensor(name, file_.name().string());
  file_.load(stored_[found->second].bytes);
  return stored_[found->second];
}

DNALM_INLINE void safetensors_file::forget(std::string_view name) const {
  const auto found = index_.find(name);
  if (found == index_.end()) detail::throw_no_tensor(name, file_.name().string());
  file_.forget(stored_[found->second].bytes);
}

DNALM_INLINE std::vector<float> safetensors_file::read(std::string_view name) const {
  const stored_tensor& found = tensor(name);
  std::vector<float> values(static_cast<std::size_t>(found.info.size()));
  read_stored(found, std::span<float>(values));
  return values;
}

DNALM_INLINE void write_safetensors(const std::filesystem::path& path,
                                    const std::vector<tensor_to_write>& tensors,
                                    const std::map<std::string, std::string>& metadata) {
  std::vector<tensor_info> infos;
  for (const tensor_to_write& tensor : tensors) {
    const auto bytes = static_cast<index_t>(tensor.bytes.size());
    if (checked_mul(checked_size(tensor.shape), size_of(tensor.type)) != bytes) {
      throw error(error_kind::usage, 260, "a tensor cannot be written",
                  {.where = path.string() + ", tensor '" + tensor.name + "'",
                   .found = std::to_string(bytes) + " bytes for shape " + shape_text(tensor.shape)});
    }
    infos.push_back({tensor.name, tensor.type, tensor.shape});
  }
  safetensors_writer file(path, infos, metadata);
  for (const std::size_t i : file.order()) file.write(tensors[i].bytes);
  file.finish();
}

}  // namespace io
DNALM_END_NAMESPACE

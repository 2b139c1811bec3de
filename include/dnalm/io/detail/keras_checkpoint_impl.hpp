// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of keras_checkpoint.hpp; nothing without the HDF5 library. They are not part of
/// dnalm::compiled, which does not need that library.
#pragma once

#if defined(DNALM_WITH_HDF5)

#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/io/detail/hdf5_dataset.hpp>
#include <dnalm/io/detail/hdf5_file.hpp>
#include <dnalm/io/detail/isolated_task.hpp>
#include <dnalm/io/detail/keras_layout.hpp>
#include <dnalm/io/detail/messages.hpp>
#include <dnalm/io/detail/tensor_list.hpp>
#include <dnalm/io/keras_checkpoint.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// Numbers (8 bytes) and texts (length, letters), one after the other.
class answer_writer {
 public:
  void number(index_t value) {
    for (int i = 0; i < 8; ++i) bytes_.push_back(static_cast<std::byte>(value >> (8 * i)));
  }
  void text(const std::string& value) {
    number(static_cast<index_t>(value.size()));
    const auto letters = std::as_bytes(std::span<const char>(value.data(), value.size()));
    bytes_.insert(bytes_.end(), letters.begin(), letters.end());
  }
  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

/// The same read again. A child that has met a hostile file is not trusted: nothing when the bytes are short.
class answer_reader {
 public:
  explicit answer_reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] std::optional<index_t> number() {
    if (bytes_.size() < 8) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = 8; i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(bytes_[i]);
    bytes_ = bytes_.subspan(8);
    return static_cast<index_t>(value);
  }
  [[nodiscard]] std::optional<std::string> text() {
    const auto size = number();
    if (!size || *size < 0 || static_cast<std::uint64_t>(*size) > bytes_.size()) return std::nullopt;
    std::string value(reinterpret_cast<const char*>(bytes_.data()), static_cast<std::size_t>(*size));
    bytes_ = bytes_.subspan(value.size());
    return value;
  }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }

 private:
  std::span<const std::byte> bytes_;
};

inline void write_entry(answer_writer& out, const keras_entry& entry) {
  out.text(entry.name);
  out.text(entry.path);
  out.number(static_cast<index_t>(entry.dataset.type));
  out.number(entry.dataset.big_endian ? 1 : 0);
  out.number(entry.dataset.offset);
  out.number(entry.dataset.stored_bytes);
  out.number(static_cast<index_t>(entry.dataset.shape.size()));
  for (const index_t extent : entry.dataset.shape) out.number(extent);
}

[[nodiscard]] inline std::optional<keras_entry> read_entry(answer_reader& in) {
  const auto name = in.text();
  const auto path = in.text();
  const auto type = in.number();
  const auto big = in.number();
  const auto offset = in.number();
  const auto stored = in.number();
  const auto axes = in.number();
  if (!name || !path || !type || !big || !offset || !stored || !axes) return std::nullopt;
  if (*type < 0 || *type > static_cast<index_t>(dtype::boolean) || *axes < 0 || *axes > 32 || *stored < 0) {
    return std::nullopt;
  }
  keras_entry entry{*name, *path, {static_cast<dtype>(*type), *big != 0, {}, *offset, *stored}};
  for (index_t axis = 0; axis < *axes; ++axis) {
    const auto extent = in.number();
    if (!extent || *extent < 0) return std::nullopt;
    entry.dataset.shape.push_back(*extent);
  }
  return entry;
}

/// One weight and, while needed, what was unpacked of it.
struct keras_tensor {
  std::string path = {};
  stored_tensor view = {};
  hdf5_dataset dataset = {};
  index_t bytes = 0;
  bool packed = false;
  std::vector<std::byte> unpacked = {};
  std::mutex guard = {};
};

[[noreturn]] inline void throw_hdf5_child(const std::string& where) {
  throw error(error_kind::format, 293, "the HDF5 library failed on a file, or exceeded its limits",
              {.where = where, .expected = "a file that is whole and of usual structure"});
}

}  // namespace detail

struct keras_checkpoint::contents {
  contents(const std::filesystem::path& path, file_access access) : file(path, access) {}

  void list();
  void read_answer(std::span<const std::byte> answer);
  void add(detail::keras_entry&& entry);
  [[nodiscard]] bool is_mapped(const detail::keras_tensor& tensor, const std::string& where) const;
  void load(detail::keras_tensor& tensor) const;
  void unpack(detail::keras_tensor& tensor) const;
  [[nodiscard]] std::string where(const std::string& path) const {
    return file.name().string() + ", '" + detail::excerpt(path, 200) + "'";
  }
  [[nodiscard]] detail::keras_tensor& find(std::string_view name) {
    return tensors[named.number_of(name, file.name())];
  }

  mapped_file file;
  keras_description description;
  std::deque<detail::keras_tensor> tensors;
  detail::tensor_list named;
};

/// A child walks the file and writes what it found.
DNALM_INLINE void keras_checkpoint::contents::list() {
  std::vector<std::byte> answer;
  const auto receive = [&](std::span<const std::byte> piece) {
    answer.insert(answer.end(), piece.begin(), piece.end());
  };
  const auto task = [&](const detail::child_output& output) {
    const detail::hdf5_file opened(file.name());
    detail::keras_layout layout(opened);
    detail::answer_writer out;
    for (const char* name : {"model_config", "keras_version", "backend"}) out.text(layout.attribute(name));
    for (const detail::keras_entry& entry : layout.entries()) detail::write_entry(out, entry);
    output.write(out.bytes());
  };
  if (!detail::run_isolated({}, receive, task)) detail::throw_hdf5_child(file.name().string());
  read_answer(answer);
}

DNALM_INLINE void keras_checkpoint::contents::read_answer(std::span<const std::byte> answer) {
  detail::answer_reader in(answer);
  for (std::string* text : {&description.model_config, &description.keras_version, &description.backend}) {
    auto read = in.text();
    if (!read) detail::throw_hdf5_child(file.name().string());
    *text = std::move(*read);
  }
  while (!in.empty()) {
    auto entry = detail::read_entry(in);
    if (!entry || named.contains(entry->name)) detail::throw_hdf5_child(file.name().string());
    add(std::move(*entry));
  }
  if (!named.empty()) return;
  throw error(error_kind::format, 298, "the file holds no tensors",
              {.where = file.name().string(), .expected = "weights, as Keras saves them"});
}

DNALM_INLINE void keras_checkpoint::contents::add(detail::keras_entry&& entry) {
  detail::keras_tensor& tensor = tensors.emplace_back();
  tensor.dataset = std::move(entry.dataset);
  tensor.path = std::move(entry.path);
  tensor.view.info = {entry.name, tensor.dataset.type, tensor.dataset.shape};
  tensor.bytes = size_of(tensor.dataset.type);
  bool overflow = false;
  for (const index_t extent : tensor.dataset.shape) {
    overflow |= __builtin_mul_overflow(tensor.bytes, extent, &tensor.bytes);
  }
  if (overflow) {
    throw error(error_kind::format, 297, "a dataset of an HDF5 file is larger than its bytes allow",
                {.where = where(tensor.path), .found = "shape " + shape_text(tensor.dataset.shape)});
  }
  tensor.view.strides = contiguous_strides(tensor.dataset.shape);
  tensor.packed = tensor.bytes != 0 && !is_mapped(tensor, where(tensor.path));
  if (tensor.bytes != 0 && !tensor.packed) {
    tensor.view.bytes =
        file.place(static_cast<std::size_t>(tensor.dataset.offset), static_cast<std::size_t>(tensor.bytes));
  }
  named.add(tensor.view.info);
}

/// Whether the bytes lie in the file as they are. Data in one piece must lie inside the file and have the
/// size of the shape; packed data must not unpack to more than deflate can pack (1032 : 1). \throws error
/// [dnalm.format.297].
DNALM_INLINE bool keras_checkpoint::contents::is_mapped(const detail::keras_tensor& tensor,
                                                        const std::string& where) const {
  const detail::hdf5_dataset& dataset = tensor.dataset;
  const auto size = static_cast<index_t>(file.size());
  const bool one_piece = dataset.offset >= 0;
  const bool inside =
      dataset.stored_bytes <= size && (!one_piece || dataset.offset <= size - dataset.stored_bytes);
  const bool fits =
      one_piece ? dataset.stored_bytes == tensor.bytes : tensor.bytes / 1032 <= dataset.stored_bytes;
  if (!inside || !fits) {
    throw error(
        error_kind::format, 297, "a dataset of an HDF5 file is larger than its bytes allow",
        {.where = where,
         .expected =
             std::to_string(dataset.stored_bytes) + " stored bytes in a file of " + std::to_string(size),
         .found = "shape " + shape_text(dataset.shape) + ", " + std::to_string(tensor.bytes) + " bytes"});
  }
  return one_piece && !dataset.big_endian;
}

DNALM_INLINE void keras_checkpoint::contents::load(detail::keras_tensor& tensor) const {
  const std::lock_guard<std::mutex> alone(tensor.guard);
  if (!tensor.packed) return file.load(tensor.view.bytes);
  if (tensor.unpacked.empty()) unpack(tensor);
}

/// A child reads the dataset and writes its elements.
DNALM_INLINE void keras_checkpoint::contents::unpack(detail::keras_tensor& tensor) const {
  std::vector<std::byte> bytes;
  bytes.reserve(static_cast<std::size_t>(tensor.bytes));
  const auto receive = [&](std::span<const std::byte> piece) {
    bytes.insert(bytes.end(), piece.begin(), piece.end());
  };
  const auto task = [&](const detail::child_output& output) {
    const detail::hdf5_file opened(file.name());
    const detail::hdf5_handle object = opened.open_path(tensor.path);
    const auto dataset = detail::describe_hdf5(object.get(), where(tensor.path));
    detail::read_hdf5(object.get(), dataset, where(tensor.path),
                      [&](std::span<const std::byte> piece) { output.write(piece); });
  };
  const detail::isolation_limits limits{.seconds = 60 + tensor.bytes / 10'000'000, .answer = tensor.bytes};
  const bool done = detail::run_isolated(limits, receive, task);
  if (!done || static_cast<index_t>(bytes.size()) != tensor.bytes)
    detail::throw_hdf5_child(where(tensor.path));
  tensor.unpacked = std::move(bytes);
  tensor.view.bytes = tensor.unpacked;
}

DNALM_INLINE keras_checkpoint::keras_checkpoint(const std::filesystem::path& path, file_access access)
    : contents_(std::make_unique<contents>(path, access)) {
  contents_->list();
}

DNALM_INLINE keras_checkpoint::keras_checkpoint(keras_checkpoint&&) noexcept = default;
DNALM_INLINE keras_checkpoint& keras_checkpoint::operator=(keras_checkpoint&&) noexcept = default;
DNALM_INLINE keras_checkpoint::~keras_checkpoint() = default;

DNALM_INLINE const std::vector<tensor_info>& keras_checkpoint::tensors() const {
  return contents_->named.infos();
}

DNALM_INLINE bool keras_checkpoint::contains(std::string_view name) const {
  return contents_->named.contains(name);
}

DNALM_INLINE const stored_tensor& keras_checkpoint::tensor(std::string_view name) const {
  detail::keras_tensor& found = contents_->find(name);
  contents_->load(found);
  return found.view;
}

DNALM_INLINE void keras_checkpoint::forget(std::string_view name) const {
  detail::keras_tensor& tensor = contents_->find(name);
  const std::lock_guard<std::mutex> alone(tensor.guard);
  if (!tensor.packed) return contents_->file.forget(tensor.view.bytes);
  tensor.view.bytes = {};
  tensor.unpacked = {};
}

DNALM_INLINE bool keras_checkpoint::packed(std::string_view name) const {
  return contents_->find(name).packed;
}

DNALM_INLINE const keras_description& keras_checkpoint::description() const {
  return contents_->description;
}

}  // namespace io
DNALM_END_NAMESPACE

#endif

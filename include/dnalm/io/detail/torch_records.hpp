// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Tensor records of a PyTorch pickle: which storage, which window on it.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/detail/torch_archive.hpp>
#include <dnalm/io/detail/torch_objects.hpp>
#include <dnalm/io/tensor_info.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// A checked tensor: every element lies in `[first_byte, first_byte + bytes)` of its storage.
struct torch_tensor {
  tensor_info info = {};
  std::vector<index_t> strides = {};  // in elements
  torch_storage* storage = nullptr;
  index_t first_byte = 0;
  index_t bytes = 0;
};

/// Reads the calls that rebuild tensors; `where` names the file in errors.
class torch_records {
 public:
  torch_records(const torch_objects& objects, torch_storages& storages, std::string where)
      : objects_(objects), storages_(storages), where_(std::move(where)) {}

  /// \throws error [dnalm.format.272], [dnalm.format.273], [dnalm.unsupported.274].
  [[nodiscard]] torch_tensor read(pickle_ref ref, const std::string& name) const {
    torch_tensor tensor = read_tensor(ref, name, 0);
    tensor.info.name = name;
    return tensor;
  }

 private:
  using arguments = std::vector<pickle_ref>;

  [[nodiscard]] torch_tensor read_tensor(pickle_ref ref, const std::string& name, int depth) const;
  [[nodiscard]] torch_tensor read_wrapped(const arguments& items, const std::string& name) const;
  [[nodiscard]] torch_tensor read_view_v3(const arguments& items, const std::string& name) const;
  [[nodiscard]] torch_tensor read_view(const arguments& items, const std::string& name,
                                       std::optional<dtype> type) const;
  void check_metadata(const arguments& items, std::size_t position, const std::string& name) const;
  void set_window(torch_tensor& tensor, index_t offset, const std::string& name) const;
  [[nodiscard]] std::vector<index_t> read_sizes(pickle_ref ref, const std::string& name) const;
  [[nodiscard]] torch_storage_reference read_reference(pickle_ref ref, const std::string& name) const;

  [[noreturn]] void fail_record(const std::string& name, const std::string& expected,
                                const std::string& found) const {
    throw error(error_kind::format, 273, "a tensor of a PyTorch file is malformed",
                {.where = where_ + ", tensor '" + name + "'", .expected = expected, .found = found});
  }
  [[noreturn]] void fail_unsupported(const std::string& name, const std::string& found) const {
    throw error(error_kind::unsupported, 274, "a tensor of a PyTorch file is of a kind that is not read",
                {.where = where_ + ", tensor '" + name + "'",
                 .expected = "a dense tensor of a real or integer type",
                 .found = found});
  }
  [[nodiscard]] const pickle_node& at(pickle_ref ref) const { return objects_.at(ref); }
  [[nodiscard]] std::string describe(const pickle_node& node) const { return objects_.describe(node); }

  const torch_objects& objects_;
  torch_storages& storages_;
  std::string where_;
};

inline torch_tensor torch_records::read_tensor(pickle_ref ref, const std::string& name, int depth) const {
  const pickle_node& node = at(ref);
  const std::string_view rebuild = objects_.rebuild_name(node);
  if (rebuild.empty() || depth > 4 || node.items.size() < 2) fail_record(name, "a tensor", describe(node));
  const pickle_node& given = at(node.items[1]);
  if (given.kind != pickle_kind::tuple) fail_record(name, "a tuple of arguments", describe(given));
  const auto& items = given.items;
  if (rebuild == "_rebuild_parameter" || rebuild == "_rebuild_parameter_with_state") {
    if (items.empty()) fail_record(name, "a parameter's data", "nothing");
    return read_tensor(items[0], name, depth + 1);
  }
  if (rebuild == "_rebuild_from_type_v2") return read_wrapped(items, name);
  if (rebuild == "_rebuild_tensor") return read_view(items, name, std::nullopt);
  if (rebuild == "_rebuild_tensor_v2") {
    check_metadata(items, 6, name);
    return read_view(items, name, std::nullopt);
  }
  if (rebuild == "_rebuild_tensor_v3") return read_view_v3(items, name);
  fail_unsupported(name, std::string(rebuild));
}

/// `_rebuild_from_type_v2(rebuild function, class, arguments, state)`: a tensor with attributes.
inline torch_tensor torch_records::read_wrapped(const arguments& items, const std::string& name) const {
  if (items.size() < 3) fail_record(name, "four arguments", std::to_string(items.size()));
  const auto function = global_name(at(items[0]), {"torch._utils"});
  const pickle_node& given = at(items[2]);
  if (function != "_rebuild_tensor_v2" || given.kind != pickle_kind::tuple) {
    fail_unsupported(name, "a tensor subclass rebuilt by " + describe(at(items[0])));
  }
  check_metadata(given.items, 6, name);
  return read_view(given.items, name, std::nullopt);
}

inline torch_tensor torch_records::read_view_v3(const arguments& items, const std::string& name) const {
  if (items.size() < 7) fail_record(name, "seven arguments", std::to_string(items.size()));
  const auto type = torch_dtype(global_name(at(items[6]), {"torch"}));
  if (!type) fail_unsupported(name, describe(at(items[6])));
  check_metadata(items, 7, name);
  return read_view(items, name, type);
}

/// Lazy conjugation or negation would change the values: not read.
inline void torch_records::check_metadata(const arguments& items, std::size_t position,
                                          const std::string& name) const {
  if (items.size() <= position) return;
  const pickle_node& metadata = at(items[position]);
  if (metadata.kind == pickle_kind::none) return;
  if (metadata.kind != pickle_kind::dict || !metadata.pairs.empty()) {
    fail_unsupported(name, "a tensor with lazy operations");
  }
}

/// (storage, offset, shape, strides): every element must lie in the storage.
inline torch_tensor torch_records::read_view(const arguments& items, const std::string& name,
                                             std::optional<dtype> type) const {
  if (items.size() < 4) fail_record(name, "four arguments", std::to_string(items.size()));
  const auto reference = read_reference(items[0], name);
  if (!type) type = reference.type;
  if (!type) fail_record(name, "a typed storage", "an untyped one");
  torch_tensor tensor;
  tensor.info.type = *type;
  tensor.info.shape = read_sizes(items[2], name);
  tensor.strides = read_sizes(items[3], name);
  const pickle_node& offset = at(items[1]);
  if (offset.kind != pickle_kind::integer || offset.integer < 0) {
    fail_record(name, "an offset of at least 0", describe(offset));
  }
  if (tensor.strides.size() != tensor.info.shape.size()) {
    fail_record(name, "one stride per axis", shape_text(tensor.strides));
  }
  tensor.storage = &storages_.find(reference, name);
  set_window(tensor, offset.integer, name);
  return tensor;
}

/// Last element = offset + sum_a (shape[a] - 1) * strides[a], in elements.
inline void torch_records::set_window(torch_tensor& tensor, index_t offset, const std::string& name) const {
  const index_t width = size_of(tensor.info.type);
  const index_t capacity = tensor.storage->entry->size / width;
  index_t last = offset;
  index_t elements = 1;
  bool overflow = false;
  for (std::size_t axis = 0; axis < tensor.info.shape.size(); ++axis) {
    index_t reach = 0;
    const index_t extent = tensor.info.shape[axis];
    overflow |= __builtin_mul_overflow(elements, extent, &elements);
    overflow |= __builtin_mul_overflow(extent - 1, tensor.strides[axis], &reach);
    overflow |= __builtin_add_overflow(last, reach, &last);
  }
  if (!overflow && elements == 0) return;
  // A stride of 0 repeats elements; without a limit a few bytes could claim a terabyte.
  const index_t most = std::max(capacity, index_t{1} << 24);
  if (overflow || last >= capacity || elements > most) {
    fail_record(name, "a view inside its storage of " + std::to_string(capacity) + " elements",
                "offset " + std::to_string(offset) + ", shape " + shape_text(tensor.info.shape) +
                    ", strides " + shape_text(tensor.strides));
  }
  tensor.first_byte = offset * width;
  tensor.bytes = (last - offset + 1) * width;
}

/// A tuple or torch.Size of sizes.
inline std::vector<index_t> torch_records::read_sizes(pickle_ref ref, const std::string& name) const {
  const pickle_node* node = &at(ref);
  if (node->kind == pickle_kind::call && node->items.size() == 2 &&
      global_name(at(node->items[0]), {"torch"}) == "Size") {
    const pickle_node& given = at(node->items[1]);
    if (given.kind == pickle_kind::tuple && given.items.size() == 1) node = &at(given.items[0]);
  }
  if (node->kind != pickle_kind::tuple) fail_record(name, "a tuple of sizes", describe(*node));
  std::vector<index_t> sizes;
  for (const pickle_ref item : node->items) {
    const pickle_node& size = at(item);
    if (size.kind != pickle_kind::integer || size.integer < 0) {
      fail_record(name, "sizes and strides of at least 0 and below 2^63", describe(size));
    }
    sizes.push_back(size.integer);
  }
  return sizes;
}

inline torch_storage_reference torch_records::read_reference(pickle_ref ref, const std::string& name) const {
  const pickle_node& node = at(ref);
  if (node.kind != pickle_kind::persistent) fail_record(name, "a storage", describe(node));
  const pickle_node& id = at(node.items[0]);
  const bool shaped = id.kind == pickle_kind::tuple && id.items.size() >= 5 &&
                      objects_.is_text(id.items[0], "storage") && at(id.items[2]).kind == pickle_kind::text &&
                      at(id.items[4]).kind == pickle_kind::integer;
  if (!shaped) fail_record(name, "('storage', type, key, location, count)", describe(id));
  const pickle_node& kind = at(id.items[1]);
  const auto type_name = global_name(kind, {"torch", "torch.cuda", "torch.storage"});
  torch_storage_reference reference{.type = torch_storage_type(type_name), .key = at(id.items[2]).text};
  if (!reference.type && type_name != "UntypedStorage") fail_unsupported(name, describe(kind));
  const index_t width = reference.type ? size_of(*reference.type) : 1;
  const index_t count = at(id.items[4]).integer;
  if (count < 0 || __builtin_mul_overflow(count, width, &reference.bytes)) {
    fail_record(name, "a storage of 0 to 2^63 - 1 bytes", std::to_string(count) + " elements");
  }
  return reference;
}

}  // namespace detail

}  // namespace io
DNALM_END_NAMESPACE

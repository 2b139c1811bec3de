// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of torch_checkpoint.hpp.
#pragma once

#include <array>
#include <mutex>
#include <optional>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/io/detail/messages.hpp>
#include <dnalm/io/pickle.hpp>
#include <dnalm/io/torch_checkpoint.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// The bytes of one storage of the archive; tensors are windows on it.
struct torch_storage {
  const zip_entry* entry = nullptr;
  std::span<const std::byte> bytes = {};
  std::vector<std::byte> inflated = {};  // only when the archive compresses it
  std::once_flag checked = {};
};

/// What a persistent id `('storage', type, key, location, count)` says.
struct torch_storage_reference {
  std::optional<dtype> type = {};  // none: untyped
  std::string key = {};
  index_t bytes = 0;
};

/// `name` of a global of one of the modules, as in `torch FloatStorage`; empty for other modules.
[[nodiscard]] inline std::string_view global_name(const pickle_node& node,
                                                  std::initializer_list<std::string_view> modules) {
  if (node.kind != pickle_kind::global) return {};
  const std::string_view text = node.text;
  const std::size_t space = text.find(' ');
  for (const std::string_view module : modules) {
    if (text.substr(0, space) == module) return text.substr(space + 1);
  }
  return {};
}

[[nodiscard]] inline std::optional<dtype> torch_storage_type(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, dtype>, 10> types = {{{"DoubleStorage", dtype::f64},
                                                                         {"FloatStorage", dtype::f32},
                                                                         {"HalfStorage", dtype::f16},
                                                                         {"BFloat16Storage", dtype::bf16},
                                                                         {"LongStorage", dtype::i64},
                                                                         {"IntStorage", dtype::i32},
                                                                         {"ShortStorage", dtype::i16},
                                                                         {"CharStorage", dtype::i8},
                                                                         {"ByteStorage", dtype::u8},
                                                                         {"BoolStorage", dtype::boolean}}};
  for (const auto& [text, type] : types) {
    if (text == name) return type;
  }
  return std::nullopt;
}

[[nodiscard]] inline std::optional<dtype> torch_dtype(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, dtype>, 15> types = {{{"float64", dtype::f64},
                                                                         {"float32", dtype::f32},
                                                                         {"float16", dtype::f16},
                                                                         {"bfloat16", dtype::bf16},
                                                                         {"int64", dtype::i64},
                                                                         {"int32", dtype::i32},
                                                                         {"int16", dtype::i16},
                                                                         {"int8", dtype::i8},
                                                                         {"uint64", dtype::u64},
                                                                         {"uint32", dtype::u32},
                                                                         {"uint16", dtype::u16},
                                                                         {"uint8", dtype::u8},
                                                                         {"bool", dtype::boolean},
                                                                         {"float8_e4m3fn", dtype::f8_e4m3},
                                                                         {"float8_e5m2", dtype::f8_e5m2}}};
  for (const auto& [text, type] : types) {
    if (text == name) return type;
  }
  return std::nullopt;
}

/// Interprets the few calls that mean tensors and dictionaries; all others stay opaque.
class torch_interpreter {
 public:
  torch_interpreter(const pickle_graph& graph, const zip_reader& archive, std::string prefix,
                    std::map<std::string, torch_storage>& storages)
      : graph_(graph),
        archive_(archive),
        prefix_(std::move(prefix)),
        where_(archive.name().string()),
        storages_(storages) {}

  [[nodiscard]] std::vector<stored_tensor> read(torch_selection selection) {
    const pickle_ref root =
        selection == torch_selection::everything ? graph_.root : find_state_dict(graph_.root, 0);
    collect(root, "", 0);
    if (tensors_.empty()) {
      throw error(error_kind::format, 275, "PyTorch file holds no tensors in dictionaries or lists",
                  {.where = where_,
                   .expected = "a state dictionary, as torch.save(model.state_dict(), file) writes",
                   .found = describe(graph_.at(graph_.root))});
    }
    return std::move(tensors_);
  }
  /// The storage of each tensor, in the order of `read`.
  [[nodiscard]] std::vector<torch_storage*> take_sources() { return std::move(sources_); }

 private:
  static constexpr int depth_limit = 64;
  static constexpr index_t visit_limit = 1'000'000;

  // Dictionaries.
  [[nodiscard]] bool is_dictionary(const pickle_node& node) const {
    if (node.kind == pickle_kind::dict) return true;
    if (node.kind != pickle_kind::call || node.items.empty()) return false;
    const auto name =
        global_name(graph_.at(node.items[0]), {"collections", "builtins", "__builtin__", "typing"});
    return name == "OrderedDict" || name == "defaultdict" || name == "dict";
  }

  /// Text of a key that can be part of a tensor's name.
  [[nodiscard]] std::optional<std::string> key_text(pickle_ref ref) const {
    const pickle_node& key = graph_.at(ref);
    if (key.kind == pickle_kind::text) return key.text;
    if (key.kind == pickle_kind::integer) return std::to_string(key.integer);
    return std::nullopt;
  }

  [[nodiscard]] pickle_ref find_state_dict(pickle_ref ref, int depth) const {
    const pickle_node& node = graph_.at(ref);
    if (!is_dictionary(node) || depth >= depth_limit) return ref;
    for (std::size_t i = 1; i < node.pairs.size(); i += 2) {
      if (is_tensor(graph_.at(node.pairs[i]))) return ref;
    }
    for (const std::string_view wanted :
         {"state_dict", "model_state_dict", "model", "module", "net", "weights"}) {
      for (std::size_t i = 0; i + 1 < node.pairs.size(); i += 2) {
        if (key_text(node.pairs[i]) != wanted) continue;
        const pickle_ref inner = find_state_dict(node.pairs[i + 1], depth + 1);
        if (leads_to_tensors(inner, depth)) return inner;
      }
    }
    return ref;
  }

  /// Whether a dictionary or one directly inside it holds a tensor.
  [[nodiscard]] bool leads_to_tensors(pickle_ref ref, int depth) const {
    const pickle_node& node = graph_.at(ref);
    if (!is_dictionary(node) || depth >= depth_limit) return false;
    for (std::size_t i = 1; i < node.pairs.size(); i += 2) {
      const pickle_node& value = graph_.at(node.pairs[i]);
      if (is_tensor(value)) return true;
      if (!is_dictionary(value)) continue;
      for (std::size_t k = 1; k < value.pairs.size(); k += 2) {
        if (is_tensor(graph_.at(value.pairs[k]))) return true;
      }
    }
    return false;
  }

  /// Adds all tensors under a node; `name` is its path.
  void collect(pickle_ref ref, const std::string& name, int depth) {
    const pickle_node& node = graph_.at(ref);
    if (++visited_ > visit_limit || depth > depth_limit) {
      throw error(error_kind::format, 268, "a pickle is too large",
                  {.where = where_ + ", '" + name + "'",
                   .expected = "at most " + std::to_string(depth_limit) + " levels and " +
                               std::to_string(visit_limit) + " entries"});
    }
    if (is_tensor(node)) {
      add(ref, name);
    } else if (is_dictionary(node)) {
      for (std::size_t i = 0; i + 1 < node.pairs.size(); i += 2) {
        const auto key = key_text(node.pairs[i]);
        if (key) collect(node.pairs[i + 1], depth == 0 ? *key : name + "." + *key, depth + 1);
      }
    } else if (node.kind == pickle_kind::list || node.kind == pickle_kind::tuple) {
      for (std::size_t i = 0; i < node.items.size(); ++i) {
        const std::string key = std::to_string(i);
        collect(node.items[i], depth == 0 ? key : name + "." + key, depth + 1);
      }
    }
  }

  void add(pickle_ref ref, const std::string& name) {
    if (!names_.emplace(name, true).second) {
      throw error(error_kind::format, 279, "PyTorch file names a tensor twice",
                  {.where = where_, .found = "'" + name + "'"});
    }
    sources_.push_back(nullptr);
    stored_tensor tensor = read_tensor(ref, name, 0);
    tensor.info.name = name;
    tensors_.push_back(std::move(tensor));
  }

  // Tensors.
  /// Name of the rebuild function a call names, empty when it is no tensor.
  [[nodiscard]] std::string_view rebuild_name(const pickle_node& node) const {
    if (node.kind != pickle_kind::call || node.items.empty()) return {};
    const auto name = global_name(graph_.at(node.items[0]), {"torch._utils", "torch._tensor"});
    return name.substr(0, 9) == "_rebuild_" ? name : std::string_view();
  }
  [[nodiscard]] bool is_tensor(const pickle_node& node) const { return !rebuild_name(node).empty(); }

  [[nodiscard]] stored_tensor read_tensor(pickle_ref ref, const std::string& name, int depth) {
    const pickle_node& node = graph_.at(ref);
    const std::string_view rebuild = rebuild_name(node);
    if (rebuild.empty() || depth > 4 || node.items.size() < 2) fail_record(name, "a tensor", describe(node));
    const pickle_node& arguments = graph_.at(node.items[1]);
    if (arguments.kind != pickle_kind::tuple) fail_record(name, "a tuple of arguments", describe(arguments));
    const auto& items = arguments.items;
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
  [[nodiscard]] stored_tensor read_wrapped(const std::vector<pickle_ref>& items, const std::string& name) {
    if (items.size() < 3) fail_record(name, "four arguments", std::to_string(items.size()));
    const auto function = global_name(graph_.at(items[0]), {"torch._utils"});
    const pickle_node& arguments = graph_.at(items[2]);
    if (function != "_rebuild_tensor_v2" || arguments.kind != pickle_kind::tuple) {
      fail_unsupported(name, "a tensor subclass rebuilt by " + describe(graph_.at(items[0])));
    }
    check_metadata(arguments.items, 6, name);
    return read_view(arguments.items, name, std::nullopt);
  }

  [[nodiscard]] stored_tensor read_view_v3(const std::vector<pickle_ref>& items, const std::string& name) {
    if (items.size() < 7) fail_record(name, "seven arguments", std::to_string(items.size()));
    const auto type = torch_dtype(global_name(graph_.at(items[6]), {"torch"}));
    if (!type) fail_unsupported(name, describe(graph_.at(items[6])));
    check_metadata(items, 7, name);
    return read_view(items, name, type);
  }

  /// Lazy conjugation or negation would change the values: not read.
  void check_metadata(const std::vector<pickle_ref>& items, std::size_t position,
                      const std::string& name) const {
    if (items.size() <= position) return;
    const pickle_node& metadata = graph_.at(items[position]);
    if (metadata.kind == pickle_kind::none) return;
    if (metadata.kind != pickle_kind::dict || !metadata.pairs.empty()) {
      fail_unsupported(name, "a tensor with lazy operations");
    }
  }

  /// (storage, offset, shape, strides): every element must lie in the storage.
  [[nodiscard]] stored_tensor read_view(const std::vector<pickle_ref>& items, const std::string& name,
                                        std::optional<dtype> type) {
    if (items.size() < 4) fail_record(name, "four arguments", std::to_string(items.size()));
    const auto reference = read_reference(items[0], name);
    if (!type) type = reference.type;
    if (!type) fail_record(name, "a typed storage", "an untyped one");
    stored_tensor tensor;
    tensor.info.type = *type;
    tensor.info.shape = read_sizes(items[2], name);
    tensor.strides = read_sizes(items[3], name);
    const pickle_node& offset = graph_.at(items[1]);
    if (offset.kind != pickle_kind::integer || offset.integer < 0) {
      fail_record(name, "an offset of at least 0", describe(offset));
    }
    if (tensor.strides.size() != tensor.info.shape.size()) {
      fail_record(name, "one stride per axis", shape_text(tensor.strides));
    }
    torch_storage& storage = open_storage(reference, name);
    set_window(tensor, storage, offset.integer, name);
    sources_.back() = &storage;
    return tensor;
  }

  /// Last element = offset + sum_a (shape[a] - 1) * strides[a], in elements.
  void set_window(stored_tensor& tensor, const torch_storage& storage, index_t offset,
                  const std::string& name) const {
    const index_t width = size_of(tensor.info.type);
    const auto capacity = static_cast<index_t>(storage.bytes.size()) / width;
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
    tensor.bytes = storage.bytes.subspan(static_cast<std::size_t>(offset * width),
                                         static_cast<std::size_t>((last - offset + 1) * width));
  }

  /// A tuple or torch.Size of sizes.
  [[nodiscard]] std::vector<index_t> read_sizes(pickle_ref ref, const std::string& name) const {
    const pickle_node* node = &graph_.at(ref);
    if (node->kind == pickle_kind::call && node->items.size() == 2 &&
        global_name(graph_.at(node->items[0]), {"torch"}) == "Size") {
      const pickle_node& arguments = graph_.at(node->items[1]);
      if (arguments.kind == pickle_kind::tuple && arguments.items.size() == 1) {
        node = &graph_.at(arguments.items[0]);
      }
    }
    if (node->kind != pickle_kind::tuple) fail_record(name, "a tuple of sizes", describe(*node));
    std::vector<index_t> sizes;
    for (const pickle_ref item : node->items) {
      const pickle_node& size = graph_.at(item);
      if (size.kind != pickle_kind::integer || size.integer < 0) {
        fail_record(name, "sizes and strides of at least 0 and below 2^63", describe(size));
      }
      sizes.push_back(size.integer);
    }
    return sizes;
  }

  // Storages.
  [[nodiscard]] torch_storage_reference read_reference(pickle_ref ref, const std::string& name) const {
    const pickle_node& node = graph_.at(ref);
    if (node.kind != pickle_kind::persistent) fail_record(name, "a storage", describe(node));
    const pickle_node& id = graph_.at(node.items[0]);
    const bool shaped = id.kind == pickle_kind::tuple && id.items.size() >= 5 &&
                        is_text(id.items[0], "storage") && graph_.at(id.items[2]).kind == pickle_kind::text &&
                        graph_.at(id.items[4]).kind == pickle_kind::integer;
    if (!shaped) fail_record(name, "('storage', type, key, location, count)", describe(id));
    const pickle_node& kind = graph_.at(id.items[1]);
    const auto type_name = global_name(kind, {"torch", "torch.cuda", "torch.storage"});
    torch_storage_reference reference{.type = torch_storage_type(type_name),
                                      .key = graph_.at(id.items[2]).text};
    if (!reference.type && type_name != "UntypedStorage") fail_unsupported(name, describe(kind));
    const index_t width = reference.type ? size_of(*reference.type) : 1;
    const index_t count = graph_.at(id.items[4]).integer;
    if (count < 0 || __builtin_mul_overflow(count, width, &reference.bytes)) {
      fail_record(name, "a storage of 0 to 2^63 - 1 bytes", std::to_string(count) + " elements");
    }
    return reference;
  }

  [[nodiscard]] torch_storage& open_storage(const torch_storage_reference& reference,
                                            const std::string& name) {
    const std::string member = prefix_ + "data/" + reference.key;
    const auto [place, added] = storages_.try_emplace(reference.key);
    torch_storage& storage = place->second;
    if (added) {
      if (!archive_.contains(member)) {
        throw error(error_kind::format, 272, "a storage of a PyTorch file is missing",
                    {.where = where_ + ", tensor '" + name + "'", .expected = "member '" + member + "'"});
      }
      storage.entry = &archive_.entry(member);
    }
    if (storage.entry->size != reference.bytes) {
      throw error(error_kind::format, 272, "a storage of a PyTorch file has another size",
                  {.where = where_ + ", tensor '" + name + "', member '" + member + "'",
                   .expected = std::to_string(reference.bytes) + " bytes",
                   .found = std::to_string(storage.entry->size)});
    }
    if (added && storage.entry->method == zip_method::deflated) {
      storage.inflated = archive_.read(*storage.entry);
      storage.bytes = storage.inflated;
    } else if (added) {
      storage.bytes = archive_.raw(*storage.entry);
    }
    return storage;
  }

  // Messages.
  [[nodiscard]] bool is_text(pickle_ref ref, std::string_view text) const {
    return graph_.at(ref).kind == pickle_kind::text && graph_.at(ref).text == text;
  }
  [[nodiscard]] std::string describe(const pickle_node& node) const {
    switch (node.kind) {
      case pickle_kind::none: return "None";
      case pickle_kind::boolean: return node.integer != 0 ? "True" : "False";
      case pickle_kind::integer: return std::to_string(node.integer);
      case pickle_kind::long_text: return "an integer beyond 64 bits";
      case pickle_kind::real: return std::to_string(node.real);
      case pickle_kind::text: return "'" + node.text.substr(0, 60) + "'";
      case pickle_kind::bytes: return "bytes";
      case pickle_kind::list: return "a list of " + std::to_string(node.items.size());
      case pickle_kind::tuple: return "a tuple of " + std::to_string(node.items.size());
      case pickle_kind::set: return "a set";
      case pickle_kind::dict: return "a dictionary of " + std::to_string(node.pairs.size() / 2);
      case pickle_kind::global: return "'" + node.text.substr(0, 120) + "' (not looked up)";
      case pickle_kind::persistent: return "a storage";
      case pickle_kind::call: break;
    }
    const bool named = !node.items.empty() && graph_.at(node.items[0]).kind == pickle_kind::global;
    return "an object made by " + (named ? describe(graph_.at(node.items[0])) : std::string("an expression"));
  }
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

  const pickle_graph& graph_;
  const zip_reader& archive_;
  std::string prefix_;
  std::string where_;
  std::map<std::string, torch_storage>& storages_;
  std::map<std::string, bool, std::less<>> names_;
  std::vector<stored_tensor> tensors_;
  std::vector<torch_storage*> sources_;
  index_t visited_ = 0;
};

/// Refuses the format before PyTorch 1.6: a bare pickle (or a tar archive) instead of a ZIP archive.
inline void check_not_legacy(const std::filesystem::path& path) {
  const mapped_file file(path);
  const auto bytes = file.bytes();
  const bool zip = bytes.size() >= 2 && bytes[0] == std::byte{'P'} && bytes[1] == std::byte{'K'};
  const bool pickle = bytes.size() >= 2 && bytes[0] == std::byte{0x80} && bytes[1] <= std::byte{5};
  if (zip || !pickle) return;
  throw error(error_kind::unsupported, 270,
              "the PyTorch format before version 1.6 (not a ZIP archive) is not read",
              {.where = path.string(),
               .expected = "a file saved again by a current PyTorch: torch.save(torch.load(old, "
                           "weights_only=True), new), or safetensors"});
}

/// The folder of the archive, with a slash, found by its only `data.pkl`.
[[nodiscard]] inline std::string torch_prefix(const zip_reader& archive) {
  std::optional<std::string> prefix;
  for (const zip_entry& entry : archive.entries()) {
    const std::string_view name = entry.name;
    const std::size_t slash = name.find('/');
    if (slash == std::string_view::npos || name.substr(slash + 1) != "data.pkl") continue;
    if (prefix) {
      throw error(error_kind::format, 271, "PyTorch file holds two pickles",
                  {.where = archive.name().string()});
    }
    prefix = entry.name.substr(0, slash + 1);
  }
  if (!prefix) {
    throw error(error_kind::format, 271, "ZIP archive is no PyTorch file",
                {.where = archive.name().string(), .expected = "a member <folder>/data.pkl"});
  }
  return *prefix;
}

inline void check_torch_flavour(const zip_reader& archive, const std::string& prefix) {
  if (archive.contains(prefix + "constants.pkl")) {
    throw error(error_kind::unsupported, 276, "TorchScript archives are not read",
                {.where = archive.name().string(), .expected = "torch.save(model.state_dict(), file)"});
  }
  if (!archive.contains(prefix + "byteorder")) return;
  const auto order = archive.read(prefix + "byteorder");
  const std::string text(reinterpret_cast<const char*>(order.data()), order.size());
  if (text != "little") {
    throw error(error_kind::unsupported, 276, "a PyTorch file in another byte order is not read",
                {.where = archive.name().string(), .expected = "little", .found = text.substr(0, 20)});
  }
}

}  // namespace detail

struct torch_checkpoint::contents {
  explicit contents(const std::filesystem::path& path) : archive(path) {}

  zip_reader archive;
  std::map<std::string, detail::torch_storage> storages;
  std::vector<stored_tensor> tensors;
  std::vector<detail::torch_storage*> sources;
  std::vector<tensor_info> infos;
  std::map<std::string, std::size_t, std::less<>> index;
};

DNALM_INLINE torch_checkpoint::torch_checkpoint(const std::filesystem::path& path,
                                                torch_selection selection) {
  detail::check_not_legacy(path);
  contents_ = std::make_unique<contents>(path);
  const zip_reader& archive = contents_->archive;
  const std::string prefix = detail::torch_prefix(archive);
  detail::check_torch_flavour(archive, prefix);
  const std::string where = path.string() + ", member '" + prefix + "data.pkl'";
  const pickle_graph graph = parse_pickle(archive.read(prefix + "data.pkl"), where);
  detail::torch_interpreter interpreter(graph, archive, prefix, contents_->storages);
  contents_->tensors = interpreter.read(selection);
  contents_->sources = interpreter.take_sources();
  for (const stored_tensor& tensor : contents_->tensors) {
    contents_->index.emplace(tensor.info.name, contents_->infos.size());
    contents_->infos.push_back(tensor.info);
  }
}

DNALM_INLINE torch_checkpoint::torch_checkpoint(torch_checkpoint&&) noexcept = default;
DNALM_INLINE torch_checkpoint& torch_checkpoint::operator=(torch_checkpoint&&) noexcept = default;
DNALM_INLINE torch_checkpoint::~torch_checkpoint() = default;

DNALM_INLINE const std::vector<tensor_info>& torch_checkpoint::tensors() const {
  return contents_->infos;
}

DNALM_INLINE bool torch_checkpoint::contains(std::string_view name) const {
  return contents_->index.find(name) != contents_->index.end();
}

DNALM_INLINE const stored_tensor& torch_checkpoint::tensor(std::string_view name) const {
  const auto found = contents_->index.find(name);
  if (found == contents_->index.end()) {
    detail::throw_no_tensor(name, contents_->archive.name().string());
  }
  detail::torch_storage& storage = *contents_->sources[found->second];
  if (storage.inflated.empty()) {  // what was inflated has been checked then
    std::call_once(storage.checked, [&] { contents_->archive.verify(*storage.entry); });
  }
  return contents_->tensors[found->second];
}

}  // namespace io
DNALM_END_NAMESPACE

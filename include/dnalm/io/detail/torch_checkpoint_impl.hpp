// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of torch_checkpoint.hpp.
#pragma once

#include <deque>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/io/detail/tensor_list.hpp>
#include <dnalm/io/detail/torch_archive.hpp>
#include <dnalm/io/detail/torch_objects.hpp>
#include <dnalm/io/detail/torch_records.hpp>
#include <dnalm/io/pickle.hpp>
#include <dnalm/io/torch_checkpoint.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// Collects the tensors of nested dictionaries, lists and tuples under their joined names.
class torch_collector {
 public:
  torch_collector(const torch_objects& objects, const torch_records& records, std::string where)
      : objects_(objects), records_(records), where_(std::move(where)) {}

  [[nodiscard]] std::vector<torch_tensor> read(torch_selection selection) {
    const bool all = selection == torch_selection::everything;
    collect(all ? objects_.root() : objects_.find_state_dict(objects_.root()), "", 0);
    if (tensors_.empty()) {
      throw error(error_kind::format, 275, "PyTorch file holds no tensors in dictionaries or lists",
                  {.where = where_,
                   .expected = "a state dictionary, as torch.save(model.state_dict(), file) writes",
                   .found = objects_.describe(objects_.at(objects_.root()))});
    }
    return std::move(tensors_);
  }

 private:
  static constexpr index_t visit_limit = 1'000'000;
  static constexpr std::size_t name_limit = 4096;

  /// Adds all tensors under a node; `name` is its path.
  void collect(pickle_ref ref, const std::string& name, int depth) {
    if (depth > torch_depth_limit || name.size() > name_limit) fail_limit(name);
    const pickle_node& node = objects_.at(ref);
    const auto path = [&](const std::string& key) { return depth == 0 ? key : name + "." + key; };
    if (objects_.is_tensor(node)) {
      add(ref, name);
    } else if (objects_.is_dictionary(node)) {
      for (std::size_t i = 0; i + 1 < node.pairs.size(); i += 2) {
        if (!is_searched(node.pairs[i + 1], name)) continue;
        const auto key = objects_.key_text(node.pairs[i]);
        if (key) collect(node.pairs[i + 1], path(*key), depth + 1);
      }
    } else if (node.kind == pickle_kind::list || node.kind == pickle_kind::tuple) {
      for (std::size_t i = 0; i < node.items.size(); ++i) {
        if (is_searched(node.items[i], name)) collect(node.items[i], path(std::to_string(i)), depth + 1);
      }
    }
  }

  /// Whether an entry of `name` can hold tensors. \throws error [dnalm.format.268] when there are too many.
  [[nodiscard]] bool is_searched(pickle_ref ref, const std::string& name) {
    if (++visited_ > visit_limit) fail_limit(name);
    const pickle_node& node = objects_.at(ref);
    return node.kind == pickle_kind::list || node.kind == pickle_kind::tuple ||
           objects_.is_dictionary(node) || objects_.is_tensor(node);
  }

  [[noreturn]] void fail_limit(const std::string& name) const {
    throw error(error_kind::format, 268, "a pickle is too large",
                {.where = where_ + ", '" + name.substr(0, 60) + "'",
                 .expected = "at most " + std::to_string(torch_depth_limit) + " levels, " +
                             std::to_string(visit_limit) + " entries and names of " +
                             std::to_string(name_limit) + " letters"});
  }

  void add(pickle_ref ref, const std::string& name) {
    if (!names_.emplace(name, true).second) {
      throw error(error_kind::format, 279, "PyTorch file names a tensor twice",
                  {.where = where_, .found = "'" + name + "'"});
    }
    tensors_.push_back(records_.read(ref, name));
  }

  const torch_objects& objects_;
  const torch_records& records_;
  std::string where_;
  std::map<std::string, bool, std::less<>> names_;
  std::vector<torch_tensor> tensors_;
  index_t visited_ = 0;
};

}  // namespace detail

struct torch_checkpoint::contents {
  contents(const std::filesystem::path& path, file_access access)
      : archive(path, {.without_crc = true}, access), storages(archive, detail::torch_prefix(archive)) {}

  /// Number of a tensor. \throws error [dnalm.format.286].
  [[nodiscard]] std::size_t find(std::string_view name) const {
    return named.number_of(name, archive.name());
  }
  void add(detail::torch_tensor&& tensor) {
    named.add(tensor.info);
    views.push_back({.info = tensor.info, .strides = tensor.strides});
    records.push_back(std::move(tensor));
  }

  zip_reader archive;
  detail::torch_storages storages;
  std::vector<detail::torch_tensor> records;
  std::vector<stored_tensor> views;  // one per record
  std::mutex guard;                  // of the views' bytes
  detail::tensor_list named;
};

DNALM_INLINE torch_checkpoint::torch_checkpoint(const std::filesystem::path& path, torch_selection selection,
                                                file_access access) {
  detail::check_not_legacy(path);
  contents_ = std::make_unique<contents>(path, access);
  const zip_reader& archive = contents_->archive;
  const std::string prefix = detail::torch_prefix(archive);
  detail::check_torch_flavour(archive, prefix);
  const std::string where = path.string() + ", member '" + prefix + "data.pkl'";
  const pickle_graph graph = parse_pickle(archive.read(prefix + "data.pkl"), where);
  const detail::torch_objects objects(graph);
  const detail::torch_records records(objects, contents_->storages, path.string());
  for (auto& tensor : detail::torch_collector(objects, records, path.string()).read(selection)) {
    contents_->add(std::move(tensor));
  }
}

DNALM_INLINE torch_checkpoint::torch_checkpoint(torch_checkpoint&&) noexcept = default;
DNALM_INLINE torch_checkpoint& torch_checkpoint::operator=(torch_checkpoint&&) noexcept = default;
DNALM_INLINE torch_checkpoint::~torch_checkpoint() = default;

DNALM_INLINE const std::vector<tensor_info>& torch_checkpoint::tensors() const {
  return contents_->named.infos();
}

DNALM_INLINE bool torch_checkpoint::contains(std::string_view name) const {
  return contents_->named.contains(name);
}

DNALM_INLINE bool torch_checkpoint::packed(std::string_view name) const {
  return contents_->records[contents_->find(name)].storage->packed();
}

DNALM_INLINE const stored_tensor& torch_checkpoint::tensor(std::string_view name) const {
  const std::size_t number = contents_->find(name);
  const detail::torch_tensor& record = contents_->records[number];
  const auto storage = contents_->storages.load(*record.storage);
  const auto window =
      storage.subspan(static_cast<std::size_t>(record.first_byte), static_cast<std::size_t>(record.bytes));
  const std::lock_guard<std::mutex> alone(contents_->guard);
  stored_tensor& view = contents_->views[number];
  if (view.bytes.data() != window.data()) view.bytes = window;
  return view;
}

DNALM_INLINE void torch_checkpoint::forget(std::string_view name) const {
  contents_->storages.forget(*contents_->records[contents_->find(name)].storage);
}

}  // namespace io
DNALM_END_NAMESPACE

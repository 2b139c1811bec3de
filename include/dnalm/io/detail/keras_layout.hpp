// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Where the weights stand in a Keras HDF5 file, in which order, under which names.
#pragma once

#if defined(DNALM_WITH_HDF5)

#include <set>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/io/detail/hdf5_dataset.hpp>
#include <dnalm/io/detail/hdf5_file.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// A weight: its name in dnalm, its path in the file, its dataset.
struct keras_entry {
  std::string name = {};
  std::string path = {};
  hdf5_dataset dataset = {};
};

/// Walks one file.
class keras_layout {
 public:
  explicit keras_layout(const hdf5_file& file) : file_(file) {
    if (H5Lexists(file.root().get(), "model_weights", H5P_DEFAULT) > 0) base_ = "model_weights";
  }

  /// All weights, as keras_checkpoint documents it.
  [[nodiscard]] std::vector<keras_entry> entries();
  /// An attribute of the root or of the group of weights, empty when there is none.
  [[nodiscard]] std::string attribute(const std::string& name) const;

 private:
  static constexpr std::size_t entry_limit = 100'000;
  static constexpr int depth_limit = 32;

  [[nodiscard]] std::vector<std::string> list(const hdf5_handle& object, const std::string& name,
                                              const std::string& path) const;
  void add_layers(const hdf5_handle& base);
  void add_layer(const std::string& layer);
  void walk(const hdf5_handle& object, const std::string& name, int depth);
  void add(const hdf5_handle& object, const std::string& name);
  [[nodiscard]] std::string path_of(const std::string& name) const {
    return base_.empty() ? name : name.empty() ? base_ : base_ + "/" + name;
  }
  [[noreturn]] void fail_name(const std::string& what, const std::string& name) const {
    throw error(error_kind::format, 295, "names in a Keras file do not fit its content: " + what,
                {.where = file_.where(path_of(name))});
  }

  const hdf5_file& file_;
  std::string base_;
  std::vector<keras_entry> found_;
  std::set<std::string> names_;
};

inline std::vector<keras_entry> keras_layout::entries() {
  const hdf5_handle base = file_.open_path(base_);
  if (hdf5_file::has_attribute(base, "layer_names") || hdf5_file::has_attribute(base, "layer_names0")) {
    add_layers(base);
  } else {
    walk(base, "", 0);
  }
  return std::move(found_);
}

inline std::string keras_layout::attribute(const std::string& name) const {
  for (const std::string& path : {std::string(), base_}) {
    const hdf5_handle object = file_.open_path(path);
    if (!hdf5_file::has_attribute(object, name)) continue;
    const auto texts = file_.texts(object, name, path);
    if (!texts.empty()) return texts.front();
  }
  return {};
}

/// A list of names; Keras cuts long ones into `name0`, `name1`, ...
inline std::vector<std::string> keras_layout::list(const hdf5_handle& object, const std::string& name,
                                                   const std::string& path) const {
  if (hdf5_file::has_attribute(object, name)) return file_.texts(object, name, path);
  std::vector<std::string> all;
  for (int i = 0; hdf5_file::has_attribute(object, name + std::to_string(i)); ++i) {
    for (std::string& text : file_.texts(object, name + std::to_string(i), path))
      all.push_back(std::move(text));
    if (all.size() > entry_limit) fail_name("too many names", "");
  }
  return all;
}

inline void keras_layout::add_layers(const hdf5_handle& base) {
  for (const std::string& layer : list(base, "layer_names", base_)) add_layer(layer);
}

inline void keras_layout::add_layer(const std::string& layer) {
  const hdf5_handle group = file_.open_path(path_of(layer));
  for (const std::string& weight : list(group, "weight_names", path_of(layer))) {
    const std::string name = layer + "/" + weight;
    add(file_.open_path(path_of(name)), name);
  }
}

inline void keras_layout::walk(const hdf5_handle& object, const std::string& name, int depth) {
  const auto kind = H5Iget_type(object.get());
  if (kind == H5I_DATASET) add(object, name);
  if (kind != H5I_GROUP) return;  // a named type
  if (depth > depth_limit) fail_name("groups are nested too deeply, or in a circle", name);
  for (const std::string& child : file_.children(object, path_of(name))) {
    const std::string whole = name.empty() ? child : name + "/" + child;
    walk(file_.open_child(object, child, path_of(whole)), whole, depth + 1);
  }
}

inline void keras_layout::add(const hdf5_handle& object, const std::string& name) {
  if (H5Iget_type(object.get()) != H5I_DATASET) fail_name("a weight is no dataset", name);
  if (!names_.insert(name).second) fail_name("a weight is named twice", name);
  if (found_.size() >= entry_limit) fail_name("too many weights", name);
  const std::string path = path_of(name);
  found_.push_back({name, path, describe_hdf5(object.get(), file_.where(path))});
}

}  // namespace detail

}  // namespace io
DNALM_END_NAMESPACE

#endif

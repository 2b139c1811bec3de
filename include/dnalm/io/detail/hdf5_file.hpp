// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief An HDF5 file for reading: hard links only, no plugins, no words on stderr; attributes of text.
#pragma once

#if defined(DNALM_WITH_HDF5)

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/detail/hdf5_handle.hpp>
#include <dnalm/io/detail/messages.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

class hdf5_file {
 public:
  explicit hdf5_file(const std::filesystem::path& path)
      : where_(path.string()), file_(open(path, where_)), root_(open_root()) {}

  [[nodiscard]] const hdf5_handle& root() const { return root_; }
  /// `file, 'path'` for messages.
  [[nodiscard]] std::string where(const std::string& path) const {
    return where_ + ", '" + excerpt(path, 200) + "'";
  }
  /// The group or dataset at a path of hard links. \throws error [dnalm.format.295] when it leads nowhere,
  /// [dnalm.unsupported.294] for other links.
  [[nodiscard]] hdf5_handle open_path(const std::string& path) const;
  /// A child of a group; `path` is the child's whole path.
  [[nodiscard]] hdf5_handle open_child(const hdf5_handle& group, const std::string& name,
                                       const std::string& path) const;
  /// Names of a group's links, sorted.
  [[nodiscard]] std::vector<std::string> children(const hdf5_handle& group, const std::string& path) const;

  [[nodiscard]] static bool has_attribute(const hdf5_handle& object, const std::string& name) {
    return H5Aexists(object.get(), name.c_str()) > 0;
  }
  /// The texts of an attribute, of fixed or variable length. \throws error [dnalm.format.295] when it is
  /// none.
  [[nodiscard]] std::vector<std::string> texts(const hdf5_handle& object, const std::string& name,
                                               const std::string& path) const;

 private:
  static constexpr index_t text_limit = index_t{256} << 20;

  [[nodiscard]] static hdf5_handle open(const std::filesystem::path& path, const std::string& where);
  [[nodiscard]] hdf5_handle open_root() const {
    return {H5Oopen(file_.get(), "/", H5P_DEFAULT), H5Oclose, "its root", where_};
  }
  [[nodiscard]] static std::vector<std::string> fixed_texts(const hdf5_handle& attribute,
                                                            const hdf5_handle& type, std::size_t count,
                                                            const std::string& where);
  [[nodiscard]] static std::vector<std::string> variable_texts(const hdf5_handle& attribute,
                                                               const hdf5_handle& type,
                                                               const hdf5_handle& space, std::size_t count,
                                                               const std::string& where);
  [[noreturn]] static void fail_name(const std::string& what, const std::string& where) {
    throw error(error_kind::format, 295, "names in a Keras file do not fit its content: " + what,
                {.where = where});
  }

  std::string where_;
  hdf5_handle file_;
  hdf5_handle root_;
};

inline hdf5_handle hdf5_file::open(const std::filesystem::path& path, const std::string& where) {
  (void)H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  (void)H5PLset_loading_state(0);
  const hdf5_handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "access list", where);
  (void)H5Pset_fclose_degree(access.get(), H5F_CLOSE_STRONG);
#if H5_VERSION_GE(1, 10, 7)
  (void)H5Pset_file_locking(access.get(), false, true);
#endif
  return {H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose, "opening it", where};
}

inline hdf5_handle hdf5_file::open_child(const hdf5_handle& group, const std::string& name,
                                         const std::string& path) const {
  const bool plain = !name.empty() && name != "." && name.find('\0') == std::string::npos;
  H5L_info_t link;
  if (!plain || H5Iget_type(group.get()) != H5I_GROUP ||
      H5Lexists(group.get(), name.c_str(), H5P_DEFAULT) <= 0 ||
      H5Lget_info(group.get(), name.c_str(), &link, H5P_DEFAULT) < 0) {
    fail_name("there is no such object", where(path));
  }
  if (link.type != H5L_TYPE_HARD) {
    throw error(error_kind::unsupported, 294, "an HDF5 file uses what is not followed",
                {.where = where(path), .expected = "hard links", .found = "a soft or external link"});
  }
  return {H5Oopen(group.get(), name.c_str(), H5P_DEFAULT), H5Oclose, "opening an object", where(path)};
}

inline hdf5_handle hdf5_file::open_path(const std::string& path) const {
  hdf5_handle object = open_root();
  std::size_t begin = 0;
  while (begin <= path.size() && !path.empty()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    object = open_child(object, path.substr(begin, end - begin), path);
    begin = end + 1;
  }
  return object;
}

inline std::vector<std::string> hdf5_file::children(const hdf5_handle& group, const std::string& path) const {
  H5G_info_t info;
  hdf5_check(H5Gget_info(group.get(), &info), "a group", where(path));
  std::vector<std::string> names;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    const auto name_of = [&](char* to, std::size_t size) {
      return hdf5_check(
          H5Lget_name_by_idx(group.get(), ".", H5_INDEX_NAME, H5_ITER_INC, i, to, size, H5P_DEFAULT),
          "the name of a link", where(path));
    };
    const auto size = static_cast<std::size_t>(name_of(nullptr, 0));
    if (size > 65536 || names.size() > 200'000) fail_name("a name or a group is too long", where(path));
    std::string name(size + 1, '\0');
    (void)name_of(name.data(), name.size());
    name.resize(size);
    names.push_back(std::move(name));
  }
  return names;
}

inline std::vector<std::string> hdf5_file::texts(const hdf5_handle& object, const std::string& name,
                                                 const std::string& path) const {
  const std::string place = where(path) + ", attribute '" + name + "'";
  const hdf5_handle attribute(H5Aopen(object.get(), name.c_str(), H5P_DEFAULT), H5Aclose, "an attribute",
                              place);
  const hdf5_handle space(H5Aget_space(attribute.get()), H5Sclose, "an attribute", place);
  const auto count = hdf5_check(H5Sget_simple_extent_npoints(space.get()), "an attribute", place);
  if (count == 0) return {};  // an empty list is written as one of numbers
  const hdf5_handle type(H5Aget_type(attribute.get()), H5Tclose, "an attribute", place);
  if (H5Tget_class(type.get()) != H5T_STRING || count > 1'000'000) {
    fail_name("an attribute is no list of texts", place);
  }
  const auto size = static_cast<std::size_t>(count);
  if (H5Tis_variable_str(type.get()) > 0) return variable_texts(attribute, type, space, size, place);
  return fixed_texts(attribute, type, size, place);
}

inline std::vector<std::string> hdf5_file::fixed_texts(const hdf5_handle& attribute, const hdf5_handle& type,
                                                       std::size_t count, const std::string& where) {
  const std::size_t width = H5Tget_size(type.get());
  if (width == 0 || width > static_cast<std::size_t>(text_limit) / count) {
    fail_name("an attribute is too long", where);
  }
  std::string letters(width * count, '\0');
  hdf5_check(H5Aread(attribute.get(), type.get(), letters.data()), "an attribute", where);
  const bool spaces = H5Tget_strpad(type.get()) == H5T_STR_SPACEPAD;
  std::vector<std::string> list;
  for (std::size_t i = 0; i < count; ++i) {
    std::string text = letters.substr(i * width, width);
    text.resize(std::min(text.find('\0'), text.size()));
    if (spaces) text.resize(text.find_last_not_of(' ') + 1);
    list.push_back(std::move(text));
  }
  return list;
}

inline std::vector<std::string> hdf5_file::variable_texts(const hdf5_handle& attribute,
                                                          const hdf5_handle& type, const hdf5_handle& space,
                                                          std::size_t count, const std::string& where) {
  std::vector<char*> texts(count, nullptr);
  hdf5_check(H5Aread(attribute.get(), type.get(), texts.data()), "an attribute", where);
  std::vector<std::string> list;
  for (const char* text : texts) list.emplace_back(text == nullptr ? "" : text);
  (void)H5Dvlen_reclaim(type.get(), space.get(), H5P_DEFAULT, texts.data());
  return list;
}

}  // namespace detail

}  // namespace io
DNALM_END_NAMESPACE

#endif

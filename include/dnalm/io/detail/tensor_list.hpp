// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The tensors of a file in its order, found by name.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/io/detail/messages.hpp>
#include <dnalm/io/tensor_info.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// What a reader lists of its file; names are unique.
class tensor_list {
 public:
  /// Requires a name that is not there yet.
  void add(const tensor_info& info) {
    numbers_.emplace(info.name, infos_.size());
    infos_.push_back(info);
  }
  [[nodiscard]] const std::vector<tensor_info>& infos() const { return infos_; }
  [[nodiscard]] bool empty() const { return infos_.empty(); }
  [[nodiscard]] bool contains(std::string_view name) const { return numbers_.find(name) != numbers_.end(); }
  /// Number of a tensor, from 0. \throws error [dnalm.format.286] naming `file` when there is none.
  [[nodiscard]] std::size_t number_of(std::string_view name, const std::filesystem::path& file) const {
    const auto found = numbers_.find(name);
    if (found == numbers_.end()) throw_no_tensor(name, file.string());
    return found->second;
  }

 private:
  std::vector<tensor_info> infos_;
  std::map<std::string, std::size_t, std::less<>> numbers_;
};

}  // namespace detail

}  // namespace io
DNALM_END_NAMESPACE

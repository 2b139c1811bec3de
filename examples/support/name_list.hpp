// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The first names of a list that a person reads.
#pragma once

#include <cstddef>
#include <string>

#include <support/plain_text.hpp>

namespace program {

/// Names with commas between them until they have so many letters; `, ...` for those that were left out.
class name_list {
 public:
  explicit name_list(std::size_t most_letters) : most_letters_(most_letters) {}

  void add(const std::string& name) {
    if (text_.size() < most_letters_) {
      text_.append(text_.empty() ? "" : ", ").append(plain(name));
    } else {
      more_ = true;
    }
  }
  [[nodiscard]] std::string text() const { return text_ + (more_ ? ", ..." : ""); }

 private:
  std::size_t most_letters_;
  std::string text_ = {};
  bool more_ = false;
};

}  // namespace program

// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief How many threads this process has.
#pragma once

#include <filesystem>
#include <iterator>

namespace dnalm_test {

[[nodiscard]] inline int running_threads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<int>(std::distance(begin(tasks), end(tasks)));
}

}  // namespace dnalm_test

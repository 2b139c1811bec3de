// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What the golden cases of every network of sequence_golden_runs.hpp are held to.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <dnalm/models/backends.hpp>
#include <support/instruction_sets.hpp>
#include <unit/models/sequence_golden_runs.hpp>

namespace dnalm_test {

/// Hidden states and logits in double: within 1e-9 of the largest number, or of 1.
template <template <class> class Network>
void check_golden_in_double(const std::filesystem::path& folder, const std::vector<std::string>& cases) {
  for (const std::string& name : cases) {
    INFO(name);
    const double worst = worst_of_case<Network>(folder, name, dnalm::reference_backend(), true);
    if (std::getenv("DNALM_TEST_VERBOSE") != nullptr) WARN(name << ": " << worst);
    CHECK(worst < 1e-9);
  }
}

/// In float: within 1e-4, with every instruction set.
template <template <class> class Network>
void check_golden_in_float(const std::filesystem::path& folder, const std::vector<std::string>& cases) {
  for (const dnalm::isa set : instruction_sets()) {
    for (const std::string& name : cases) {
      INFO(name << " " << dnalm::to_string(set));
      const double worst = worst_of_case<Network>(folder, name, dnalm::cpu_backend(set), false);
      if (std::getenv("DNALM_TEST_VERBOSE") != nullptr) WARN(name << ": " << worst);
      CHECK(worst < 1e-4);
    }
  }
}

/// Gradients in double: within 1e-9 of the largest number.
template <template <class> class Network>
void check_golden_gradients_in_double(const std::filesystem::path& folder,
                                      const std::vector<std::string>& cases) {
  for (const std::string& name : cases) {
    const auto gaps = gradients_of_case<Network>(folder, name, dnalm::reference_backend());
    CHECK(gaps.size() >= 2);
    for (const auto& [key, gap, pytorch, sums] : gaps) {
      INFO(name << " " << key);
      CHECK(gap < 1e-9);
    }
  }
}

/// In float: within 1e-4, or 4 times PyTorch's own error.
template <template <class> class Network>
void check_golden_gradients_in_float(const std::filesystem::path& folder,
                                     const std::vector<std::string>& cases) {
  for (const std::string& name : cases) {
    const auto gaps = gradients_of_case<Network>(folder, name, dnalm::cpu_backend());
    for (const auto& [key, gap, pytorch, sums] : gaps) {
      INFO(name << " " << key << ": " << gap << ", PyTorch " << pytorch);
      CHECK(gap < std::max(1e-4, 4 * pytorch));
    }
  }
}

}  // namespace dnalm_test

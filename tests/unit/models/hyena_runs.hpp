// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Golden checkpoints of HyenaDNA (tests/golden/make/make_hyena.py) run on a backend.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <dnalm/models/hyena_network.hpp>
#include <dnalm/models/hyena_tensors.hpp>
#include <unit/models/sequence_golden_runs.hpp>

namespace dnalm_test {

inline const std::filesystem::path golden_hyena = std::filesystem::path(DNALM_GOLDEN_DIR) / "hyena";

inline const std::vector<std::string> hyena_cases = {
    "original", "original_checkpointing", "original_plain_filter", "hub", "hub_tied", "hub_long"};

template <class B>
double worst_of_hyena(const std::string& name, const B& backend, bool relative, index_t piece = 0) {
  return worst_of_case<dnalm::hyena_network>(golden_hyena, name, backend, relative, piece);
}

}  // namespace dnalm_test

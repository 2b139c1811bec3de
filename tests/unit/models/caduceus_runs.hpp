// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Golden checkpoints of Caduceus (tests/golden/make/make_caduceus.py) run on a backend.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <dnalm/models/caduceus_network.hpp>
#include <dnalm/models/caduceus_tensors.hpp>
#include <unit/models/sequence_golden_runs.hpp>

namespace dnalm_test {

inline const std::filesystem::path golden_caduceus = std::filesystem::path(DNALM_GOLDEN_DIR) / "caduceus";

inline const std::vector<std::string> caduceus_cases = {"ph",      "ph_untied", "ps",
                                                        "ps_even", "ps_plain",  "ps_long"};

template <class B>
double worst_of_caduceus(const std::string& name, const B& backend, bool relative, index_t piece = 0) {
  return worst_of_case<dnalm::caduceus_network>(golden_caduceus, name, backend, relative, piece);
}

}  // namespace dnalm_test

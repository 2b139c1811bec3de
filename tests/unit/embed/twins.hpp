// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What the tests of embed share: models with random weights, and results for a comparison of bits.
#pragma once

#include <vector>

#include <dnalm/embed/embeddings.hpp>
#include <dnalm/models/load_model.hpp>
#include <support/small_models.hpp>

namespace dnalm_test {

/// NT-v2 with 3-mers: CLS, no EOS.
inline dnalm::model nt_twin(const dnalm::load_options& options = {}) {
  const temporary_folder folder("nt");
  write_nt_v2_folder(folder.path());
  return dnalm::random_twin(folder.path(), 3, options);
}
/// DNABERT-2: CLS and SEP.
inline dnalm::model dnabert2_twin() {
  const temporary_folder folder("dnabert2");
  write_dnabert2_folder(folder.path());
  return dnalm::random_twin(folder.path(), 3);
}

/// Every number of a result.
inline std::vector<float> bits_of(const dnalm::embeddings& e) {
  std::vector<float> bits;
  for (const auto& array : e.values) bits.insert(bits.end(), array.begin(), array.end());
  bits.insert(bits.end(), e.logits.begin(), e.logits.end());
  return bits;
}

}  // namespace dnalm_test

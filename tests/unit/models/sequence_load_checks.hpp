// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What load_model gives for the golden folders of every network of sequence_golden_runs.hpp.
#pragma once

#include <cmath>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <dnalm/embed/embeddings.hpp>
#include <dnalm/models/inspect.hpp>
#include <dnalm/models/load_model.hpp>
#include <support/catch.hpp>
#include <support/same_bits.hpp>
#include <unit/models/sequence_golden_runs.hpp>

namespace dnalm_test {

/// The model of a case, which computes the stored numbers; all its tensors are known.
inline dnalm::model checked_model(const std::filesystem::path& folder, const std::string& name) {
  const dnalm::model network = dnalm::load_model(folder / name);
  CHECK(network.describe().heads() == 0);
  REQUIRE(network.describe().tokens.has_value());
  CHECK(worst_of_loaded({folder, name}, network, true) < 1e-4);
  return network;
}

/// Every tensor of a folder is called used.
inline void check_all_tensors_used(const dnalm::model_inspection& inspected) {
  CHECK(inspected.loadable());
  for (const dnalm::inspected_tensor& tensor : inspected.tensors) {
    INFO(tensor.info.name);
    CHECK(tensor.status == dnalm::tensor_status::used);
  }
}

/// A sequence has the same bits alone and beside another; a random twin has other numbers, finite ones.
inline void check_embedding_and_twin(const std::filesystem::path& folder) {
  const dnalm::model network = dnalm::load_model(folder);
  const index_t width = network.describe().width();
  const index_t last = network.describe().layers();
  const std::vector<dnalm::io::sequence_record> sequences{{"a", "ACGTNACGTTGCA"}, {"b", "GATTACA"}};
  const auto both = dnalm::embed(network, sequences, {.logits = true});
  const auto alone = dnalm::embed(network, std::span(sequences).subspan(1), {.logits = true});
  const auto& mean = both.at(dnalm::pooling::mean, last);
  const auto& one = alone.at(dnalm::pooling::mean, last);
  REQUIRE(static_cast<index_t>(mean.shape(1)) == width);
  const auto numbers = static_cast<std::size_t>(width);
  CHECK(same_bits(std::span(mean.data() + width, numbers), std::span(one.data(), numbers)));
  const dnalm::model twin = dnalm::random_twin(network, 7);
  CHECK(twin.describe().name == "random:" + folder.filename().string());
  const auto random = dnalm::embed(twin, sequences, {});
  bool differs = false;
  for (index_t c = 0; c < width; ++c) {
    REQUIRE(std::isfinite(random.at(dnalm::pooling::mean, last)(0, c)));
    differs = differs || random.at(dnalm::pooling::mean, last)(0, c) != mean(0, c);
  }
  CHECK(differs);
}

}  // namespace dnalm_test

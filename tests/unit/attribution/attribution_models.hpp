// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Small models of every kind of tokenizer and network, and probes for them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <dnalm/core/philox.hpp>
#include <dnalm/models/load_model.hpp>
#include <dnalm/probe/fitted_probe.hpp>
#include <support/small_models.hpp>

namespace dnalm_test {

inline const std::filesystem::path golden_folder = DNALM_GOLDEN_DIR;

/// NT-v2 with 3-mers that do not overlap, random weights of seed 3.
inline dnalm::model kmer_model(const dnalm::load_options& options = {}) {
  const temporary_folder folder("nt");
  write_nt_v2_folder(folder.path());
  return dnalm::random_twin(folder.path(), 3, options);
}
/// NT-v2 with 6-mers.
inline dnalm::model six_mer_model(const dnalm::load_options& options = {}) {
  const temporary_folder folder("nt");
  write_nt_v2_folder(folder.path(), 6);
  return dnalm::random_twin(folder.path(), 3, options);
}
/// DNABERT with 3-mers that overlap.
inline dnalm::model overlapping_model(const dnalm::load_options& options = {}) {
  const temporary_folder folder("dnabert");
  write_dnabert_folder(folder.path());
  return dnalm::random_twin(folder.path(), 3, options);
}
/// DNABERT-2: tokens of many lengths.
inline dnalm::model piece_model(const dnalm::load_options& options = {}) {
  const temporary_folder folder("dnabert2");
  write_dnabert2_folder(folder.path());
  return dnalm::random_twin(folder.path(), 3, options);
}
/// One base a token: HyenaDNA.
inline dnalm::model hyena_model(const dnalm::load_options& options = {}) {
  return dnalm::load_model(golden_folder / "hyena" / "hub", options);
}
/// One base a token, both strands: Caduceus-PS.
inline dnalm::model caduceus_model(const dnalm::load_options& options = {}) {
  return dnalm::load_model(golden_folder / "caduceus" / "ps", options);
}
/// One base a token: GPN.
inline dnalm::model gpn_model(const dnalm::load_options& options = {}) {
  const std::filesystem::path source = DNALM_SOURCE_DIR;
  return dnalm::load_model(source / "examples/data/models/dnalm-yeast-human-gpn", options);
}
/// A network of layers on one-hot rows whose hidden states have sizes of their own.
inline dnalm::model layer_model(const dnalm::load_options& options = {}) {
  return dnalm::load_model(golden_folder / "supervised" / "legnet", options);
}

inline std::string random_bases(std::uint64_t seed, dnalm::index_t length) {
  dnalm::philox random(seed, 77);
  std::string text;
  for (dnalm::index_t i = 0; i < length; ++i) text += "ACGT"[random.below(4)];
  return text;
}

/// A probe with random weights: `outputs` numbers of a layer.
inline dnalm::fitted_probe random_probe(const dnalm::model& network, dnalm::index_t layer,
                                        const std::string& pooling, dnalm::index_t outputs = 1) {
  dnalm::fitted_probe probe;
  probe.model = network.describe().name;
  probe.layer = layer;
  probe.pooling = pooling;
  probe.width = network.state_width(layer);
  dnalm::philox random(11, static_cast<std::uint64_t>(layer));
  for (dnalm::index_t o = 0; o < outputs; ++o) {
    probe.targets.push_back({.name = "t" + std::to_string(o), .first_output = o});
    probe.intercept.push_back(random.normal());
    for (dnalm::index_t d = 0; d < probe.width; ++d) probe.weights.push_back(random.normal());
  }
  return probe;
}

}  // namespace dnalm_test

// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The checkpoints under tests/golden/models: which there are, and the batches they were run on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <dnalm/io/json.hpp>
#include <dnalm/io/safetensors.hpp>
#include <dnalm/tensor/ragged.hpp>

namespace dnalm_test {

inline const std::filesystem::path golden_models = std::filesystem::path(DNALM_GOLDEN_DIR) / "models";

/// A line of INDEX.json.
struct golden_case {
  std::string name = {};
  dnalm::index_t layers = 0;
  int inputs = 0;  ///< batches
};

inline std::vector<golden_case> golden_cases() {
  std::vector<golden_case> cases;
  const auto index = dnalm::io::read_json_file(golden_models / "INDEX.json");
  for (const auto& entry : index.at("cases")) {
    cases.push_back({entry.at("name").get<std::string>(), entry.at("layers").get<dnalm::index_t>(),
                     entry.at("inputs").get<int>()});
  }
  return cases;
}

inline std::vector<double> read_numbers(const dnalm::io::safetensors_file& file, const std::string& name) {
  const auto& stored = file.tensor(name);
  std::vector<double> values(static_cast<std::size_t>(stored.info.size()));
  dnalm::io::read_stored(stored, std::span<double>(values));
  return values;
}

/// One batch of a golden file without its padding.
struct golden_batch {
  std::vector<std::int32_t> ids = {};
  std::vector<std::int32_t> types = {};
  dnalm::ragged_offsets offsets = {};
  std::vector<dnalm::index_t> rows = {};  ///< of the padded batch, in order
};

inline golden_batch read_batch(const dnalm::io::safetensors_file& file, const std::string& prefix) {
  const auto ids = read_numbers(file, prefix + "input_ids");
  const auto mask = read_numbers(file, prefix + "attention_mask");
  std::vector<double> types;
  if (file.contains(prefix + "token_type_ids")) types = read_numbers(file, prefix + "token_type_ids");
  const auto& shape = file.tensor(prefix + "input_ids").info.shape;
  golden_batch batch;
  for (dnalm::index_t s = 0; s < shape[0]; ++s) {
    dnalm::index_t length = 0;
    for (dnalm::index_t t = 0; t < shape[1]; ++t) {
      const auto at = static_cast<std::size_t>(s * shape[1] + t);
      if (mask[at] == 0) continue;
      ++length;
      batch.ids.push_back(static_cast<std::int32_t>(ids[at]));
      if (!types.empty()) batch.types.push_back(static_cast<std::int32_t>(types[at]));
      batch.rows.push_back(static_cast<dnalm::index_t>(at));
    }
    batch.offsets.append(length);
  }
  return batch;
}

}  // namespace dnalm_test

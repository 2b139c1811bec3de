// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What the tests of language-model maps share: records, and rows of logits one pass at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <dnalm/io/sequence_record.hpp>
#include <dnalm/models/load_model.hpp>
#include <support/temporary_folder.hpp>
#include <unit/embed/twins.hpp>

namespace dnalm_test {

inline std::vector<dnalm::io::sequence_record> records_of(const std::vector<std::string>& sequences) {
  std::vector<dnalm::io::sequence_record> records(sequences.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    records[i].name = "s" + std::to_string(i);
    records[i].sequence = sequences[i];
  }
  return records;
}

/// All logits of one sequence of token numbers.
inline std::vector<std::vector<float>> logits_of(const dnalm::model& network,
                                                 const std::vector<std::int32_t>& ids) {
  dnalm::ragged_offsets offsets;
  offsets.append(static_cast<dnalm::index_t>(ids.size()));
  std::vector<std::vector<float>> rows;
  dnalm::forward_workspace workspace;
  const auto take = [&](dnalm::matrix_view<const float> x) {
    for (dnalm::index_t r = 0; r < x.rows; ++r) rows.emplace_back(x.row(r).begin(), x.row(r).end());
  };
  network.logits({ids, offsets}, take, workspace);
  return rows;
}

/// DNABERT with 3-mers, one base apart.
inline dnalm::model dnabert_twin() {
  const temporary_folder folder("dnabert");
  write_dnabert_folder(folder.path());
  return dnalm::random_twin(folder.path(), 3);
}

}  // namespace dnalm_test

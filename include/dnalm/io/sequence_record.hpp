// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief One sequence with what a file says about it.
#pragma once

#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/sequence_error.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// A named sequence with optional labels.
struct sequence_record {
  std::string name = {};            ///< first word of a FASTA header, the column `name`, or the row number
  std::string sequence = {};        ///< letters under the policy of the reader
  std::vector<double> labels = {};  ///< one per target of the table, NaN where missing
  std::string split = {};           ///< "train", "valid", "test", or "" where the file has no such column
  std::string group = {};           ///< chromosome or cluster, or ""
  index_t number = 0;               ///< row in the file, from 0 (headers and remarks do not count)
};

/// How errors call the record at `place` (from 0) among those that are worked on: `sequence 'chr8:1-200'`, or
/// by its number, from 1, when it has no name.
[[nodiscard]] inline std::string sequence_words(const sequence_record& record, index_t place) {
  return record.name.empty() ? dnalm::detail::sequence_words(place)
                             : dnalm::detail::sequence_words(record.name);
}

}  // namespace io
DNALM_END_NAMESPACE

// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Sequences from FASTA, FASTQ, 2bit or a table; the format is told by the content.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/line_reader.hpp>
#include <dnalm/io/sequence_record.hpp>
#include <dnalm/sequence/alphabet.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// How sequences are read.
struct sequence_file_options {
  unknown_policy unknown = unknown_policy::error;  ///< letters other than ACGTN
  text_limits limits = {};                         ///< against hostile files
};

/// All records of a file, in its order.
struct sequence_table {
  std::string file = {};                      ///< where it was read
  std::vector<sequence_record> records = {};  ///< at least one
  std::vector<std::string> targets = {};      ///< names of the labels: `label`, or those of `label.<target>`
  bool has_split = false;
  bool has_group = false;
};

/// Reads a file (or `-`, standard input), plain or gzip.
///
/// First four bytes those of 2bit (a regular file, not compressed): its sequences, upper-cased but for the
/// policy `literal`, which keeps soft-masked letters in lower case. First character `>`: FASTA; `@`: FASTQ;
/// else a table with the column `sequence` and optional `name`,
/// `label` or `label.<target>`, `split` (train, valid, test), `group`; other columns are ignored. A record
/// without a name is named by its number (from 0). Labels that are empty or NaN are missing (NaN). \throws
/// error [dnalm.input.193] for an empty file, [dnalm.format.185] for a table without `sequence` or with both
/// forms of label, [dnalm.input.181] for an empty sequence, [dnalm.input.150] for an unknown letter,
/// [dnalm.input.189] for a label that is no number, [dnalm.input.190] for an unknown split, [dnalm.input.191]
/// for an empty group, [dnalm.input.192] for a name used twice, and as the readers
/// (two_bit_file too).
[[nodiscard]] sequence_table read_sequences(const std::filesystem::path& file,
                                            const sequence_file_options& options = {});

}  // namespace io
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/io/detail/sequence_file_impl.hpp>
#endif

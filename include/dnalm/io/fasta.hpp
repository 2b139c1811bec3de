// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief FASTA and FASTQ records, one at a time.
#pragma once

#include <string>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/line_reader.hpp>
#include <dnalm/io/sequence_record.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// Reads FASTA: `>name remarks`, then the sequence on any number of lines. Blank lines and blanks at line
/// ends do not count. Letters are passed as they stand.
class fasta_reader {
 public:
  /// `lines` must outlive the reader.
  explicit fasta_reader(line_reader& lines) : lines_(lines) {}

  /// Reads the next record (name, sequence, number); false at the end.
  /// \throws error [dnalm.format.180] for text before the first header, [dnalm.input.181] for a record
  /// without letters, and as line_reader.
  [[nodiscard]] bool next(sequence_record& record);

 private:
  line_reader& lines_;
  index_t number_ = 0;
};

/// Reads FASTQ of four lines a record: `@name`, letters, `+`, qualities (checked and dropped).
class fastq_reader {
 public:
  /// `lines` must outlive the reader.
  explicit fastq_reader(line_reader& lines) : lines_(lines) {}

  /// Reads the next record (name, sequence, number); false at the end.
  /// \throws error [dnalm.format.182] for a record that is cut or breaks the format, [dnalm.format.183] when
  /// letters and qualities differ in number, [dnalm.input.181] for a record without letters.
  [[nodiscard]] bool next(sequence_record& record);

 private:
  line_reader& lines_;
  index_t number_ = 0;
};

}  // namespace io
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/io/detail/fasta_impl.hpp>
#endif

// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Any bytes as a file of sequences: FASTA, FASTQ or a table, plain or gzip, under every policy for
/// letters.
///
/// The first byte chooses the policy and whether the rest is packed by gzip here.
#include <cmath>
#include <set>

#include <dnalm/io/sequence_file.hpp>

#include "fuzz_support.hpp"

namespace {

using namespace dnalm_fuzz;

void check_record(const dnalm::io::sequence_record& record, const dnalm::io::sequence_table& table,
                  dnalm::unknown_policy policy) {
  promise(!record.sequence.empty(), "a record has letters");
  promise(!record.name.empty(), "a record has a name");
  promise(record.labels.size() == table.targets.size(), "one label per target");
  for (const double label : record.labels) promise(!std::isinf(label), "labels are finite or missing");
  promise(table.has_split == !record.split.empty(), "a split where there is such a column");
  promise(table.has_group == !record.group.empty(), "a group where there is such a column");
  if (policy == dnalm::unknown_policy::literal) return;
  promise(record.sequence.find_first_not_of("ACGTN") == std::string::npos, "only ACGTN is left");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static memory_file file("sequences");
  const std::string path = file.path();
  input in(data, size);
  const unsigned choice = in.byte();
  file.fill((choice & 4) != 0 ? compressed(in.rest(), 31) : std::string(in.rest()));
  dnalm::io::sequence_file_options options;
  options.limits = {.line_bytes = 1 << 16, .total_bytes = 1 << 20};
  options.unknown = (choice & 3) == 0   ? dnalm::unknown_policy::error
                    : (choice & 3) == 1 ? dnalm::unknown_policy::n
                                        : dnalm::unknown_policy::literal;
  guarded(
      [&] {
        const auto table = dnalm::io::read_sequences(path, options);
        promise(!table.records.empty(), "a file that is read has records");
        std::set<std::string> names;
        for (const auto& record : table.records) {
          check_record(record, table, options.unknown);
          promise(names.insert(record.name).second, "names are told apart");
        }
      },
      path);
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Any bytes as a 2bit genome: sequences, slices and blocks agree with one another.
#include <algorithm>

#include <dnalm/io/two_bit.hpp>

#include "fuzz_support.hpp"

namespace {

using namespace dnalm_fuzz;
using dnalm::io::base_range;
using dnalm::io::soft_mask;
using dnalm::io::two_bit_file;

void check_blocks(const std::vector<base_range>& blocks, index_t length) {
  index_t end = 0;
  for (const auto& block : blocks) {
    promise(block.begin >= end && block.end >= block.begin && block.end <= length,
            "blocks are in order and inside");
    end = block.end;
  }
}

void check_sequence(const two_bit_file& genome, const std::string& name, index_t length) {
  promise(genome.contains(name) && genome.length(name) == length, "sequences are found by name");
  const auto unknown = genome.n_blocks(name);
  const auto masked = genome.mask_blocks(name);
  check_blocks(unknown, length);
  check_blocks(masked, length);
  if (length > (index_t{1} << 20)) return;  // cannot be: four bases take a byte
  const std::string upper = genome.sequence(name);
  const std::string lower = genome.sequence(name, soft_mask::lower);
  promise(static_cast<index_t>(upper.size()) == length && lower.size() == upper.size(),
          "as many bases as stated");
  promise(upper.find_first_not_of("ACGTN") == std::string::npos, "upper case is ACGTN");
  index_t count = 0;
  for (const auto& block : unknown) count += block.end - block.begin;
  promise(std::count(upper.begin(), upper.end(), 'N') == count, "N stands in the N blocks");
  count = 0;
  for (const auto& block : masked) count += block.end - block.begin;
  promise(std::count_if(lower.begin(), lower.end(), [](char c) { return c >= 'a'; }) == count,
          "lower case stands in the masked blocks");
  const index_t begin = length / 3;
  const index_t end = std::max(begin, length - length / 5);
  promise(genome.slice(name, begin, end, soft_mask::lower) ==
              lower.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)),
          "a slice is a part of the sequence");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static memory_file file("two_bit");
  const std::string path = file.path();
  file.fill({reinterpret_cast<const char*>(data), size});
  for (const auto access : {dnalm::io::file_access::mapped, dnalm::io::file_access::buffered}) {
    guarded(
        [&] {
          const two_bit_file genome(path, access);
          for (const auto& entry : genome.sequences()) check_sequence(genome, entry.name, entry.length);
        },
        path);
  }
  (void)dnalm::io::is_two_bit(path);
  return 0;
}

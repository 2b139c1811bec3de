// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Golden files of hashes (tests/golden/make/make_tokenizers.py): each number stands for a block of
/// lists of numbers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <vector>

#include <support/catch.hpp>

#include "golden_sequences.hpp"

namespace dnalm_test {

/// Little-endian numbers of 32 bits.
inline std::vector<std::uint32_t> read_hashes(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::vector<std::uint32_t> hashes;
  for (unsigned char bytes[4]; stream.read(reinterpret_cast<char*>(bytes), 4);) {
    hashes.push_back(bytes[0] | (static_cast<std::uint32_t>(bytes[1]) << 8) |
                     (static_cast<std::uint32_t>(bytes[2]) << 16) |
                     (static_cast<std::uint32_t>(bytes[3]) << 24));
  }
  return hashes;
}

/// `numbers(i)` for i = 0 to lists - 1, in blocks (the last may be shorter), against the file's hash of the
/// hashes of each. The first block that differs, -1 where none does; every `stride`th is compared.
template <class Numbers>
int first_wrong_block(const std::filesystem::path& file, std::size_t lists, std::size_t block,
                      Numbers numbers, std::size_t stride) {
  const std::vector<std::uint32_t> expected = read_hashes(file);
  REQUIRE(expected.size() == (lists + block - 1) / block);
  for (std::size_t b = 0; b < expected.size(); b += stride) {
    std::vector<std::int32_t> hashes;
    for (std::size_t i = b * block; i < std::min((b + 1) * block, lists); ++i) {
      hashes.push_back(static_cast<std::int32_t>(hash_of_ids(numbers(i))));
    }
    if (hash_of_ids(hashes) != expected[b]) return static_cast<int>(b);
  }
  return -1;
}

}  // namespace dnalm_test

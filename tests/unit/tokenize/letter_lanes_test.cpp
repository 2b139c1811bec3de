// SPDX-License-Identifier: Apache-2.0
#include <dnalm/tokenize/detail/letter_lanes.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <support/catch.hpp>

using dnalm::detail::letter_lanes;

namespace {

using table_type = std::array<std::int32_t, 256>;

table_type table_of(const std::string& letters, bool folds) {
  table_type table;
  table.fill(-1);
  std::int32_t id = 200;
  for (const char letter : letters) {
    table[static_cast<unsigned char>(letter)] = id;
    if (folds) table[static_cast<unsigned char>(letter - 'A' + 'a')] = id;
    id += 7;
  }
  return table;
}

std::vector<bool> ways() {
  if (dnalm::detail::has_letter_lanes_avx2()) return {false, true};
  return {false};
}

}  // namespace

TEST_CASE("letter lanes: every byte in every lane is the number of its letter or stops the run") {
  for (const bool folds : {false, true}) {
    for (const char fifth : {'N', 'U'}) {
      const table_type table = table_of(std::string("ACGT") + fifth, folds);
      for (const bool takes_avx2 : ways()) {
        CAPTURE(folds, fifth, takes_avx2);
        const letter_lanes lanes(table, fifth, folds, takes_avx2);
        const std::string text = "ACGTTGCAACGTTGCA";
        std::array<std::int32_t, letter_lanes::width> ids{};
        int wrong = 0;
        for (int byte = 0; byte < 256; ++byte) {
          for (std::size_t lane = 0; lane < text.size(); ++lane) {
            std::string changed = text;
            changed[lane] = static_cast<char>(byte);
            const bool known = table[static_cast<std::size_t>(byte)] >= 0;
            if (lanes.encode(changed, ids.data()) != (known ? text.size() : 0)) ++wrong;
            for (std::size_t i = 0; known && i < text.size(); ++i) {
              if (ids[i] != table[static_cast<unsigned char>(changed[i])]) ++wrong;
            }
          }
        }
        CHECK(wrong == 0);
      }
    }
  }
}

TEST_CASE(
    "letter lanes: a run ends before the sixteen letters that hold a foreign one, and before an odd end") {
  for (const bool takes_avx2 : ways()) {
    CAPTURE(takes_avx2);
    const letter_lanes lanes(table_of("ACGTN", true), 'N', true, takes_avx2);
    std::vector<std::int32_t> ids(100, -5);
    CHECK(lanes.encode(std::string(47, 'a'), ids.data()) == 32);
    CHECK(ids[31] == 200);
    CHECK(ids[32] == -5);
    CHECK(lanes.encode(std::string(40, 'C') + "R" + std::string(40, 'C'), ids.data()) == 32);
    CHECK(lanes.encode(std::string(15, 'C'), ids.data()) == 0);
  }
}

TEST_CASE(
    "letter lanes: numbers that do not fit a byte, and a fifth letter without number, are left to the "
    "table") {
  table_type large = table_of("ACGTN", false);
  large['G'] = 256;
  table_type four = table_of("ACGT", false);
  for (const bool takes_avx2 : ways()) {
    CAPTURE(takes_avx2);
    std::array<std::int32_t, 16> ids{};
    CHECK(letter_lanes(large, 'N', false, takes_avx2).encode("ACGTACGTACGTACGT", ids.data()) == 0);
    CHECK(letter_lanes(four, 'N', false, takes_avx2).encode("ACGTACGTACGTACGT", ids.data()) == 16);
    CHECK(letter_lanes(four, 'N', false, takes_avx2).encode("ACGTACGTNCGTACGT", ids.data()) == 0);
  }
}

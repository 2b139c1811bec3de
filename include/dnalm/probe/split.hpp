// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Which rows train, validate and test; groups stay whole.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// What a row is used for.
enum class split_part : std::uint8_t { train, valid, test };

/// `train`, `valid`, `test`.
[[nodiscard]] inline std::string_view to_string(split_part part) {
  return part == split_part::train ? "train" : (part == split_part::valid ? "valid" : "test");
}

/// The part of a table's text (`train`, `valid`, `test`). \throws error [dnalm.input.534].
[[nodiscard]] inline split_part parse_split(std::string_view text, const std::string& where = "") {
  for (const auto part : {split_part::train, split_part::valid, split_part::test}) {
    if (text == to_string(part)) return part;
  }
  throw error(error_kind::input, 534, "unknown split",
              {.where = where, .expected = "train, valid or test", .found = "'" + std::string(text) + "'"});
}

/// Dense numbers of group names by first appearance.
[[nodiscard]] std::vector<index_t> number_groups(std::span<const std::string> groups);

/// Assigns whole groups to test (10 % of the rows), valid (10 %) and train (the rest).
///
/// Groups are ordered by a draw of Philox(seed, hash of the group's name) and taken in that order: test until
/// it holds a tenth of the rows, then valid likewise. So the result depends on the seed and on the groups and
/// their sizes, never on the order of the rows, and no part is empty when there are at least three groups.
/// \param groups one name per row; pass the rows' own names when there are no groups.
/// \throws error [dnalm.input.539] with fewer than three groups. Cost: O(n log n).
[[nodiscard]] std::vector<split_part> assign_split(std::span<const std::string> groups, std::uint64_t seed);

/// Assigns whole groups to `folds` folds: in the order of their draws, each to the fold with the fewest rows
/// so far. \throws error [dnalm.input.539] with fewer groups than folds or fewer than two folds. Cost: O(n
/// log n).
[[nodiscard]] std::vector<index_t> assign_folds(std::span<const std::string> groups, index_t folds,
                                                std::uint64_t seed);

/// \throws error [dnalm.input.527] naming a group that has rows in two parts.
void check_groups_are_whole(std::span<const std::string> groups, std::span<const split_part> parts);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/probe/detail/split_impl.hpp>
#endif

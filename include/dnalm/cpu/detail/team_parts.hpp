// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief How the kernels of one pass are cut into parts for a team of threads.
///
/// A kernel by rows computes every row from that row alone, one by heads every head from that head alone: any
/// cut gives the same bits.
#pragma once

#include <algorithm>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/thread_team.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Rows that the product kernels take at a time: parts are multiples of it.
inline constexpr index_t part_tile_rows = 12;
/// Numbers that a part of a cheap kernel has at least: fewer take less time than waking a thread.
inline constexpr index_t least_part_numbers = index_t{1} << 14;

/// Rows of a part: the same number of parts for each member, none of more than `most` rows, whole tiles.
[[nodiscard]] inline index_t rows_of_part(index_t rows, index_t members, index_t most) {
  const index_t rounds = std::max<index_t>((rows + members * most - 1) / (members * most), 1);
  const index_t share = (rows + members * rounds - 1) / (members * rounds);
  return std::max<index_t>((share + part_tile_rows - 1) / part_tile_rows, 1) * part_tile_rows;
}

/// work(first, count, member) over all rows; without a team, or of one part, in one call.
template <class Work>
void for_parts_of_rows(thread_team* team, index_t rows, index_t part, Work&& work) {
  if (team == nullptr || part >= rows) {
    work(index_t{0}, rows, 0);
    return;
  }
  team->run((rows + part - 1) / part,
            [&](index_t p, int member) { work(p * part, std::min(part, rows - p * part), member); });
}

/// The same for a kernel that is cheap by number: `columns` numbers in a row.
template <class Work>
void for_parts_of_cheap_rows(thread_team* team, index_t rows, index_t columns, Work&& work) {
  const index_t members = team == nullptr ? 1 : team->members();
  const index_t least = least_part_numbers / std::max<index_t>(columns, 1);
  for_parts_of_rows(team, rows, std::max(rows_of_part(rows, members, std::max<index_t>(rows, 1)), least),
                    [&](index_t first, index_t count, int) { work(first, count); });
}

/// work(first, count, member) over all heads; `share` members' parts of equal size, or (false) one head each.
template <class Work>
void for_parts_of_heads(thread_team* team, index_t heads, bool share, Work&& work) {
  if (team == nullptr || heads <= 1 || team->members() == 1) {
    work(index_t{0}, heads, 0);
    return;
  }
  const index_t part = share ? (heads + team->members() - 1) / team->members() : 1;
  team->run((heads + part - 1) / part,
            [&](index_t p, int member) { work(p * part, std::min(part, heads - p * part), member); });
}

}  // namespace detail
DNALM_END_NAMESPACE

// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Ways to make one vector of a sequence's tokens.
#pragma once

#include <string_view>
#include <vector>

#include <dnalm/backend/pooling_kind.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// `mean,cls` to {mean, cls}. \throws error [dnalm.usage.450] for an unknown, repeated or absent name.
[[nodiscard]] std::vector<pooling> parse_poolings(std::string_view text);

/// Pools every sequence of a packed block: row s of `y` (sequences, D) from rows [offsets.begin(s), ...) of
/// `x`.
///
/// mean: (1 / n) sum of x[r, d] over the chosen rows, summed in double in the order of the rows; max: the
/// largest. \param is_special one flag per row of x: not a sequence token. A sequence without sequence tokens
/// gives NaN. \param cls row of each sequence's CLS token, relative to its start; used by `cls` only.
/// `tokens` copies nothing and is not allowed here.
void pool_sequences(pooling kind, matrix_view<const float> x, const ragged_offsets& offsets,
                    vector_view<const unsigned char> is_special, index_t cls, matrix_view<float> y);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/embed/detail/pooling_impl.hpp>
#endif

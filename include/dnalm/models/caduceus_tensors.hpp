// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The tensors of Caduceus: names and shapes.
#pragma once

#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/models/caduceus_config.hpp>
#include <dnalm/models/planned_tensor.hpp>

DNALM_BEGIN_NAMESPACE

/// All tensors of a configuration under the published names.
///
/// The projections that both directions share may stand under either's name or under both (then with the same
/// numbers), and so may a word table that is the head as well: one of a group. The complements of PS
/// (`complement_map`) are not required: the configuration has them. The scorer of other tasks
/// (`score.weight`) is known and unused.
[[nodiscard]] std::vector<planned_tensor> plan_tensors(const caduceus_config& config);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/models/detail/caduceus_tensors_impl.hpp>
#endif

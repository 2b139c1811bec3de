// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The tensors of HyenaDNA: names and shapes.
#pragma once

#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/models/hyena_config.hpp>
#include <dnalm/models/planned_tensor.hpp>

DNALM_BEGIN_NAMESPACE

/// All tensors of a configuration under the names that both layouts share (`backbone. ...`,
/// `lm_head.weight`).
///
/// Files put `hyena.` or `model.` before them, and `layer.` behind `mixer.` and `mlp.` where the authors
/// trained with checkpointing; checkpoint_source knows. Not required: positions (`pos_emb.z`, `.t`) and
/// `deltas`, which formulas give. The sines' frequencies are one tensor that may stand under several names:
/// one of a group. Heads of other tasks (`head.output_transform. ...`, `score.weight`) are known and unused.
[[nodiscard]] std::vector<planned_tensor> plan_tensors(const hyena_config& config);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/models/detail/hyena_tensors_impl.hpp>
#endif

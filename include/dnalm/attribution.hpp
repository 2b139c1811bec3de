// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief All public headers of module attribution.
#pragma once

#include <dnalm/attribution/attention_rollout.hpp>
#include <dnalm/attribution/attribution_file.hpp>
#include <dnalm/attribution/attribution_targets.hpp>
#include <dnalm/attribution/baseline.hpp>
#include <dnalm/attribution/deep_lift.hpp>
#include <dnalm/attribution/dependency_map.hpp>
#include <dnalm/attribution/global_importance.hpp>
#include <dnalm/attribution/gradient_attribution.hpp>
#include <dnalm/attribution/map_comparison.hpp>
#include <dnalm/attribution/map_transforms.hpp>
#include <dnalm/attribution/masked_maps.hpp>
#include <dnalm/attribution/model_gradients.hpp>
#include <dnalm/attribution/motif_recovery.hpp>
#include <dnalm/attribution/motif_scan.hpp>
#include <dnalm/attribution/nucleotide_input.hpp>
#include <dnalm/attribution/nucleotide_map.hpp>
#include <dnalm/attribution/nucleotide_probabilities.hpp>
#include <dnalm/attribution/nucleotide_vocabulary.hpp>
#include <dnalm/attribution/relaxed_function.hpp>
#include <dnalm/attribution/sequence_function.hpp>
#include <dnalm/attribution/strand_average.hpp>
#include <dnalm/attribution/substitution.hpp>
#include <dnalm/attribution/substitution_effects.hpp>
#include <dnalm/attribution/substitution_function.hpp>
#include <dnalm/attribution/token_attribution.hpp>

// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief All public headers of module attribution.
#pragma once

#include <dnalm/attribution/attention_rollout.hpp>
#include <dnalm/attribution/dependency_map.hpp>
#include <dnalm/attribution/masked_maps.hpp>
#include <dnalm/attribution/nucleotide_map.hpp>
#include <dnalm/attribution/nucleotide_probabilities.hpp>
#include <dnalm/attribution/nucleotide_vocabulary.hpp>
#include <dnalm/attribution/sequence_function.hpp>
#include <dnalm/attribution/strand_average.hpp>
#include <dnalm/attribution/substitution_effects.hpp>
#include <dnalm/attribution/substitution_function.hpp>

// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief All public headers of module attribution.
#pragma once

#include <dnalm/attribution/attribution_targets.hpp>
#include <dnalm/attribution/deep_lift.hpp>
#include <dnalm/attribution/nucleotide_input.hpp>
#include <dnalm/attribution/nucleotide_map.hpp>
#include <dnalm/attribution/sequence_function.hpp>

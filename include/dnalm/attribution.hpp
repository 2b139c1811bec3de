// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief All public headers of module attribution.
#pragma once

#include <dnalm/attribution/attribution_file.hpp>
#include <dnalm/attribution/global_importance.hpp>
#include <dnalm/attribution/motif_scan.hpp>
#include <dnalm/attribution/nucleotide_map.hpp>
#include <dnalm/attribution/sequence_function.hpp>

// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief bigWig: tracks as an indexed binary file. Needs the library libBigWig: link dnalm::bigwig.
///
/// Without DNALM_WITH_BIGWIG (which dnalm::bigwig defines) nothing is declared.
#pragma once

#include <dnalm/core/platform.hpp>

#if defined(DNALM_WITH_BIGWIG)

#include <filesystem>
#include <map>
#include <span>
#include <string>

#include <dnalm/core/types.hpp>
#include <dnalm/io/track.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// Writes intervals and zoomed summaries of them, atomically; values become floats.
///
/// `lengths` are those of the chromosomes; one that has intervals but no length gets the end of its last
/// interval. The target must be a regular file or not exist. Calls wait for one another: the library has
/// state of its own. \throws error [dnalm.usage.159] as write_bedgraph, also for intervals beyond their
/// chromosome's length or without any interval; error [dnalm.io.222], [dnalm.io.223], [dnalm.io.224].
void write_bigwig(const std::filesystem::path& path, std::span<const track_interval> intervals,
                  const std::map<std::string, index_t>& lengths = {});

}  // namespace io
DNALM_END_NAMESPACE

#include <dnalm/io/detail/bigwig_impl.hpp>

#endif
